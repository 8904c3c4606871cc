#include "base/check.h"

#include <gtest/gtest.h>

namespace kelpie::base {
namespace {

TEST(Check, PassesSilentlyAndEvaluatesItsConditionOnce) {
  int evaluated = 0;
  CHECK(++evaluated == 1);
  EXPECT_EQ(evaluated, 1);
}

TEST(CheckDeathTest, AbortsNamingTheConditionAndTheFile) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const int balance = -1;
  EXPECT_DEATH(CHECK(balance >= 0), "check_test.cc:[0-9]+: CHECK failed: balance >= 0");
}

}  // namespace
}  // namespace kelpie::base
