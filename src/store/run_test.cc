#include "store/run.h"

#include <gtest/gtest.h>

#include "async/manual_loop.h"
#include "store/local_database.h"
#include "store/testing/gate_backend.h"
#include "store/testing/test_world.h"

namespace kelpie::store {
namespace {

constexpr TransactionOptions kOptions{.retries_max = 6};

class RunTest : public ::testing::Test {
 protected:
  static Task<int> write(Transaction& transaction, int& calls, int aborts) {
    transaction.set("k", "v");
    if (++calls <= aborts) {
      co_return base::aborted("a conflict");
    }
    co_return calls;
  }
  Result<int> run_write(int aborts) {
    return loop_.run(
        run(database_, [&](Transaction& t) { return write(t, calls_, aborts); }, kOptions));
  }

  async::ManualLoop loop_;
  testing::TestWorld test_{loop_};
  testing::GateBackend backend_{loop_};
  LocalDatabase database_{test_.world, backend_};
  int calls_ = 0;
};

TEST_F(RunTest, CommitsWhatTheBodyWrote) {
  EXPECT_EQ(run_write(0).value(), 1);
  EXPECT_EQ(loop_.run(database_.begin()->get("k")).value(), "v");
}

TEST_F(RunTest, TriesAgainAfterAnAbortWithABackOff) {
  const Instant before = loop_.now();
  EXPECT_EQ(run_write(3).value(), 4);
  EXPECT_EQ(loop_.now() - before, Duration::millis(1 + 2 + 4));
}

TEST_F(RunTest, GivesUpAfterItsAttemptsWithTheLastError) {
  EXPECT_EQ(run_write(1'000).error().code, Code::kAborted);
  EXPECT_EQ(calls_, kOptions.retries_max.value() + 1);
}

TEST_F(RunTest, NeverRetriesAnUndecidedCommit) {
  backend_.next_error = base::unknown("the sync failed");
  EXPECT_EQ(run_write(0).error().code, Code::kUnknown);
  EXPECT_EQ(calls_, 1);
}

}  // namespace
}  // namespace kelpie::store
