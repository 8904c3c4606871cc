#include "app/config.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

#include "app/values.h"

namespace kelpie::app {
namespace {

constexpr Range kBodyBytes{1024, uint64_t{1} << 30};
constexpr Range kStoreBytes{uint64_t{1} << 20, uint64_t{1} << 40};
constexpr Range kLoops{1, 256};
constexpr std::string_view kFileInCurrentDirectory = "kelpie.toml";
constexpr std::string_view kMask = "********";

// The error says which setting, and where its value came from.
template <class T>
Result<T> named(std::string_view name, const SettingValue& value, Result<T> parsed) {
  if (parsed.ok()) {
    return parsed;
  }
  Error error = std::move(parsed).error().with_context(name);
  error.message += " (from " + value.origin + ")";
  return error;
}

Result<world::LogLevel> parse_log_level(const std::string& text) {
  constexpr std::array<std::pair<std::string_view, world::LogLevel>, 4> kLevels = {
      {{"debug", world::LogLevel::kDebug},
       {"info", world::LogLevel::kInfo},
       {"warn", world::LogLevel::kWarn},
       {"error", world::LogLevel::kError}}};
  for (const auto& [name, level] : kLevels) {
    if (name == text) {
      return level;
    }
  }
  return base::invalid_argument("expected debug, info, warn or error, got \"" + text + "\"");
}

Result<real::LogFormat> parse_log_format(const std::string& text) {
  if (text == "text") {
    return real::LogFormat::kText;
  }
  if (text == "json") {
    return real::LogFormat::kJson;
  }
  return base::invalid_argument("expected text or json, got \"" + text + "\"");
}

Result<uint64_t> parse_loops(const std::string& text) {
  const uint64_t loops = TRY(parse_integer(text, kLoops));
  return loops;
}

Result<std::string> parse_optional_key(const std::string& text) {
  return text.empty() ? Result<std::string>(text) : parse_key(text);
}

Result<void> check_exposure(const ServeConfig& config, const SettingValue& listen) {
  const bool has_key = !config.api_key.key.empty() || !config.api_key.file.empty();
  if (has_key || is_loopback(config.listen.host) || config.exposure == Exposure::kInsecureAllowed) {
    return kOk;
  }
  return base::failed_precondition(
      "listen: refusing " + config.listen.to_string() + " (from " + listen.origin +
      ") without an API key: whoever reaches that address could read and change every agent; "
      "set a key (--api-key-file, KELPIE_API_KEY or LETTA_SERVER_PASSWORD), listen on 127.0.0.1, "
      "or accept it with --insecure");
}

std::string shown_value(const SettingSpec& spec, const SettingValue& value) {
  if (value.text.empty()) {
    return "-";
  }
  return spec.secrecy == Secrecy::kSecret ? std::string(kMask) : value.text;
}

std::string shown_source(const SettingValue& value) {
  switch (value.source) {
    case Source::kFlag:
      return "flag " + value.origin;
    case Source::kEnvironment:
      return "environment " + value.origin;
    case Source::kFile:
      return "file " + value.origin;
    case Source::kDefault:
      break;
  }
  return "default";
}

Result<FdbConfig> make_fdb_config(const Settings& settings, const Machine& machine) {
  const auto text = [&settings](std::string_view name) { return settings.get(name).text; };
  FdbConfig config{.library = text("fdb-library"),
                   .tls_cert_file = text("fdb-tls-cert-file"),
                   .tls_key_file = text("fdb-tls-key-file"),
                   .tls_ca_file = text("fdb-tls-ca-file"),
                   .tls_verify_peers = text("fdb-tls-verify-peers"),
                   .tls_password = text("fdb-tls-password"),
                   .knobs = {}};
  const SettingValue& knobs_file = settings.get("fdb-knobs-file");
  if (!knobs_file.text.empty()) {
    const auto knobs = TRY(named("fdb-knobs-file", knobs_file, machine.read_file(knobs_file.text)));
    if (!knobs) {
      return base::not_found("fdb-knobs-file: expected a file at " + knobs_file.text + " (from " +
                             knobs_file.origin + "), found none");
    }
    config.knobs = TRY(parse_knobs_file(knobs_file.text, *knobs));
  }
  return config;
}

Result<BackendChoice> backend_of(const Settings& settings, const Machine& machine) {
  return choose_backend(TRY(backend_inputs(settings, machine)), machine);
}

}  // namespace

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host == "::1") {
    return true;
  }
  // 127.0.0.0/8 in four decimal parts; a name that merely starts like it is no address.
  std::array<int, 4> parts{};
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto [end, code] = std::from_chars(host.data(), host.data() + host.size(), parts[i]);
    if (code != std::errc() || parts[i] < 0 || parts[i] > 255) {
      return false;
    }
    host.remove_prefix(static_cast<size_t>(end - host.data()));
    const bool last = i + 1 == parts.size();
    if (last ? !host.empty() : !host.starts_with('.')) {
      return false;
    }
    host.remove_prefix(last ? 0 : 1);
  }
  return parts[0] == 127;
}

