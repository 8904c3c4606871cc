#include "base/time.h"

#include <gtest/gtest.h>

#include <type_traits>

#include "base/limits.h"

namespace kelpie::base {
namespace {

template <class A, class B>
concept Subtractable = requires(A a, B b) { a - b; };
static_assert(Subtractable<Instant, Instant>);
static_assert(!Subtractable<Instant, WallTime>);
static_assert(!std::is_convertible_v<int64_t, Duration>);

TEST(Duration, ConvertsBetweenUnitsTowardsZero) {
  EXPECT_EQ(Duration::seconds(5), Duration::millis(5'000));
  EXPECT_EQ(Duration::minutes(2), Duration::seconds(120));
  EXPECT_EQ(Duration::hours(1), Duration::minutes(60));
  EXPECT_EQ(Duration::micros(1'999).millis(), 1);
  EXPECT_EQ(Duration::micros(-1'999).millis(), -1);
  EXPECT_EQ(Duration::nanos(999).micros(), 0);
}

TEST(Duration, AddsAndScales) {
  EXPECT_EQ(Duration::seconds(1) + Duration::millis(500), Duration::millis(1'500));
  EXPECT_EQ(Duration::seconds(1) - Duration::millis(1'500), Duration::millis(-500));
  EXPECT_EQ(Duration::millis(20) * 3, Duration::millis(60));
  EXPECT_EQ(Duration::seconds(1) / 4, Duration::millis(250));
  EXPECT_LT(Duration::millis(999), Duration::seconds(1));
}

TEST(Instant, DiffersByADuration) {
  const Instant start = Instant::from_nanos(7);
  const Instant later = start + Duration::seconds(2);
  EXPECT_EQ(later - start, Duration::seconds(2));
  EXPECT_EQ(start - later, Duration::seconds(-2));
  EXPECT_LT(start, later);
}

TEST(WallTime, CountsFromTheEpochOfUnix) {
  const WallTime time = WallTime::from_seconds(1'000) + Duration::millis(1);
  EXPECT_EQ(time.seconds(), 1'000);
  EXPECT_EQ(time.micros(), 1'000'001'000);
}

TEST(Limits, LeaveRoomForEachOther) {
  EXPECT_LT(kChunkBytes, kValueBytesMax);
  EXPECT_LT(kChunkedValueBytesMax, kTransactionBytesMax);
  EXPECT_EQ(kTransactionAgeMax.seconds(), 5);
}

}  // namespace
}  // namespace kelpie::base
