#include "sim/tripwire.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <time.h>

namespace kelpie::sim {
namespace {

TEST(Tripwire, LetsEverythingPassWhileNoneIsArmed) {
  {
    Tripwire armed;
  }
  timespec now{};
  EXPECT_EQ(clock_gettime(CLOCK_MONOTONIC, &now), 0);
  EXPECT_NE(time(nullptr), 0);
}

TEST(Tripwire, LetsTimeBeAnsweredBySomebodyElseForAWhile) {
  if (!Tripwire::present()) {
    GTEST_SKIP() << "this build has a sanitizer's wires on these calls";
  }
  Tripwire armed;
  const AnsweredTime answered([] { return int64_t{17}; });
  time_t out = 0;
  EXPECT_EQ(time(&out), 17);
  EXPECT_EQ(out, 17);
}

TEST(TripwireDeathTest, AbortsAtTimeWhenNobodyAnswersItAnyMore) {
  if (!Tripwire::present()) {
    GTEST_SKIP() << "this build has a sanitizer's wires on these calls";
  }
  EXPECT_DEATH(
      {
        Tripwire armed;
        {
          const AnsweredTime answered([] { return int64_t{17}; });
        }
        time(nullptr);
      },
      "time was called");
}

TEST(TripwireDeathTest, AbortsWithTheNameOfTheCallThatBrokeDeterminism) {
  if (!Tripwire::present()) {
    GTEST_SKIP() << "this build has a sanitizer's wires on these calls";
  }
  EXPECT_DEATH(
      {
        Tripwire armed;
        timespec now{};
        clock_gettime(CLOCK_MONOTONIC, &now);
      },
      "clock_gettime was called");
  EXPECT_DEATH(
      {
        Tripwire armed;
        socket(AF_INET, SOCK_STREAM, 0);
      },
      "socket was called");
}

}  // namespace
}  // namespace kelpie::sim
