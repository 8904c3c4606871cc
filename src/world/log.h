// Log: structured events. An error-level event that no fault explains fails a simulation.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace kelpie::world {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarn, kError };

struct LogField {
  LogField(std::string_view field_name, std::string field_value)
      : name(field_name), value(std::move(field_value)) {}
  LogField(std::string_view field_name, std::string_view field_value)
      : name(field_name), value(field_value) {}
  LogField(std::string_view field_name, const char* field_value)
      : name(field_name), value(field_value) {}
  LogField(std::string_view field_name, int64_t number)
      : name(field_name), value(std::to_string(number)) {}
  LogField(std::string_view field_name, uint64_t number)
      : name(field_name), value(std::to_string(number)) {}
  LogField(std::string_view field_name, int number)
      : name(field_name), value(std::to_string(number)) {}
  std::string_view name;
  std::string value;
};

class Log {
 public:
  Log() = default;
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  virtual ~Log() = default;

  [[nodiscard]] virtual bool enabled(LogLevel level) const = 0;
  // `event` is a short constant sentence; what varies goes into fields. Any thread.
  virtual void write(LogLevel level, std::string_view event,
                     std::initializer_list<LogField> fields) = 0;

  void debug(std::string_view event, std::initializer_list<LogField> fields = {}) {
    if (enabled(LogLevel::kDebug)) {
      write(LogLevel::kDebug, event, fields);
    }
  }
  void info(std::string_view event, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::kInfo, event, fields);
  }
  void warn(std::string_view event, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::kWarn, event, fields);
  }
  void error(std::string_view event, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::kError, event, fields);
  }
};

}  // namespace kelpie::world
