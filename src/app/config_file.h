// The configuration file: TOML, one flat table of settings.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kelpie::app {

struct FileValue {
  std::string text;
  int line = 0;
};

struct ConfigFile {
  std::string path;
  std::map<std::string, FileValue> values;  // by key
};

// Strings, integers and booleans only; `invalid_argument` with path and line otherwise. Does not
// know which keys there are.
Result<ConfigFile> parse_config_file(const std::string& path, std::string_view text);

}  // namespace kelpie::app
