#include "store/types.h"

#include <gtest/gtest.h>

#include "store/conflict_set.h"

namespace kelpie::store {
namespace {

TEST(Versionstamp, HoldsVersionAndOrderInBigEndian) {
  const Versionstamp stamp = Versionstamp::make(Version(0x0102030405060708), 0x090a);
  EXPECT_EQ(stamp.bytes, "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a");
  EXPECT_EQ(stamp.version(), Version(0x0102030405060708));
  EXPECT_LT(Versionstamp::make(Version(1), 65'535), Versionstamp::make(Version(2), 0));
  EXPECT_LT(Versionstamp::make(Version(1), 255), Versionstamp::make(Version(1), 256));
}

TEST(KeyRange, OfOneKeyContainsExactlyThatKey) {
  const KeyRange range = KeyRange::single("k");
  EXPECT_TRUE(range.contains("k"));
  EXPECT_FALSE(range.contains(std::string("k\0", 2)));
  EXPECT_FALSE(range.contains("j"));
}

TEST(KeyRange, OfAPrefixContainsEveryKeyThatStartsWithIt) {
  const KeyRange range = KeyRange::prefix("a\xff");
  EXPECT_TRUE(range.contains("a\xff"));
  EXPECT_TRUE(range.contains("a\xff\xff\xff"));
  EXPECT_FALSE(range.contains("b"));
  EXPECT_EQ(range.end, "b");
}

TEST(ConflictSet, TellsPointsFromRanges) {
  ConflictSet set;
  set.add_range(KeyRange::single("k"));
  set.add_range({"a", "b"});
  set.add_range({"b", "a"});
  EXPECT_EQ(set.points, std::vector<Bytes>{"k"});
  EXPECT_EQ(set.ranges.size(), 1U);
}

}  // namespace
}  // namespace kelpie::store
