#include "store/watch_table.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "async/manual_loop.h"
#include "base/limits.h"

namespace kelpie::store {
namespace {

using Kind = Mutation::Kind;

class WatchTableTest : public ::testing::Test {
 protected:
  WatchTable::EntryPtr watch(Bytes key, std::optional<Bytes> value) {
    auto entry = std::make_shared<WatchTable::Entry>(loop_, std::move(key));
    entry->value = std::move(value);
    table_.add(entry);
    return entry;
  }
  bool changes(const WatchTable::EntryPtr& entry, std::vector<Mutation> mutations) {
    const auto changed = table_.changed_by({Version(1), std::move(mutations)});
    return std::ranges::find(changed, entry) != changed.end();
  }
  async::ManualLoop loop_;
  WatchTable table_;
};

TEST_F(WatchTableTest, EndsForAnotherValueOnly) {
  const auto entry = watch("k", "1");
  EXPECT_TRUE(changes(entry, {{Kind::kSet, "k", "2"}}));
  EXPECT_TRUE(changes(entry, {{Kind::kClear, "k", ""}}));
  EXPECT_TRUE(changes(entry, {{Kind::kClearRange, "a", "z"}}));
  EXPECT_FALSE(changes(entry, {{Kind::kSet, "k", "1"}}));
  EXPECT_FALSE(changes(entry, {{Kind::kSet, "j", "2"}, {Kind::kClearRange, "l", "z"}}));
  EXPECT_FALSE(changes(entry, {{Kind::kClearRange, "a", "k"}}));
}

TEST_F(WatchTableTest, TakesTheLastMutationOfABatch) {
  const auto entry = watch("k", "1");
  EXPECT_FALSE(changes(entry, {{Kind::kClearRange, "a", "z"}, {Kind::kSet, "k", "1"}}));
  EXPECT_TRUE(changes(entry, {{Kind::kSet, "k", "1"}, {Kind::kClear, "k", ""}}));
}

TEST_F(WatchTableTest, WatchesForAKeyToAppear) {
  const auto entry = watch("k", std::nullopt);
  EXPECT_TRUE(changes(entry, {{Kind::kSet, "k", ""}}));
  EXPECT_FALSE(changes(entry, {{Kind::kClear, "k", ""}}));
}

TEST_F(WatchTableTest, ForgetsAWatchThatIsLetGo) {
  const auto entry = watch("k", "1");
  const auto other = watch("k", "1");
  table_.remove(*entry);
  EXPECT_FALSE(changes(entry, {{Kind::kSet, "k", "2"}}));
  EXPECT_TRUE(changes(other, {{Kind::kSet, "k", "2"}}));
  EXPECT_EQ(table_.size(), 1U);
}

TEST_F(WatchTableTest, RefusesMoreThanTheLimit) {
  for (size_t i = 0; i < base::kWatchesMax; ++i) {
    watch("k" + std::to_string(i), std::nullopt);
  }
  const auto refused = watch("one more", std::nullopt);
  ASSERT_TRUE(refused->error.has_value());
  EXPECT_EQ(refused->error->code, Code::kResourceExhausted);
  EXPECT_NE(refused->error->message.find("10000"), std::string::npos);
}

}  // namespace
}  // namespace kelpie::store
