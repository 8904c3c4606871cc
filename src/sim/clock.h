// SimClock: the time of day of one host, which drifts, swings, jumps and is slewed. Monotonic time
// is the SimLoop's.
#pragma once

#include "base/time.h"
#include "sim/faults.h"
#include "sim/scheduler.h"
#include "world/clock.h"

namespace kelpie::sim {

// Simulated time zero on every wall clock that has not moved: 2026-01-01T00:00:00Z.
inline constexpr int64_t kWallOriginNs = 1'767'225'600LL * 1'000'000'000LL;

// How a wall clock runs for a whole run.
struct WallClockOptions {
  int64_t drift_ppm = 0;
  // Swings between no and this much ahead, as a clock does that is corrected again and again.
  Duration swing;
  Duration swing_period = Duration::seconds(30);
};

class SimClock final : public world::Clock {
 public:
  SimClock(Scheduler& scheduler, FaultLedger& ledger, WallClockOptions options)
      : scheduler_(scheduler), ledger_(ledger), options_(options) {}

  [[nodiscard]] WallTime wall() const override;
  // Steps the clock, forward or back; it is seen when production code next asks.
  void jump(Duration by);
  // Moves the clock little by little: from now on for `over`.
  void slew(Duration by, Duration over);

 private:
  // How far it is off for other reasons than jumps.
  [[nodiscard]] int64_t skew_ns() const;

  Scheduler& scheduler_;
  FaultLedger& ledger_;
  WallClockOptions options_;
  int64_t offset_ns_ = 0;
  int64_t slew_begin_ns_ = 0;
  int64_t slew_over_ns_ = 0;
  int64_t slew_by_ns_ = 0;
  mutable bool jump_unseen_ = false;
  // Faults count as configured where the time of day is asked for.
  mutable bool asked_ = false;
};

}  // namespace kelpie::sim
