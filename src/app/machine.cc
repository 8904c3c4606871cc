#include "app/machine.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace kelpie::app {

std::optional<std::string> RealMachine::environment(const std::string& name) const {
  // The process has one thread when its configuration is read.
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') {
    return std::nullopt;
  }
  return std::string(value);
}

Result<std::optional<std::string>> RealMachine::read_file(const std::string& path) const {
  std::error_code code;
  if (!std::filesystem::exists(path, code) && !code) {
    return std::optional<std::string>();
  }
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file || code || std::filesystem::is_directory(path, code)) {
    return base::unavailable("cannot read " + path);
  }
  return std::optional<std::string>(std::move(text));
}

bool RealMachine::is_file(const std::string& path) const {
  std::error_code code;
  return std::filesystem::is_regular_file(path, code);
}

bool RealMachine::holds_data(const std::string& directory) const {
  std::error_code code;
  const std::filesystem::directory_iterator entries(directory, code);
  return !code && entries != std::filesystem::directory_iterator();
}

}  // namespace kelpie::app
