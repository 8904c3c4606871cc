#include "store/written_keys.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "world/rng.h"

namespace kelpie::store {
namespace {

Bytes key_of(uint64_t number) { return "key " + std::to_string(number % 1'000); }

// Asked as it grows: with few loose keys, with many, right after they were brought in order.
TEST(WrittenKeys, AnswersForAnyRangeAsASetWould) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    world::Rng rng(seed);
    WrittenKeys keys;
    std::set<Bytes> expected;
    for (int i = 0; i < 400; ++i) {
      const Bytes key = key_of(rng.next());
      keys.add(key);
      expected.insert(key);
      if (!rng.chance(1, 1 + seed)) {
        continue;
      }
      KeyRange range{key_of(rng.next()), key_of(rng.next())};
      if (rng.chance(1, 2)) {
        range.end = range.begin + "0";
      }
      const auto first = expected.lower_bound(range.begin);
      EXPECT_EQ(keys.any_in(range), first != expected.end() && *first < range.end)
          << "seed " << seed;
    }
  }
}

TEST(WrittenKeys, HasNothingInAnEmptyRange) {
  WrittenKeys keys;
  EXPECT_FALSE(keys.any_in({"", "\xff"}));
  keys.add("b");
  EXPECT_FALSE(keys.any_in({"b", "b"}));
  EXPECT_TRUE(keys.any_in({"b", "c"}));
  EXPECT_EQ(keys.hashes().size(), 1U);
}

}  // namespace
}  // namespace kelpie::store
