#include "real/real_clock.h"

#include <gtest/gtest.h>

namespace kelpie::real {
namespace {

TEST(FormatTime, ShowsMicrosecondsInUtc) {
  EXPECT_EQ(format_time(WallTime::from_nanos(0)), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(format_time(WallTime::from_nanos(-1'000)), "1969-12-31T23:59:59.999999Z");
}

}  // namespace
}  // namespace kelpie::real
