#include "store/fdb/future.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "async/manual_loop.h"
#include "async/scope.h"
#include "store/fdb/fdb_database.h"
#include "store/fdb/testing/answer_thread.h"
#include "store/fdb/testing/scripted_fdb.h"
#include "store/rocksdb/testing/thread_loop.h"

namespace kelpie::store {
namespace {

using testing::AnswerThread;
using testing::ScriptedFdb;
using testing::ThreadLoop;

// Tasks on a transaction, and answers that come when the test says so.
class FdbFutureTest : public ::testing::Test {
 protected:
  static Task<void> read(Transaction& transaction) {
    co_await transaction.get("k");
    co_return kOk;
  }
  static Task<void> commit(Transaction& transaction) {
    transaction.set("k", "v");
    co_await transaction.commit();
    co_return kOk;
  }
  static Task<void> wait(Watch& watch, std::optional<Result<void>>& ended) {
    ended = co_await watch.changed().result();
    co_return kOk;
  }
  void give_answers() {
    for (ScriptedFdb::Answer& answer : std::exchange(answers_, {})) {
      answer();
    }
    loop_.run_ready();
  }
  void expect_all_destroyed() {
    const ScriptedFdb::Counts counts = fdb_.counts();
    EXPECT_EQ(counts.futures_made, counts.futures_destroyed);
    EXPECT_EQ(counts.transactions_made, counts.transactions_destroyed);
    EXPECT_EQ(counts.broken_commits, 0);
  }
  Result<std::optional<Bytes>> value_of(Bytes key) {
    const auto reader = database_->begin();
    Result<std::optional<Bytes>> value = base::internal("no answer");
    Scope scope(loop_, {});
    scope.spawn(read_into(*reader, std::move(key), value));
    give_answers();
    return value;
  }
  static Task<void> read_into(Transaction& transaction, Bytes key,
                              Result<std::optional<Bytes>>& out) {
    out = co_await transaction.get(std::move(key)).result();
    co_return kOk;
  }

  async::ManualLoop loop_;
  std::vector<ScriptedFdb::Answer> answers_;
  ScriptedFdb fdb_{[this](ScriptedFdb::Answer answer) { answers_.push_back(std::move(answer)); }};
  std::unique_ptr<FdbDatabase> database_ = std::make_unique<FdbDatabase>(loop_, fdb_.connection());
};

TEST_F(FdbFutureTest, ADroppedReadIsDestroyedAtOnceThoughItsCallbackComesLater) {
  auto transaction = database_->begin();
  {
    Scope scope(loop_, {});
    scope.spawn(read(*transaction));
    EXPECT_EQ(fdb_.counts().futures_destroyed, 0);
  }
  EXPECT_EQ(fdb_.counts().futures_destroyed, 1);
  transaction.reset();
  give_answers();
  EXPECT_EQ(fdb_.counts().callbacks, 1);
  expect_all_destroyed();
}

TEST_F(FdbFutureTest, ADroppedCommitRunsToItsEndWithItsTransaction) {
  auto transaction = database_->begin();
  {
    Scope scope(loop_, {});
    scope.spawn(commit(*transaction));
  }
  transaction.reset();
  EXPECT_EQ(fdb_.counts().transactions_destroyed, 0);
  EXPECT_EQ(fdb_.counts().futures_destroyed, 0);
  give_answers();
  expect_all_destroyed();
  EXPECT_EQ(value_of("k").value(), "v");
}

TEST_F(FdbFutureTest, ADroppedCommitOutlivesItsDatabase) {
  auto transaction = database_->begin();
  {
    Scope scope(loop_, {});
    scope.spawn(commit(*transaction));
  }
  transaction.reset();
  database_.reset();
  EXPECT_EQ(fdb_.counts().transactions_destroyed, 0);
  give_answers();
  expect_all_destroyed();
}

TEST_F(FdbFutureTest, ATransactionWhoseCommitWasDroppedIsNeverTriedAgain) {
  auto transaction = database_->begin();
  {
    Scope scope(loop_, {});
    scope.spawn(commit(*transaction));
  }
  const Result<void> handed = loop_.run(transaction->on_error(base::aborted("a conflict")));
  EXPECT_EQ(handed.error().code, Code::kAborted);
  EXPECT_EQ(fdb_.counts().broken_commits, 0);
  give_answers();
}

TEST_F(FdbFutureTest, AWatchThatIsDestroyedWhileSomebodyWaitsEndsAsCancelled) {
  auto transaction = database_->begin();
  std::unique_ptr<Watch> watch = transaction->watch("k");
  std::optional<Result<void>> ended;
  Scope scope(loop_, {});
  scope.spawn(wait(*watch, ended));
  watch.reset();
  EXPECT_FALSE(ended.has_value());
  give_answers();
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->error().code, Code::kCancelled);
  transaction.reset();
  give_answers();
  expect_all_destroyed();
}

TEST_F(FdbFutureTest, ACallbackThatIsRefusedIsAnErrorAndNotAWaitForEver) {
  FdbApi api = ScriptedFdb::api();
  api.future_set_callback = [](FdbFutureHandle*, FdbCallback, void*) { return 4100; };
  {
    FdbDatabase database(
        loop_, std::make_shared<FdbConnection>(std::make_shared<const FdbApi>(api),
                                               reinterpret_cast<FdbDatabaseHandle*>(&fdb_)));
    const auto transaction = database.begin();
    EXPECT_EQ(loop_.run(transaction->get("k")).error().code, Code::kUnavailable);
  }
  give_answers();
  expect_all_destroyed();
}

// The same races with a thread that answers while the loop drops: for the sanitizers.
TEST(FdbFutureThreads, DropsAndAnswersMayMeetInAnyOrder) {
  ThreadLoop loop;
  AnswerThread thread;
  ScriptedFdb fdb(thread.deliver());
  constexpr int kRounds = 300;
  {
    FdbDatabase database(loop, fdb.connection());
    struct Steps {
      static Task<void> read(Transaction& transaction) {
        co_await transaction.get("k");
        co_return kOk;
      }
      static Task<void> commit(Transaction& transaction) {
        transaction.set("k", "v");
        co_await transaction.commit();
        co_return kOk;
      }
    };
    for (int round = 0; round < kRounds; ++round) {
      const auto reader = database.begin();
      const auto writer = database.begin();
      const auto watcher = database.begin();
      const auto watch = watcher->watch("k");
      Scope scope(loop, {});
      scope.spawn(Steps::read(*reader));
      scope.spawn(Steps::commit(*writer));
      scope.spawn(Steps::commit(*watcher));
      if (round % 3 == 0) {
        EXPECT_TRUE(loop.run(Steps::read(*database.begin())).ok());
      }
      scope.cancel();
      loop.run_ready();
    }
  }
  struct Gone {
    static Task<void> wait(ThreadLoop& loop, AnswerThread& thread) {
      async::Event reached(loop);
      thread.give([&] { loop.post_from_thread([&] { reached.set(); }); });
      co_await reached.wait();
      co_return kOk;
    }
  };
  EXPECT_TRUE(loop.run(Gone::wait(loop, thread)).ok());
  loop.run_ready();
  const ScriptedFdb::Counts counts = fdb.counts();
  EXPECT_EQ(counts.transactions_made, counts.transactions_destroyed);
  EXPECT_EQ(counts.futures_made, counts.futures_destroyed);
  EXPECT_EQ(counts.broken_commits, 0);
  EXPECT_GT(counts.callbacks, kRounds);
}

}  // namespace
}  // namespace kelpie::store
