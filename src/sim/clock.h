// SimClock: the time of day of one host, which may jump. Monotonic time is the SimLoop's.
#pragma once

#include "sim/faults.h"
#include "sim/scheduler.h"
#include "world/clock.h"

namespace kelpie::sim {

// Simulated time zero on every wall clock that has not jumped: 2026-01-01T00:00:00Z.
inline constexpr int64_t kWallOriginNs = 1'767'225'600LL * 1'000'000'000LL;

class SimClock final : public world::Clock {
 public:
  SimClock(Scheduler& scheduler, FaultLedger& ledger) : scheduler_(scheduler), ledger_(ledger) {}

  [[nodiscard]] WallTime wall() const override {
    if (jump_unseen_) {
      jump_unseen_ = false;
      ledger_.receive(Fault::kClockJump);
    }
    return WallTime::from_nanos(kWallOriginNs + scheduler_.now_ns() + offset_ns_);
  }
  // Steps the clock, forward or back; it is seen when production code next asks.
  void jump(Duration by) {
    offset_ns_ += by.nanos();
    jump_unseen_ = true;
  }

 private:
  Scheduler& scheduler_;
  FaultLedger& ledger_;
  int64_t offset_ns_ = 0;
  mutable bool jump_unseen_ = false;
};

}  // namespace kelpie::sim
