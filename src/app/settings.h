// Settings: every setting's name, and where its value came from. Stronger sources first: flag,
// environment, configuration file, default.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/config_file.h"
#include "app/machine.h"
#include "base/result.h"

namespace kelpie::app {

enum class FlagKind : uint8_t { kNone, kSwitch, kValue };
enum class Secrecy : uint8_t { kPublic, kSecret };

// One setting. Its flag is `--` and the name; its key in the file is the name with underscores.
struct SettingSpec {
  std::string_view name;
  FlagKind flag = FlagKind::kValue;
  // Environment variables, the strongest first; unused places are empty.
  std::array<std::string_view, 2> variables;
  enum class File : uint8_t { kNo, kYes } file = File::kYes;
  std::string_view default_text;
  Secrecy secrecy = Secrecy::kPublic;
  // What it means and in what it is written, for the help.
  std::string_view help;

  [[nodiscard]] std::string flag_name() const { return "--" + std::string(name); }
  [[nodiscard]] std::string file_key() const;
};

// In the order in which help and `kelpie config` show them.
std::span<const SettingSpec> setting_specs();

enum class Source : uint8_t { kFlag, kEnvironment, kFile, kDefault };

struct SettingValue {
  std::string text;
  Source source = Source::kDefault;
  // `--listen`, `KELPIE_LISTEN`, `kelpie.toml:3`, `default`.
  std::string origin;
  bool operator==(const SettingValue&) const = default;
};

class Settings {
 public:
  // `flags` by setting name. `not_found` and `invalid_argument` name the file, the line and the
  // key.
  static Result<Settings> gather(const std::map<std::string, std::string>& flags,
                                 const Machine& machine, const std::optional<ConfigFile>& file);

  // The strongest value; a default if nothing else. CHECKs that the name is one of setting_specs.
  [[nodiscard]] const SettingValue& get(std::string_view name) const;
  // Its value from one source, if that source has one.
  [[nodiscard]] const SettingValue* from(Source source, std::string_view name) const;

 private:
  // Strongest first; never empty.
  std::map<std::string, std::vector<SettingValue>, std::less<>> values_;
};

}  // namespace kelpie::app
