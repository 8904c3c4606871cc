#include "app/config_file.h"

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <utility>

namespace kelpie::app {
namespace {

std::string place(const std::string& path, const toml::source_region& region) {
  return path + ":" + std::to_string(region.begin.line);
}

}  // namespace

Result<ConfigFile> parse_config_file(const std::string& path, std::string_view text) {
  const toml::parse_result parsed = toml::parse(text, path);
  if (!parsed) {
    return base::invalid_argument(place(path, parsed.error().source()) +
                                  ": expected TOML: " + std::string(parsed.error().description()));
  }
  ConfigFile file{.path = path, .values = {}};
  for (const auto& [key, node] : parsed.table()) {
    FileValue value{.text = {}, .line = static_cast<int>(key.source().begin.line)};
    if (const auto* string = node.as_string()) {
      value.text = string->get();
    } else if (const auto* integer = node.as_integer()) {
      value.text = std::to_string(integer->get());
    } else if (const auto* boolean = node.as_boolean()) {
      value.text = boolean->get() ? "true" : "false";
    } else {
      return base::invalid_argument(place(path, key.source()) + ": " + std::string(key.str()) +
                                    ": expected a string, an integer or a boolean");
    }
    file.values.emplace(std::string(key.str()), std::move(value));
  }
  return file;
}

}  // namespace kelpie::app
