#include "sim/model/idempotency_trace.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "actor/head.h"
#include "async/manual_loop.h"
#include "sim/model/observed_backend_test.h"
#include "store/exactly_once.h"
#include "store/keys.h"
#include "store/local_database.h"
#include "store/testing/forwarding_transaction.h"
#include "store/testing/test_world.h"

namespace kelpie::sim {
namespace {

const Bytes kHead = "head";
const Bytes kRecord = "record/1";

// Some commits land, and their clients are not told.
class UntoldDatabase final : public store::Database {
 public:
  explicit UntoldDatabase(store::Database& inner) : inner_(inner) {}
  using Database::begin;
  std::unique_ptr<store::Transaction> begin(store::TransactionOptions options) override {
    return std::make_unique<Untold>(inner_.begin(options), untold);
  }
  [[nodiscard]] std::string_view engine_name() const override { return "untold"; }
  int untold = 0;  // of the next commits

 private:
  class Untold final : public store::testing::ForwardingTransaction {
   public:
    Untold(std::unique_ptr<Transaction> inner, int& left)
        : ForwardingTransaction(std::move(inner)), left_(left) {}
    Task<store::Version> commit() override {
      auto done = co_await inner_->commit().result();
      if (done.ok() && left_ > 0) {
        --left_;
        co_return base::unknown("the client was not told");
      }
      co_return std::move(done);
    }

   private:
    int& left_;
  };
  store::Database& inner_;
};

class IdempotencyTraceTest : public ::testing::Test {
 protected:
  static Task<void> do_once(store::Transaction& transaction) {
    transaction.set(kRecord, "done");
    co_return kOk;
  }
  static Task<void> write_over(store::Transaction& transaction) {
    transaction.set(kRecord, "done by another");
    co_return kOk;
  }
  template <class Body>
  bool run(Body body) {
    return loop_.run(store::run_exactly_once(test_.world, database_, nonces_, kHead, body)).ok();
  }
  void expect_failure(const std::string& part) {
    ASSERT_TRUE(trace_.failure());
    EXPECT_EQ(trace_.failure()->oracle, "S6");
    EXPECT_NE(trace_.failure()->message.find(part), std::string::npos) << trace_.failure()->message;
  }

  async::ManualLoop loop_;
  IdempotencyTrace trace_{{.heads = {kHead}, .records = {store::KeyRange::prefix("record/")}}};
  store::testing::TestWorld test_{loop_};
  ObservedBackend backend_{[this](const store::CommitBatch& batch) { trace_.batch(batch); }};
  store::LocalDatabase local_{test_.world, backend_};
  UntoldDatabase database_{local_};
  world::Rng nonces_{7};
};

TEST_F(IdempotencyTraceTest, AcceptsAnEffectThatIsSettled) {
  database_.untold = 1;
  EXPECT_TRUE(run(do_once));
  trace_.answered(kRecord, "done");
  EXPECT_FALSE(trace_.failure());
  EXPECT_EQ(trace_.counters().commits, 1U);
  EXPECT_EQ(trace_.counters().records, 1U);
}

TEST_F(IdempotencyTraceTest, RejectsTheBlindRetry) {
  test_.faults.planted = {"M9"};
  database_.untold = 1;
  EXPECT_TRUE(run(do_once));
  expect_failure("happened twice");
}

TEST_F(IdempotencyTraceTest, RejectsASettlingThatRewritesTheHead) {
  test_.faults.planted = {"M34"};
  database_.untold = 1;
  EXPECT_TRUE(run(do_once));
  expect_failure("happened twice");
}

TEST_F(IdempotencyTraceTest, RejectsARecordThatTheLoserOverwrites) {
  EXPECT_TRUE(run(do_once));
  EXPECT_TRUE(run(write_over));
  expect_failure("now with the reply 'done by another'");
}

TEST_F(IdempotencyTraceTest, RejectsAnAnswerToWhatDidNotHappen) {
  trace_.answered(kRecord, "done");
  expect_failure("did not happen");
}

TEST_F(IdempotencyTraceTest, RejectsAnAnswerThatTheRecordDoesNotHave) {
  EXPECT_TRUE(run(do_once));
  trace_.answered(kRecord, "done by another");
  expect_failure("happened with the reply 'done'");
}

TEST_F(IdempotencyTraceTest, AcceptsARecordThatIsMadeAgainAfterItWasCleared) {
  const auto set = [](const Bytes& value) {
    return store::Mutation{store::Mutation::Kind::kSet, kRecord, value};
  };
  trace_.batch({store::Version(1), {set("done")}});
  trace_.batch({store::Version(2), {{store::Mutation::Kind::kClear, kRecord, {}}}});
  trace_.batch({store::Version(3), {set("done again")}});
  const store::KeyRange all = store::KeyRange::prefix("record/");
  trace_.batch({store::Version(4), {{store::Mutation::Kind::kClearRange, all.begin, all.end}}});
  trace_.batch({store::Version(5), {set("and again")}});
  EXPECT_FALSE(trace_.failure());
}

TEST_F(IdempotencyTraceTest, RejectsAnActorsCommitThatHappensTwice) {
  const auto turn = [](int64_t number) {
    return store::Mutation{
        store::Mutation::Kind::kSet, store::keys::actor_head({"agent", "default", "a"}),
        actor::Head{cluster::Generation("generation"), number, Bytes(actor::kNonceBytes, 'n')}
            .encode()};
  };
  trace_.batch({store::Version(1), {turn(1)}});
  EXPECT_FALSE(trace_.failure());
  trace_.batch({store::Version(2), {turn(2)}});
  expect_failure("happened twice");
}

}  // namespace
}  // namespace kelpie::sim
