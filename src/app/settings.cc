#include "app/settings.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"

namespace kelpie::app {
namespace {

using File = SettingSpec::File;

constexpr std::array<SettingSpec, 24> kTable = {
    {{"listen",
      FlagKind::kValue,
      {"KELPIE_LISTEN"},
      File::kYes,
      "127.0.0.1:8283",
      Secrecy::kPublic,
      "Address to serve on, HOST:PORT or [IPV6]:PORT"},
     {"insecure",
      FlagKind::kSwitch,
      {"KELPIE_INSECURE"},
      File::kYes,
      "false",
      Secrecy::kPublic,
      "Serve on a non-loopback address without an API key"},
     {"api-key",
      FlagKind::kNone,
      {"KELPIE_API_KEY", "LETTA_SERVER_PASSWORD"},
      File::kNo,
      "",
      Secrecy::kSecret,
      "The key that clients send as a bearer token"},
     {"api-key-file",
      FlagKind::kValue,
      {},
      File::kYes,
      "",
      Secrecy::kPublic,
      "File that holds the key that clients send as a bearer token"},
     {"data-dir",
      FlagKind::kValue,
      {"KELPIE_DATA_DIR"},
      File::kYes,
      "",
      Secrecy::kPublic,
      "Directory of the embedded store (default $XDG_DATA_HOME/kelpie or ~/.local/share/kelpie)"},
     {"memory-only",
      FlagKind::kSwitch,
      {},
      File::kYes,
      "false",
      Secrecy::kPublic,
      "Keep all data in memory; it is lost on restart"},
     {"fdb-cluster-file",
      FlagKind::kValue,
      {"KELPIE_FDB_CLUSTER", "FDB_CLUSTER_FILE"},
      File::kYes,
      "",
      Secrecy::kPublic,
      "FoundationDB cluster file"},
     {"fdb-library",
      FlagKind::kValue,
      {"KELPIE_FDB_LIBRARY"},
      File::kYes,
      "",
      Secrecy::kPublic,
      "FoundationDB's client library, a file or a name (default libfdb_c.so)"},
     {"fdb-tls-cert-file",
      FlagKind::kValue,
      {"KELPIE_FDB_TLS_CERT_FILE", "FDB_TLS_CERTIFICATE_FILE"},
      File::kYes,
      "",
      Secrecy::kPublic,
      "PEM file of the certificate that FoundationDB is shown"},
     {"fdb-tls-key-file",
      FlagKind::kValue,
      {"KELPIE_FDB_TLS_KEY_FILE", "FDB_TLS_KEY_FILE"},
      File::kYes,
      "",
      Secrecy::kPublic,
      "PEM file of that certificate's key"},
     {"fdb-tls-ca-file",
      FlagKind::kValue,
      {"KELPIE_FDB_TLS_CA_FILE", "FDB_TLS_CA_FILE"},
      File::kYes,
      "",
      Secrecy::kPublic,
      "PEM file of the roots that FoundationDB's certificates come from"},
     {"fdb-tls-verify-peers",
      FlagKind::kValue,
      {"KELPIE_FDB_TLS_VERIFY_PEERS", "FDB_TLS_VERIFY_PEERS"},
      File::kYes,
      "",
      Secrecy::kPublic,
      "What FoundationDB's certificates must be, in its own notation"},
     {"fdb-tls-password",
      FlagKind::kNone,
      {"KELPIE_FDB_TLS_PASSWORD", "FDB_TLS_PASSWORD"},
      File::kYes,
      "",
      Secrecy::kSecret,
      "Password of the key in fdb-tls-key-file"},
     {"fdb-knobs-file",
      FlagKind::kValue,
      {"KELPIE_FDB_KNOBS_FILE"},
      File::kYes,
      "",
      Secrecy::kPublic,
      "File of knobs for FoundationDB's client, lines of name=value"},
     {"loops",
      FlagKind::kValue,
      {"KELPIE_LOOPS"},
      File::kYes,
      "1",
      Secrecy::kPublic,
      "Event loops, each on a thread of its own; an agent lives on one of them"},
     {"log-level",
      FlagKind::kValue,
      {"KELPIE_LOG_LEVEL"},
      File::kYes,
      "info",
      Secrecy::kPublic,
      "debug, info, warn or error"},
     {"log-format",
      FlagKind::kValue,
      {"KELPIE_LOG_FORMAT"},
      File::kYes,
      "text",
      Secrecy::kPublic,
      "text or json"},
     {"body-bytes-max",
      FlagKind::kValue,
      {"KELPIE_BODY_BYTES_MAX"},
      File::kYes,
      "32MiB",
      Secrecy::kPublic,
      "Largest request body, 1KiB to 1GiB"},
     {"drain-timeout",
      FlagKind::kValue,
      {"KELPIE_DRAIN_TIMEOUT"},
      File::kYes,
      "30s",
      Secrecy::kPublic,
      "How long requests in flight may take to end after SIGTERM"},
     {"openai-api-key",
      FlagKind::kNone,
      {"OPENAI_API_KEY"},
      File::kNo,
      "",
      Secrecy::kSecret,
      "Key of the OpenAI-compatible model provider"},
     {"openai-base-url",
      FlagKind::kValue,
      {"OPENAI_BASE_URL"},
      File::kYes,
      "",
      Secrecy::kPublic,
      "Base URL of the OpenAI-compatible model provider (OpenAI, Ollama, vLLM, LM Studio)"},
     {"ca-file",
      FlagKind::kValue,
      {"KELPIE_CA_FILE"},
      File::kYes,
      "",
      Secrecy::kPublic,
      "PEM file of trusted roots for outgoing TLS (default: the system's)"},
     {"rocksdb-block-cache-bytes",
      FlagKind::kValue,
      {"KELPIE_ROCKSDB_BLOCK_CACHE_BYTES"},
      File::kYes,
      "64MiB",
      Secrecy::kPublic,
      "The embedded store's cache of blocks, 1MiB up"},
     {"rocksdb-write-buffer-bytes",
      FlagKind::kValue,
      {"KELPIE_ROCKSDB_WRITE_BUFFER_BYTES"},
      File::kYes,
      "64MiB",
      Secrecy::kPublic,
      "The embedded store's write buffer, 1MiB up"}}};

Result<void> check_keys(const ConfigFile& file) {
  for (const auto& [key, value] : file.values) {
    const auto known = std::ranges::find_if(kTable, [&](const SettingSpec& spec) {
      return spec.file == File::kYes && spec.file_key() == key;
    });
    if (known == kTable.end()) {
      std::string expected;
      for (const SettingSpec& spec : kTable) {
        if (spec.file == File::kYes) {
          expected += (expected.empty() ? "" : ", ") + spec.file_key();
        }
      }
      return base::invalid_argument(file.path + ":" + std::to_string(value.line) +
                                    ": unknown key \"" + key + "\"; expected one of " + expected);
    }
  }
  return kOk;
}

}  // namespace

std::string SettingSpec::file_key() const {
  std::string key(name);
  std::ranges::replace(key, '-', '_');
  return key;
}

std::span<const SettingSpec> setting_specs() { return kTable; }

Result<Settings> Settings::gather(const std::map<std::string, std::string>& flags,
                                  const Machine& machine, const std::optional<ConfigFile>& file) {
  if (file) {
    TRY(check_keys(*file));
  }
  Settings settings;
  for (const SettingSpec& spec : kTable) {
    std::vector<SettingValue> values;
    if (const auto flag = flags.find(std::string(spec.name)); flag != flags.end()) {
      values.push_back({flag->second, Source::kFlag, spec.flag_name()});
    }
    for (const std::string_view variable : spec.variables) {
      if (auto text =
              variable.empty() ? std::nullopt : machine.environment(std::string(variable))) {
        values.push_back({*std::move(text), Source::kEnvironment, std::string(variable)});
      }
    }
    if (file && spec.file == File::kYes) {
      if (const auto found = file->values.find(spec.file_key()); found != file->values.end()) {
        values.push_back({found->second.text, Source::kFile,
                          file->path + ":" + std::to_string(found->second.line)});
      }
    }
    values.push_back({std::string(spec.default_text), Source::kDefault, "default"});
    settings.values_.emplace(spec.name, std::move(values));
  }
  return settings;
}

const SettingValue& Settings::get(std::string_view name) const {
  const auto found = values_.find(name);
  CHECK(found != values_.end());
  return found->second.front();
}

const SettingValue* Settings::from(Source source, std::string_view name) const {
  const auto found = values_.find(name);
  CHECK(found != values_.end());
  const auto value = std::ranges::find(found->second, source, &SettingValue::source);
  return value == found->second.end() ? nullptr : &*value;
}

}  // namespace kelpie::app
