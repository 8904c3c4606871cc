// Clock: the time of day. Monotonic time and timers are the Loop's.
#pragma once

#include "base/time.h"

namespace kelpie::world {

class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;
  // May step forward and back. For people and for records, never for safety.
  [[nodiscard]] virtual WallTime wall() const = 0;
};

}  // namespace kelpie::world
