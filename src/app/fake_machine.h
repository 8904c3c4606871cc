// FakeMachine: a Machine for tests, that holds what the test puts into it.
#pragma once

#include <map>
#include <set>
#include <string>

#include "app/machine.h"

namespace kelpie::app {

class FakeMachine final : public Machine {
 public:
  std::map<std::string, std::string> variables;
  std::map<std::string, std::string> files;
  std::set<std::string> full_directories;
  std::set<std::string> unreadable;  // files that are there and may not be read

  [[nodiscard]] std::optional<std::string> environment(const std::string& name) const override {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  }
  [[nodiscard]] Result<std::optional<std::string>> read_file(
      const std::string& path) const override {
    if (unreadable.contains(path) || full_directories.contains(path)) {
      return base::unavailable("cannot read " + path);
    }
    const auto found = files.find(path);
    return found == files.end() ? std::nullopt : std::optional(found->second);
  }
  [[nodiscard]] bool is_file(const std::string& path) const override {
    return files.contains(path) || unreadable.contains(path);
  }
  [[nodiscard]] bool is_directory(const std::string& path) const override {
    return full_directories.contains(path);
  }
  [[nodiscard]] bool holds_data(const std::string& directory) const override {
    return full_directories.contains(directory);
  }
};

}  // namespace kelpie::app
