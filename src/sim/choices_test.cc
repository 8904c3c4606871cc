#include "sim/choices.h"

#include <gtest/gtest.h>

namespace kelpie::sim {
namespace {

TEST(Choices, OneSeedMakesTheSameDecisionsTwice) {
  Choices first(7);
  Choices second(7);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(first.choose("a", 1000), second.choose("a", 1000));
  }
}

TEST(Choices, ADrawUnderOneLabelDoesNotShiftAnother) {
  Choices plain(7);
  Choices noisy(7);
  for (int i = 0; i < 100; ++i) {
    noisy.choose("noise", 10);
    EXPECT_EQ(plain.choose("a", 1000), noisy.choose("a", 1000));
  }
}

TEST(Choices, AChanceOfZeroDrawsNothing) {
  Choices choices(7);
  choices.record();
  EXPECT_FALSE(choices.stream("fault").chance(0));
  EXPECT_TRUE(choices.tape().empty());
}

TEST(Choices, ARecordedTapeDecidesAnotherSeedsRun) {
  Choices recorded(7);
  recorded.record();
  std::vector<uint64_t> wanted;
  for (int i = 0; i < 20; ++i) {
    wanted.push_back(recorded.choose(i % 2 == 0 ? "a" : "b", 50));
  }
  Choices replayed(8);
  replayed.replay(recorded.tape());
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(replayed.choose(i % 2 == 0 ? "a" : "b", 50), wanted[i]);
  }
}

TEST(Choices, ATapeThatNoLongerFitsIsLeft) {
  Choices recorded(7);
  recorded.record();
  recorded.choose("a", 50);
  Choices other(8);
  other.replay(recorded.tape());
  Choices plain(8);
  EXPECT_EQ(other.choose("b", 50), plain.choose("b", 50));
  EXPECT_EQ(other.choose("a", 50), plain.choose("a", 50));
}

TEST(Choices, WhetherASeedHasAFaultDependsOnTheSeedAndTheSiteOnly) {
  int with = 0;
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    Choices choices(seed);
    const bool before = choices.seed_has("site", 250'000);
    choices.choose("x", 10);
    EXPECT_EQ(choices.seed_has("site", 250'000), before);
    with += before ? 1 : 0;
  }
  EXPECT_GT(with, 180);
  EXPECT_LT(with, 320);
}

}  // namespace
}  // namespace kelpie::sim
