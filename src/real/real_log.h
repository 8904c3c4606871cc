// RealLog: structured events as lines of text or JSON, written by spdlog.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "world/log.h"

namespace kelpie::real {

enum class LogFormat : uint8_t { kText, kJson };

struct LogEvent {
  WallTime at;
  world::LogLevel level = world::LogLevel::kInfo;
  std::string_view event;
  std::span<const world::LogField> fields;
};

// One line without its end.
//   text  2026-11-20T21:02:12.000123Z INFO  listening address=127.0.0.1:8283 note="two words"
//   json  {"time":"…","level":"info","event":"listening","address":"127.0.0.1:8283"}
// Values of a JSON line are strings, valid UTF-8 whatever the bytes were.
std::string format_log_line(LogFormat format, const LogEvent& event);

struct LogOptions {
  world::LogLevel level = world::LogLevel::kInfo;
  LogFormat format = LogFormat::kText;
  // Where lines go; nullptr is standard error. Outlives the log.
  std::ostream* out = nullptr;
};

// Any thread.
class RealLog final : public world::Log {
 public:
  explicit RealLog(LogOptions options);
  ~RealLog() override;

  [[nodiscard]] bool enabled(world::LogLevel level) const override {
    return level >= options_.level;
  }
  void write(world::LogLevel level, std::string_view event,
             std::initializer_list<world::LogField> fields) override;

 private:
  struct Sink;
  LogOptions options_;
  std::unique_ptr<Sink> sink_;
};

}  // namespace kelpie::real
