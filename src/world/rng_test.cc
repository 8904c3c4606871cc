#include "world/rng.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <set>
#include <string>

namespace kelpie::world {
namespace {

TEST(Rng, GivesTheSameStreamForTheSameSeed) {
  Rng a(7);
  Rng b(7);
  Rng other(8);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const uint64_t drawn = a.next();
    EXPECT_EQ(drawn, b.next());
    differs = differs || drawn != other.next();
  }
  EXPECT_TRUE(differs);
}

TEST(Rng, ForksByLabelWithoutDrawing) {
  Rng parent(7);
  Rng untouched(7);
  Rng network = parent.fork("net/3->5");
  Rng again = parent.fork("net/3->5");
  Rng disk = parent.fork("disk/3");
  EXPECT_EQ(parent.next(), untouched.next());
  const uint64_t first = network.next();
  EXPECT_EQ(first, again.next());
  EXPECT_NE(first, disk.next());
}

TEST(Rng, ForksTheSameStreamHoweverMuchWasDrawnBefore) {
  Rng parent(7);
  const uint64_t before = parent.fork("clock").next();
  for (int i = 0; i < 10; ++i) {
    parent.next();
  }
  EXPECT_EQ(parent.fork("clock").next(), before);
}

TEST(Rng, StaysBelowItsBoundAndReachesEveryValue) {
  Rng rng(1);
  std::array<int, 7> seen{};
  for (int i = 0; i < 7'000; ++i) {
    const uint64_t drawn = rng.below(7);
    ASSERT_LT(drawn, 7U);
    ++seen[drawn];
  }
  for (const int count : seen) {
    EXPECT_GT(count, 800);
    EXPECT_LT(count, 1'200);
  }
  EXPECT_EQ(rng.below(1), 0U);
}

TEST(Rng, DrawsBetweenBothEndsInclusive) {
  Rng rng(2);
  std::set<int64_t> seen;
  for (int i = 0; i < 1'000; ++i) {
    seen.insert(rng.between(-2, 2));
  }
  EXPECT_EQ(seen, (std::set<int64_t>{-2, -1, 0, 1, 2}));
  EXPECT_EQ(rng.between(5, 5), 5);
}

TEST(Rng, DrawsFromRangesWiderThanHalfOfAllIntegers) {
  constexpr int64_t kLowest = std::numeric_limits<int64_t>::min();
  constexpr int64_t kHighest = std::numeric_limits<int64_t>::max();
  Rng rng(3);
  bool negative = false;
  bool positive = false;
  for (int i = 0; i < 64; ++i) {
    const int64_t drawn = rng.between(kLowest, kHighest);
    negative = negative || drawn < 0;
    positive = positive || drawn > 0;
    EXPECT_LE(rng.between(kLowest, 0), 0);
    EXPECT_GE(rng.between(-1, kHighest), -1);
  }
  EXPECT_TRUE(negative && positive);
}

TEST(Rng, TakesAChanceAsOftenAsAsked) {
  Rng rng(4);
  int hits = 0;
  for (int i = 0; i < 10'000; ++i) {
    hits += rng.chance(1, 4) ? 1 : 0;
    EXPECT_FALSE(rng.chance(0, 3));
    EXPECT_TRUE(rng.chance(3, 3));
  }
  EXPECT_GT(hits, 2'300);
  EXPECT_LT(hits, 2'700);
}

TEST(Rng, WritesVersionFourUuids) {
  Rng rng(5);
  std::set<std::string> seen;
  for (int i = 0; i < 1'000; ++i) {
    const std::string uuid = rng.uuid();
    ASSERT_EQ(uuid.size(), 36U);
    for (size_t at = 0; at < uuid.size(); ++at) {
      const bool hyphen = at == 8 || at == 13 || at == 18 || at == 23;
      EXPECT_EQ(uuid[at] == '-', hyphen) << uuid;
      EXPECT_NE(std::string("0123456789abcdef-").find(uuid[at]), std::string::npos) << uuid;
    }
    EXPECT_EQ(uuid[14], '4');
    EXPECT_NE(std::string("89ab").find(uuid[19]), std::string::npos);
    seen.insert(uuid);
  }
  EXPECT_EQ(seen.size(), 1'000U);
}

}  // namespace
}  // namespace kelpie::world
