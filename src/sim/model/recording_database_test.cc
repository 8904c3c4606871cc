#include "sim/model/recording_database.h"

#include <gtest/gtest.h>

#include <vector>

#include "async/manual_loop.h"
#include "store/local_database.h"
#include "store/memory/memory_backend.h"
#include "store/testing/test_world.h"

namespace kelpie::sim {
namespace {

using store::Isolation;
using store::KeyRange;

class RecordingDatabaseTest : public ::testing::Test {
 protected:
  void write(const std::vector<Bytes>& keys) {
    const auto transaction = below_.begin();
    for (const Bytes& key : keys) {
      transaction->set(key, "old");
    }
    ASSERT_TRUE(loop_.run(transaction->commit()).ok());
  }
  // What the parts of a range are that a transaction is held to.
  static std::vector<KeyRange> ranges(const CommittedTransaction& transaction) {
    std::vector<KeyRange> all;
    for (const auto& each : transaction.ranges) {
      all.push_back(each.range);
    }
    return all;
  }

  async::ManualLoop loop_;
  store::testing::TestWorld test_{loop_};
  store::MemoryBackend backend_;
  store::LocalDatabase below_{test_.world, backend_};
  std::vector<CommittedTransaction> told_;
  RecordingDatabase database_{below_, "node",
                              [this](const CommittedTransaction& each) { told_.push_back(each); }};
};

TEST_F(RecordingDatabaseTest, ShowsWhatACommittedTransactionReadOfOthers) {
  write({"a", "b"});
  const auto transaction = database_.begin();
  EXPECT_TRUE(loop_.run(transaction->get("a")).ok());
  EXPECT_TRUE(loop_.run(transaction->get("b", Isolation::kSnapshot)).ok());
  // What it read before it wrote was another's.
  transaction->set("a", "new");
  EXPECT_TRUE(loop_.run(transaction->get("a")).ok());
  const store::Version version = loop_.run(transaction->commit()).value();
  ASSERT_EQ(told_.size(), 1U);
  EXPECT_EQ(told_[0].name, "node transaction 1");
  EXPECT_EQ(told_[0].version, version);
  ASSERT_EQ(told_[0].reads.size(), 1U);
  EXPECT_EQ(told_[0].reads[0].first, "a");
  EXPECT_EQ(told_[0].reads[0].second, "old");
}

TEST_F(RecordingDatabaseTest, LeavesOutOfARangeWhatTheTransactionHasWritten) {
  write({"a", "c", "e", "g"});
  const auto transaction = database_.begin();
  transaction->set("c", "new");
  transaction->clear_range({"f", "h"});
  EXPECT_TRUE(loop_.run(transaction->get_range({.range = {"a", "z"}})).ok());
  EXPECT_TRUE(
      loop_.run(transaction->get_range({.range = {"a", "z"}, .isolation = Isolation::kSnapshot}))
          .ok());
  EXPECT_TRUE(loop_.run(transaction->commit()).ok());
  ASSERT_EQ(told_.size(), 1U);
  const Bytes behind_c("c\0", 2);
  EXPECT_EQ(ranges(told_[0]), (std::vector<KeyRange>{{"a", "c"}, {behind_c, "f"}, {"h", "z"}}));
  EXPECT_EQ(told_[0].ranges[0].rows, (std::vector<store::KeyValue>{{"a", "old"}}));
  EXPECT_EQ(told_[0].ranges[1].rows, (std::vector<store::KeyValue>{{"e", "old"}}));
  EXPECT_TRUE(told_[0].ranges[2].rows.empty());
}

TEST_F(RecordingDatabaseTest, APageSpeaksForWhatItCovers) {
  write({"a", "c", "e"});
  const auto transaction = database_.begin();
  EXPECT_TRUE(loop_.run(transaction->get_range({.range = {"a", "z"}, .rows_max = 2})).ok());
  EXPECT_TRUE(loop_
                  .run(transaction->get_range(
                      {.range = {"a", "z"}, .rows_max = 2, .order = store::Order::kReverse}))
                  .ok());
  transaction->set("y", "new");
  EXPECT_TRUE(loop_.run(transaction->commit()).ok());
  ASSERT_EQ(told_.size(), 1U);
  ASSERT_EQ(told_[0].ranges.size(), 2U);
  EXPECT_EQ(told_[0].ranges[0].range, (KeyRange{"a", Bytes("c\0", 2)}));
  EXPECT_EQ(told_[0].ranges[0].rows, (std::vector<store::KeyValue>{{"a", "old"}, {"c", "old"}}));
  EXPECT_EQ(told_[0].ranges[1].range, (KeyRange{"c", "z"}));
  EXPECT_EQ(told_[0].ranges[1].rows, (std::vector<store::KeyValue>{{"c", "old"}, {"e", "old"}}));
}

TEST_F(RecordingDatabaseTest, SaysNothingOfWhatDidNotCommit) {
  const auto loser = database_.begin();
  EXPECT_TRUE(loop_.run(loser->get("a")).ok());
  loser->set("b", "lost");
  write({"a"});
  const auto refused = loop_.run(loser->commit());
  ASSERT_FALSE(refused.ok());
  const auto reader = database_.begin();
  EXPECT_TRUE(loop_.run(reader->get("a")).ok());
  EXPECT_EQ(loop_.run(reader->commit()).value(), store::kNoVersion);
  EXPECT_TRUE(told_.empty());
}

TEST_F(RecordingDatabaseTest, BeginsAnewWhenItsTransactionDoes) {
  const auto transaction = database_.begin();
  EXPECT_TRUE(loop_.run(transaction->get("a")).ok());
  transaction->set("b", "first");
  write({"a"});
  const auto refused = loop_.run(transaction->commit());
  ASSERT_FALSE(refused.ok());
  ASSERT_TRUE(loop_.run(transaction->on_error(refused.error())).ok());
  EXPECT_TRUE(loop_.run(transaction->get("b")).ok());
  transaction->set("b", "second");
  ASSERT_TRUE(loop_.run(transaction->commit()).ok());
  ASSERT_EQ(told_.size(), 1U);
  ASSERT_EQ(told_[0].reads.size(), 1U);
  EXPECT_EQ(told_[0].reads[0].first, "b");
}

}  // namespace
}  // namespace kelpie::sim