Result<LoadedSettings> load_settings(const ConfigArguments& arguments, const Machine& machine) {
  LoadedSettings loaded;
  std::optional<std::string> explicit_path = arguments.config_path;
  loaded.file_origin = "--config";
  if (!explicit_path) {
    explicit_path = machine.environment("KELPIE_CONFIG");
    loaded.file_origin = explicit_path ? "KELPIE_CONFIG" : "current directory";
  }
  const std::string path = explicit_path.value_or(std::string(kFileInCurrentDirectory));
  const std::optional<std::string> text = TRY(machine.read_file(path));
  std::optional<ConfigFile> file;
  if (text) {
    file = TRY(parse_config_file(path, *text));
    loaded.file_path = path;
  } else if (explicit_path) {
    return base::not_found("expected a configuration file at " + path + " (from " +
                           loaded.file_origin + "), found none");
  } else {
    loaded.file_origin.clear();
  }
  loaded.settings = TRY(Settings::gather(arguments.flags, machine, file));
  return loaded;
}

// The key, or its file, whichever came from the stronger source.
Result<ApiKeyChoice> choose_api_key(const Settings& settings) {
  const SettingValue& file = settings.get("api-key-file");
  const SettingValue& key = settings.get("api-key");
  ApiKeyChoice choice;
  if (file.source < key.source) {
    if (file.text.empty()) {
      return base::invalid_argument("api-key-file: expected a file name, got an empty one (from " +
                                    file.origin + ")");
    }
    choice.file = file.text;
  } else {
    choice.key = TRY(named("api-key", key, parse_optional_key(key.text)));
  }
  return choice;
}

Result<StoreConfig> make_store_config(const Settings& settings, const Machine& machine) {
  const auto bytes = [&settings](std::string_view name) {
    const SettingValue& value = settings.get(name);
    return named(name, value, parse_bytes(value.text, kStoreBytes));
  };
  StoreConfig config;
  config.rocksdb_block_cache_bytes = TRY(bytes("rocksdb-block-cache-bytes"));
  config.rocksdb_write_buffer_bytes = TRY(bytes("rocksdb-write-buffer-bytes"));
  config.fdb = TRY(make_fdb_config(settings, machine));
  config.backend = TRY(backend_of(settings, machine));
  return config;
}

Result<ServeConfig> make_config(const Settings& settings, const Machine& machine) {
  const auto read = [&]<class Parse>(std::string_view name, Parse parse) {
    const SettingValue& value = settings.get(name);
    return named(name, value, parse(value.text));
  };
  ServeConfig config;
  config.listen = TRY(read("listen", world::parse_address));
  config.exposure =
      TRY(read("insecure", parse_bool)) ? Exposure::kInsecureAllowed : Exposure::kNeedsKey;
  config.api_key = TRY(choose_api_key(settings));
  config.loops = TRY(read("loops", parse_loops));
  config.log_level = TRY(read("log-level", parse_log_level));
  config.log_format = TRY(read("log-format", parse_log_format));
  config.body_bytes_max = TRY(read(
      "body-bytes-max", [](const std::string& text) { return parse_bytes(text, kBodyBytes); }));
  config.drain_timeout = TRY(read("drain-timeout", parse_duration));
  config.openai_api_key = TRY(read("openai-api-key", parse_optional_key));
  config.openai_base_url = settings.get("openai-base-url").text;
  config.ca_file = settings.get("ca-file").text;
  TRY(check_exposure(config, settings.get("listen")));
  config.store = TRY(make_store_config(settings, machine));
  return config;
}

std::string describe_config(const LoadedSettings& loaded, const Machine& machine) {
  constexpr std::string_view kRow = "{:<28}{:<34}  {}\n";
  std::string out = fmt::format(kRow, "name", "value", "source");
  if (!loaded.file_path.empty()) {
    out += fmt::format(kRow, "config", loaded.file_path, loaded.file_origin);
  }
  for (const SettingSpec& spec : setting_specs()) {
    const SettingValue& value = loaded.settings.get(spec.name);
    out += fmt::format(kRow, spec.name, shown_value(spec, value), shown_source(value));
  }
  const auto backend = backend_of(loaded.settings, machine);
  if (backend.ok()) {
    const std::string path = backend->path.empty() ? "" : " " + backend->path;
    out += fmt::format(kRow, "(store)", std::string(backend_name(backend->kind)) + path,
                       backend->source);
  }
  return out;
}

}  // namespace kelpie::app
