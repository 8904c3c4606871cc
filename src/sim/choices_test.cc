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

TEST(Choices, TapesByStreamDecideWhateverOrderTheStreamsAreAskedIn) {
  Choices recorded(7, ChoiceOptions{.record = true});
  std::vector<uint64_t> a;
  std::vector<uint64_t> b;
  for (int i = 0; i < 20; ++i) {
    a.push_back(recorded.choose("a", 50));
    b.push_back(recorded.choose("b", 9));
  }
  Choices replayed(8, ChoiceOptions{.tapes = by_stream(recorded.tape(), recorded.labels(), 40)});
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(replayed.choose("b", 9), b[i]);
  }
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(replayed.choose("a", 50), a[i]);
  }
}

TEST(Choices, BeyondItsTapeAStreamIsDrawnOrMild) {
  Choices recorded(7, ChoiceOptions{.record = true});
  recorded.choose("a", 50);
  recorded.choose("a", 50);
  const StreamTapes one = by_stream(recorded.tape(), recorded.labels(), 1);
  EXPECT_EQ(one.at("a").size(), 1u);
  Choices mild(8, ChoiceOptions{.tapes = one, .beyond = Beyond::kMild});
  EXPECT_EQ(mild.choose("a", 50), one.at("a").front().value);
  int struck = 0;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(mild.choose("a", 50), 0u);
    struck += mild.stream("fault").chance(999'999) ? 1 : 0;
  }
  EXPECT_EQ(struck, 0);
  Choices drawn(8, ChoiceOptions{.tapes = one});
  drawn.choose("a", 1'000'000);
  EXPECT_EQ(drawn.choose("a", 1'000'000), Choices(8).choose("a", 1'000'000));
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

// Answers with the last alternative, and counts.
class LastAlternative final : public Decider {
 public:
  uint64_t decide(uint64_t label_hash, uint64_t bound) override {
    labels.push_back(label_hash);
    bounds.push_back(bound);
    return bound - 1;
  }
  std::vector<uint64_t> labels;
  std::vector<uint64_t> bounds;
};

TEST(Choices, ADeciderDecidesInPlaceOfTheSeed) {
  LastAlternative decider;
  Choices choices(7);
  choices.set_decider(decider);
  EXPECT_EQ(choices.choose("a", 5), 4U);
  EXPECT_EQ(choices.choose("b", 3), 2U);
  EXPECT_EQ(choices.choose("b", 1), 0U);
  EXPECT_EQ(decider.bounds, (std::vector<uint64_t>{5, 3}));
  EXPECT_NE(decider.labels[0], decider.labels[1]);
}

TEST(Choices, ADeciderIsAskedYesOrNoWhereAChanceIsNotCertain) {
  LastAlternative decider;
  Choices choices(7);
  choices.set_decider(decider);
  EXPECT_TRUE(choices.stream("a").chance(1));
  EXPECT_FALSE(choices.stream("a").chance(0));
  EXPECT_TRUE(choices.stream("a").chance(1'000'000));
  EXPECT_EQ(decider.bounds, (std::vector<uint64_t>{2}));
}

}  // namespace
}  // namespace kelpie::sim
