#include "real/real_world.h"

#include <gtest/gtest.h>

#include "real/real_log.h"

namespace kelpie::real {
namespace {

TEST(RealWorld, DrawsOtherRandomnessEachTime) {
  RealLoop loop;
  RealLog log(LogOptions{});
  RealWorld first(loop, log, world::NodeName("a"));
  RealWorld second(loop, log, world::NodeName("a"));
  EXPECT_NE(first.world().rng.uuid(), second.world().rng.uuid());
}

TEST(RealWorld, NeverInjectsFaults) {
  RealLoop loop;
  RealLog log(LogOptions{});
  RealWorld real(loop, log, world::NodeName("a"));
  EXPECT_FALSE(real.world().faults.mutant("M8"));
  EXPECT_FALSE(real.world().faults.buggify("anything"));
}

TEST(RealWorld, KnowsTheTimeOfDay) {
  RealLoop loop;
  RealLog log(LogOptions{});
  RealWorld real(loop, log, world::NodeName("a"));
  EXPECT_GT(real.world().clock.wall(), WallTime::from_seconds(1'700'000'000));
}

}  // namespace
}  // namespace kelpie::real
