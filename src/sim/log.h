// SimLog: what one host's production code logged. An error-level event that no fault explains
// fails the run.
#pragma once

#include <deque>
#include <functional>
#include <string>

#include "sim/scheduler.h"
#include "world/log.h"

namespace kelpie::sim {

class SimLog final : public world::Log {
 public:
  // Hears of each error-level event; decides whether a fault explains it.
  using OnError = std::function<void(const std::string& line)>;

  SimLog(Scheduler& scheduler, SimLoop& loop, OnError on_error)
      : scheduler_(scheduler), loop_(loop), on_error_(std::move(on_error)) {}

  [[nodiscard]] bool enabled(world::LogLevel level) const override;
  void write(world::LogLevel level, std::string_view event,
             std::initializer_list<world::LogField> fields) override;

  // The newest lines, oldest first, at most kKept.
  [[nodiscard]] const std::deque<std::string>& lines() const { return lines_; }
  static constexpr size_t kKept = 200;

 private:
  Scheduler& scheduler_;
  SimLoop& loop_;
  OnError on_error_;
  std::deque<std::string> lines_;
};

}  // namespace kelpie::sim
