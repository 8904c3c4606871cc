// RealClock: the time of day, from the operating system.
#pragma once

#include <string>

#include "base/time.h"
#include "world/clock.h"

namespace kelpie::real {

// Any thread.
class RealClock final : public world::Clock {
 public:
  [[nodiscard]] WallTime wall() const override;
};

// UTC as 2026-11-20T21:02:12.000123Z.
std::string format_time(WallTime time);

}  // namespace kelpie::real
