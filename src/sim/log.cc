#include "sim/log.h"

#include <fmt/format.h>

namespace kelpie::sim {
namespace {

std::string_view level_name(world::LogLevel level) {
  switch (level) {
    case world::LogLevel::kDebug:
      return "debug";
    case world::LogLevel::kInfo:
      return "info";
    case world::LogLevel::kWarn:
      return "warn";
    case world::LogLevel::kError:
      return "error";
  }
  return "?";
}

}  // namespace

bool SimLog::enabled(world::LogLevel level) const { return level != world::LogLevel::kDebug; }

void SimLog::write(world::LogLevel level, std::string_view event,
                   std::initializer_list<world::LogField> fields) {
  // A destructor of a dead incarnation may still speak; a real crash would have silenced it.
  if (!loop_.open()) {
    return;
  }
  std::string line = fmt::format("{} {}", level_name(level), event);
  for (const world::LogField& field : fields) {
    line += fmt::format(" {}={}", field.name, field.value);
  }
  scheduler_.note(loop_.label(), "log", line);
  if (level == world::LogLevel::kError && on_error_) {
    on_error_(line);
  }
  lines_.push_back(std::move(line));
  if (lines_.size() > kKept) {
    lines_.pop_front();
  }
}

}  // namespace kelpie::sim
