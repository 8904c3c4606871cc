#include "store/local_database.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "async/manual_loop.h"
#include "async/select.h"
#include "store/memory/memory_backend.h"
#include "store/testing/gate_backend.h"
#include "store/testing/test_world.h"

namespace kelpie::store {
namespace {

class LocalDatabaseTest : public ::testing::Test {
 protected:
  Version put(Bytes key, Bytes value) {
    const auto transaction = database_.begin();
    transaction->set(std::move(key), std::move(value));
    return loop_.run(transaction->commit()).value();
  }
  void sleep(Duration length) { (void)loop_.run(async::sleep_task(loop_, length)); }

  async::ManualLoop loop_;
  testing::TestWorld test_{loop_};
  testing::GateBackend backend_{loop_};
  LocalDatabase database_{test_.world, backend_};
};

TEST_F(LocalDatabaseTest, AbortsReadsAndCommitsThatAreTooOld) {
  put("a", "1");
  const auto old = database_.begin();
  EXPECT_EQ(loop_.run(old->get("a")).value(), "1");
  old->set("b", "1");
  put("c", "1");
  sleep(Duration::millis(4'900));
  EXPECT_TRUE(loop_.run(old->get("b2")).ok());
  sleep(Duration::millis(200));
  EXPECT_EQ(loop_.run(old->get("a")).error().code, Code::kAborted);
  EXPECT_EQ(loop_.run(old->get_range({.range = {"a", "z"}})).error().code, Code::kAborted);
  EXPECT_EQ(loop_.run(old->commit()).error().code, Code::kAborted);
}

TEST_F(LocalDatabaseTest, KeepsTheStateOfASetVersionForTheTransactionAgeOnly) {
  const Version first = put("a", "1");
  put("a", "2");
  const auto in_time = database_.begin();
  in_time->set_read_version(first);
  EXPECT_EQ(loop_.run(in_time->get("a")).value(), "1");
  sleep(Duration::millis(5'100));
  const auto late = database_.begin();
  late->set_read_version(first);
  EXPECT_EQ(loop_.run(late->read_version()).value(), first);
  EXPECT_EQ(loop_.run(late->get("a")).error().code, Code::kAborted);
}

TEST_F(LocalDatabaseTest, AbortsAReadAtAVersionAheadOfTheStore) {
  const Version first = put("a", "1");
  const auto early = database_.begin();
  early->set_read_version(Version(first.get() + 1));
  EXPECT_EQ(loop_.run(early->get("a")).error().code, Code::kAborted);
}

TEST_F(LocalDatabaseTest, EndsWatchesWithAnErrorWhenTheStoreStops) {
  const auto transaction = database_.begin();
  const auto watch = transaction->watch("k");
  ASSERT_TRUE(loop_.run(transaction->commit()).ok());
  backend_.next_error = base::unknown("the sync failed");
  const auto undecided = database_.begin();
  undecided->set("k", "v");
  EXPECT_FALSE(loop_.run(undecided->commit()).ok());
  EXPECT_EQ(loop_.run(watch->changed()).error().code, Code::kUnavailable);
}

// The watch begins while a batch that changes its key is on its way to the disk.
TEST_F(LocalDatabaseTest, EndsAWatchForTheBatchInFlightWhenItBegan) {
  put("k", "1");
  Scope scope(loop_, {});
  backend_.gate.clear();
  const auto writer = database_.begin();
  writer->set("k", "2");
  scope.spawn([](Transaction& t) -> Task<void> {
    co_await t.commit();
    co_return kOk;
  }(*writer));
  loop_.run_ready();
  const auto transaction = database_.begin();
  const auto watch = transaction->watch("k");
  ASSERT_TRUE(loop_.run(transaction->commit()).ok());
  bool changed = false;
  scope.spawn([](Watch& waited, bool& flag) -> Task<void> {
    co_await waited.changed();
    flag = true;
    co_return kOk;
  }(*watch, changed));
  loop_.run_ready();
  EXPECT_FALSE(changed);
  backend_.gate.set();
  loop_.run_ready();
  EXPECT_TRUE(changed);
}

TEST_F(LocalDatabaseTest, RefusesBatchPriorityFirstWhenTheQueueFills) {
  testing::GateBackend gated(loop_);
  LocalDatabase small(test_.world, gated, {.queue_transactions_max = 4});
  gated.gate.clear();
  Scope scope(loop_, {});
  const auto commit = [&](Priority priority, std::optional<Code>& code) {
    scope.spawn([](Database& database, Priority asked, std::optional<Code>& out) -> Task<void> {
      const auto transaction = database.begin({.priority = asked});
      transaction->set("k", "v");
      auto done = co_await transaction->commit().result();
      if (!done.ok()) {
        out = done.error().code;
      }
      co_return kOk;
    }(small, priority, code));
    loop_.run_ready();
  };
  std::optional<Code> none;
  std::optional<Code> batch;
  std::optional<Code> ordinary;
  std::optional<Code> immediate;
  // One is in flight, two wait: half of the queue.
  for (int i = 0; i < 3; ++i) {
    commit(Priority::kDefault, none);
  }
  commit(Priority::kBatch, batch);
  commit(Priority::kDefault, none);
  commit(Priority::kDefault, none);
  commit(Priority::kDefault, ordinary);
  commit(Priority::kImmediate, immediate);
  EXPECT_EQ(none, std::nullopt);
  EXPECT_EQ(batch, Code::kResourceExhausted);
  EXPECT_EQ(ordinary, Code::kResourceExhausted);
  EXPECT_EQ(immediate, std::nullopt);
  gated.gate.set();
  loop_.run_ready();
  EXPECT_EQ(immediate, std::nullopt);
}

TEST_F(LocalDatabaseTest, RefusesKeysOfTheEngine) {
  const auto transaction = database_.begin();
  EXPECT_EQ(loop_.run(transaction->get("\xff/kelpie/version")).error().code,
            Code::kInvalidArgument);
  EXPECT_EQ(loop_.run(transaction->get_range({.range = {"a", "\xff\xff"}})).error().code,
            Code::kInvalidArgument);
  transaction->set("\xff/kelpie/version", "1");
  EXPECT_EQ(loop_.run(transaction->commit()).error().code, Code::kInvalidArgument);
}

TEST_F(LocalDatabaseTest, ReportsAFailedReadAndNeverAnAbsentKey) {
  backend_.unreadable = {"bad"};
  const auto transaction = database_.begin();
  EXPECT_EQ(loop_.run(transaction->get("bad")).error().code, Code::kDataLoss);
}

TEST_F(LocalDatabaseTest, RefusesAStampThatDoesNotFit) {
  const auto transaction = database_.begin();
  transaction->set_versionstamped_key("short", 0, "");
  EXPECT_EQ(loop_.run(transaction->commit()).error().code, Code::kInvalidArgument);
}

TEST_F(LocalDatabaseTest, StopsServingReadsAfterAnUndecidedCommit) {
  backend_.next_error = base::unknown("the sync failed");
  const auto undecided = database_.begin();
  undecided->set("k", "v");
  EXPECT_EQ(loop_.run(undecided->commit()).error().code, Code::kUnknown);
  const auto reader = database_.begin();
  EXPECT_EQ(loop_.run(reader->get("k")).error().code, Code::kUnavailable);
  EXPECT_EQ(loop_.run(database_.begin()->read_version()).error().code, Code::kUnavailable);
  EXPECT_NE(loop_.run(database_.failed()).value().find("the sync failed"), std::string::npos);
}

TEST_F(LocalDatabaseTest, CommitsAnExplicitConflictAgainstTheNewestVersion) {
  put("guard", "1");
  const auto transaction = database_.begin();
  transaction->add_read_conflict(KeyRange::single("guard"));
  transaction->set("k", "v");
  EXPECT_TRUE(loop_.run(transaction->commit()).ok());
}

TEST_F(LocalDatabaseTest, PagesByOneRowWhereTheSimulationAsksForIt) {
  put("a", "1");
  put("b", "2");
  test_.faults.planted = {"store.range.short_page"};
  const auto reader = database_.begin();
  const RangePage page = loop_.run(reader->get_range({.range = {"a", "z"}})).value();
  EXPECT_EQ(page.rows.size(), 1U);
  EXPECT_TRUE(page.more);
  EXPECT_EQ(loop_.run(reader->get_range({.range = page.next})).value().rows.at(0).key, "b");
}

}  // namespace
}  // namespace kelpie::store
