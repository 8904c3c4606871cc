// Machine: what the configuration reads of the machine, so that its tests need none.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"

namespace kelpie::app {

class Machine {
 public:
  Machine() = default;
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  virtual ~Machine() = default;

  // nullopt when it is not set; an empty value counts as not set.
  [[nodiscard]] virtual std::optional<std::string> environment(const std::string& name) const = 0;
  // nullopt when there is no such file; an error when it cannot be read.
  [[nodiscard]] virtual Result<std::optional<std::string>> read_file(
      const std::string& path) const = 0;
  [[nodiscard]] virtual bool is_file(const std::string& path) const = 0;
  [[nodiscard]] virtual bool is_directory(const std::string& path) const = 0;
  // A directory with anything in it.
  [[nodiscard]] virtual bool holds_data(const std::string& directory) const = 0;
};

class RealMachine final : public Machine {
 public:
  [[nodiscard]] std::optional<std::string> environment(const std::string& name) const override;
  [[nodiscard]] Result<std::optional<std::string>> read_file(
      const std::string& path) const override;
  [[nodiscard]] bool is_file(const std::string& path) const override;
  [[nodiscard]] bool is_directory(const std::string& path) const override;
  [[nodiscard]] bool holds_data(const std::string& directory) const override;
};

}  // namespace kelpie::app
