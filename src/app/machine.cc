#include "app/machine.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

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
  const std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  // Through the stream, which turns a failed read (of a directory, say) into its state.
  const bool directory = std::filesystem::is_directory(path, code);
  // An empty file sets `failbit`, a failed read `badbit`.
  text << file.rdbuf();
  if (code || directory || !file || text.bad()) {
    return base::unavailable("cannot read " + path);
  }
  return std::optional<std::string>(std::move(text).str());
}

bool RealMachine::is_file(const std::string& path) const {
  std::error_code code;
  return std::filesystem::is_regular_file(path, code);
}

bool RealMachine::is_directory(const std::string& path) const {
  std::error_code code;
  return std::filesystem::is_directory(path, code);
}

bool RealMachine::holds_data(const std::string& directory) const {
  std::error_code code;
  const std::filesystem::directory_iterator entries(directory, code);
  return !code && entries != std::filesystem::directory_iterator();
}

}  // namespace kelpie::app
