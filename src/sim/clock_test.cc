#include "sim/clock.h"

#include <gtest/gtest.h>

namespace kelpie::sim {
namespace {

struct Rig {
  explicit Rig(WallClockOptions options) : clock(scheduler, ledger, options) {}
  void pass(Duration length) {
    scheduler.system().start_timer(scheduler.system().now() + length, [] {});
    while (scheduler.step()) {
    }
  }
  // How far it is off, in milliseconds.
  [[nodiscard]] int64_t off_ms() const {
    return (clock.wall().nanos() - kWallOriginNs - scheduler.now_ns()) / 1'000'000;
  }
  Choices choices{1};
  Trace trace;
  FaultLedger ledger;
  Scheduler scheduler{choices, trace, SchedulerOptions{}};
  SimClock clock;
};

TEST(SimClock, KeepsTimeWhenNothingIsWrong) {
  Rig rig({});
  rig.pass(Duration::seconds(100));
  EXPECT_EQ(rig.off_ms(), 0);
  EXPECT_EQ(rig.ledger.received(Fault::kClockSkew), 0u);
  EXPECT_EQ(rig.ledger.configured(Fault::kClockSkew), 0u);
}

TEST(SimClock, DriftsBothWays) {
  for (const int64_t ppm : {-10'000, 10'000}) {
    Rig rig({.drift_ppm = ppm});
    rig.pass(Duration::seconds(100));
    EXPECT_NEAR(rig.off_ms(), ppm / 10, 1);
    EXPECT_GT(rig.ledger.received(Fault::kClockSkew), 0u);
  }
}

TEST(SimClock, SwingsThereAndBack) {
  Rig rig({.swing = Duration::seconds(4), .swing_period = Duration::seconds(20)});
  rig.pass(Duration::seconds(5));
  EXPECT_NEAR(rig.off_ms(), 2'000, 10);
  rig.pass(Duration::seconds(5));
  EXPECT_NEAR(rig.off_ms(), 4'000, 10);
  rig.pass(Duration::seconds(10));
  EXPECT_NEAR(rig.off_ms(), 0, 10);
}

TEST(SimClock, ASlewMovesItLittleByLittleAndStays) {
  Rig rig({});
  rig.clock.slew(Duration::seconds(-10), Duration::seconds(100));
  rig.pass(Duration::seconds(50));
  EXPECT_NEAR(rig.off_ms(), -5'000, 10);
  // Another begins where the first one stands.
  rig.clock.slew(Duration::seconds(5), Duration::seconds(10));
  EXPECT_NEAR(rig.off_ms(), -5'000, 10);
  rig.pass(Duration::seconds(100));
  EXPECT_NEAR(rig.off_ms(), 0, 10);
}

}  // namespace
}  // namespace kelpie::sim
