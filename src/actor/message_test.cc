#include "actor/message.h"

#include <gtest/gtest.h>

#include <set>

#include "base/limits.h"

namespace kelpie::actor {
namespace {

const Message kMessage{{"t", "n", "a"}, {"m", Bytes("x\0y", 3)}, WallTime::from_nanos(12'345)};

template <class T>
void expect_every_truncation_refused(const T& value) {
  const Bytes whole = value.encode();
  ASSERT_EQ(T::decode(whole).value(), value);
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(T::decode(whole.substr(0, length)).ok()) << length;
  }
  EXPECT_FALSE(T::decode(whole + whole).ok());
}

TEST(Message, IsReadBackWholeOrNotAtAll) { expect_every_truncation_refused(kMessage); }

TEST(Message, ParkedIsReadBackWholeOrNotAtAll) {
  expect_every_truncation_refused(ParkedMessage{kMessage, "an error", 5, WallTime::from_nanos(9)});
}

TEST(Message, TriesAreReadBackWholeOrNotAtAll) {
  expect_every_truncation_refused(MessageTries{Bytes("0123456789ab"), 3});
}

TEST(Message, PausesGrowToAMinute) {
  EXPECT_EQ(retry_pause(1), Duration::millis(100));
  EXPECT_EQ(retry_pause(2), Duration::millis(400));
  EXPECT_EQ(retry_pause(3), Duration::millis(1'600));
  EXPECT_EQ(retry_pause(5), Duration::millis(25'600));
  EXPECT_EQ(retry_pause(6), Duration::minutes(1));
  EXPECT_EQ(retry_pause(1'000'000), Duration::minutes(1));
}

TEST(Message, ActorsAreSpreadOverAllShards) {
  std::set<int64_t> shards;
  for (int i = 0; i < 1'000; ++i) {
    shards.insert(due_shard_of({"t", "n", std::to_string(i)}));
  }
  EXPECT_EQ(shards.size(), static_cast<size_t>(base::kDueShards));
  EXPECT_GE(*shards.begin(), 0);
  EXPECT_LT(*shards.rbegin(), base::kDueShards);
}

// A change of it would lose what old data has in other shards.
TEST(Message, TheShardOfAnActorIsAConstantOfTheData) {
  EXPECT_EQ(due_shard_of({"agent", "default", "a"}), 4);
  EXPECT_EQ(due_shard_of({"agent", "default", "b"}), 12);
  EXPECT_EQ(due_shard_of({"agent", "default", "c"}), 6);
  EXPECT_EQ(base::kDueShards, 16);
}

}  // namespace
}  // namespace kelpie::actor
