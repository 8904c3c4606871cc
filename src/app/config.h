// ServeConfig: everything that `kelpie serve` can be told, checked.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "app/backend_choice.h"
#include "app/fdb_files.h"
#include "app/machine.h"
#include "app/settings.h"
#include "base/result.h"
#include "base/time.h"
#include "real/real_log.h"
#include "world/log.h"
#include "world/net.h"

namespace kelpie::app {

enum class Exposure : uint8_t { kNeedsKey, kInsecureAllowed };

// How FoundationDB's client is set up; empty texts leave it to the client.
struct FdbConfig {
  std::string library;
  std::string tls_cert_file;
  std::string tls_key_file;
  std::string tls_ca_file;
  std::string tls_verify_peers;
  std::string tls_password;
  Knobs knobs;
};

// The store, for every verb that opens one.
struct StoreConfig {
  BackendChoice backend;
  uint64_t rocksdb_block_cache_bytes = 0;
  uint64_t rocksdb_write_buffer_bytes = 0;
  FdbConfig fdb;
};

// The key that clients send: at most one of these, the key itself or the file that holds it.
// Neither: anyone may call.
struct ApiKeyChoice {
  std::string key;
  std::string file;
};

struct ServeConfig {
  world::Address listen;
  Exposure exposure = Exposure::kNeedsKey;
  ApiKeyChoice api_key;
  StoreConfig store;
  uint64_t loops = 1;
  world::LogLevel log_level = world::LogLevel::kInfo;
  real::LogFormat log_format = real::LogFormat::kText;
  uint64_t body_bytes_max = 0;
  Duration drain_timeout;
  std::string openai_api_key;
  std::string openai_base_url;
  std::string ca_file;
};

// What the command line says about the configuration.
struct ConfigArguments {
  std::map<std::string, std::string> flags;  // by setting name
  std::optional<std::string> config_path;    // --config
};

// The settings, from all sources. The file is `--config`, else KELPIE_CONFIG (both must exist),
// else
// ./kelpie.toml if there is one.
struct LoadedSettings {
  Settings settings;
  std::string file_path;    // empty: none was read
  std::string file_origin;  // `--config`, `KELPIE_CONFIG`, `current directory`
};
Result<LoadedSettings> load_settings(const ConfigArguments& arguments, const Machine& machine);

// Parses and checks all of it. Errors name the setting, what was expected, what came and from
// where.
Result<ServeConfig> make_config(const Settings& settings, const Machine& machine);
// The parts of it that other verbs need too.
Result<StoreConfig> make_store_config(const Settings& settings, const Machine& machine);
Result<ApiKeyChoice> choose_api_key(const Settings& settings);

// A name or address that only this machine can reach.
bool is_loopback(std::string_view host);

// What `kelpie config` prints: a line per setting with value and source, secrets masked.
std::string describe_config(const LoadedSettings& loaded, const Machine& machine);

}  // namespace kelpie::app
