#include "actor/session.h"

#include <gtest/gtest.h>

#include <functional>
#include <utility>
#include <vector>

#include "actor/runtime.h"
#include "async/select.h"
#include "net/testing/test_world.h"
#include "store/local_database.h"
#include "store/memory/memory_backend.h"
#include "store/testing/forwarding_transaction.h"

namespace kelpie::actor {
namespace {

using net::testing::TestWorld;

const Bytes kTotalKey = "total";

// Counts in the store how often it was called.
class Tally final : public MethodActor {
 public:
  Task<void> activate(store::Transaction&) override { co_return kOk; }
  Task<Bytes> invoke(Turn& turn, std::shared_ptr<const Invocation> what) override {
    if (what->method == "refuse") {
      co_return base::invalid_argument("no");
    }
    store::Transaction* transaction = co_await turn.reading();
    const auto before = co_await transaction->get(kTotalKey);
    Bytes after = before.value_or("") + "x";
    transaction->set(kTotalKey, after);
    co_return after;
  }
  [[nodiscard]] Result<Bytes> read(const Invocation&) const override {
    return base::not_found("nothing to read");
  }
};

// Once, a commit ends undecided, and before anybody can find out something else happens.
enum class Fate : uint8_t { kLands, kIsLost };
class Doubtful final : public store::Database {
 public:
  explicit Doubtful(store::Database& inner) : inner_(inner) {}
  using Database::begin;
  std::unique_ptr<store::Transaction> begin(store::TransactionOptions options) override {
    return std::make_unique<Doubt>(inner_.begin(options), *this);
  }
  [[nodiscard]] std::string_view engine_name() const override { return "doubtful"; }

  Fate fate = Fate::kLands;
  std::function<void()> meanwhile;  // set: with the next commit

 private:
  class Doubt final : public store::testing::ForwardingTransaction {
   public:
    Doubt(std::unique_ptr<Transaction> inner, Doubtful& of)
        : ForwardingTransaction(std::move(inner)), of_(of) {}
    Task<store::Version> commit() override {
      if (!of_.meanwhile) {
        co_return co_await inner_->commit().result();
      }
      if (of_.fate == Fate::kLands) {
        co_await inner_->commit();
      }
      std::exchange(of_.meanwhile, nullptr)();
      co_return base::unknown("the client was not told");
    }

   private:
    Doubtful& of_;
  };
  store::Database& inner_;
};

Task<void> keep(Task<Bytes> task, std::vector<Bytes>& answers) {
  answers.push_back(co_await std::move(task));
  co_return kOk;
}

class SessionTest : public ::testing::Test {
 protected:
  SessionTest() {
    CHECK(machine_.loop.run(ownership_.join()).ok());
    runtime_.register_type("tally", [](ActorServices) { return std::make_unique<Tally>(); },
                           {.methods = [](std::string_view) { return MethodKind::kTurn; }});
  }
  // Another incarnation of this node calls the actor, so that the head says no more whether what
  // came before it happened.
  void another_writes() {
    // With nonces of its own.
    world::Rng rng(machine_.world.rng.next());
    World world{machine_.world.loop, machine_.world.clock, rng,
                machine_.world.net,  machine_.world.log,   machine_.world.faults,
                machine_.world.self};
    cluster::Ownership ownership(world, memory_, cluster::OwnerRecords::kNone);
    ASSERT_TRUE(run(ownership.join()).ok());
    Runtime runtime(world, memory_, ownership, RuntimeOptions{});
    runtime.register_type("tally", [](ActorServices) { return std::make_unique<Tally>(); },
                          {.methods = [](std::string_view) { return MethodKind::kTurn; }});
    ASSERT_TRUE(run(runtime.invoke(ref("a"), {"count", ""})).ok());
  }
  static ActorRef ref(std::string id) { return {"tally", "default", std::move(id)}; }
  template <class T>
  Result<T> run(Task<T> task) {
    return machine_.loop.run(std::move(task));
  }
  Instant in(Duration length) { return machine_.loop.now() + length; }
  Result<Bytes> call(std::string method = "count") {
    return run(session_.invoke(ref("a"), {std::move(method), ""}));
  }

  TestWorld machine_;
  store::MemoryBackend backend_;
  store::LocalDatabase memory_{machine_.world, backend_};
  Doubtful database_{memory_};
  cluster::Ownership ownership_{machine_.world, database_, cluster::OwnerRecords::kNone};
  Runtime runtime_{machine_.world, database_, ownership_, RuntimeOptions{}};
  Session session_{runtime_};
};

TEST(RetryPlan, TriesAgainWhatMayHelpWithGrowingPausesUntilTheDeadline) {
  const Instant start;
  RetryPlan plan(start + Duration::seconds(2));
  EXPECT_TRUE(plan.again(base::unavailable(""), start));
  EXPECT_EQ(plan.pause(), Duration::millis(10));
  EXPECT_TRUE(plan.again(base::aborted(""), start));
  EXPECT_EQ(plan.pause(), Duration::millis(20));
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(plan.again(base::unknown(""), start));
  }
  EXPECT_EQ(plan.pause(), Duration::seconds(1));
  EXPECT_FALSE(plan.again(base::unavailable(""), start + Duration::millis(1'500)));
}

TEST(RetryPlan, DoesNotTryAgainWhatTheActorSaid) {
  RetryPlan plan(Instant() + Duration::seconds(2));
  for (const Error& error : {base::invalid_argument("x"), base::failed_precondition("x"),
                             base::deadline_exceeded("x"), base::data_loss("x")}) {
    EXPECT_FALSE(plan.again(error, Instant()));
    EXPECT_EQ(plan.verdict(error), error);
  }
}

TEST(RetryPlan, AnUndecidedAttemptIsNotForgotten) {
  RetryPlan plan(Instant() + Duration::seconds(2));
  EXPECT_TRUE(plan.again(base::unknown("?"), Instant()));
  EXPECT_EQ(plan.verdict(base::deadline_exceeded("late")).code, Code::kUnknown);
  EXPECT_EQ(plan.verdict(base::unavailable("gone")).code, Code::kUnknown);
  EXPECT_EQ(plan.verdict(base::data_loss("gone")).code, Code::kUnknown);
  // The method ran and refused: it cannot have happened before.
  EXPECT_EQ(plan.verdict(base::not_found("no")).code, Code::kNotFound);
}

TEST_F(SessionTest, CallsHappenOnceEachInOrder) {
  EXPECT_EQ(call().value(), "x");
  EXPECT_EQ(call().value(), "xx");
  EXPECT_EQ(call().value(), "xxx");
}

TEST_F(SessionTest, ARefusalIsAnswered) {
  EXPECT_EQ(call("refuse").error().code, Code::kInvalidArgument);
  EXPECT_EQ(call().value(), "x");
}

TEST_F(SessionTest, CallsToOneActorDoNotOverlapAndLeaveNothingBehind) {
  std::vector<Bytes> answers;
  {
    Scope scope(machine_.loop, nullptr);
    for (int i = 0; i < 5; ++i) {
      scope.spawn(keep(session_.invoke(ref("a"), {"count", ""}), answers));
    }
    EXPECT_EQ(session_.busy(), 1U);
    ASSERT_TRUE(run(scope.drain()).ok());
  }
  EXPECT_EQ(answers, (std::vector<Bytes>{"x", "xx", "xxx", "xxxx", "xxxxx"}));
  EXPECT_EQ(session_.busy(), 0U);
}

TEST_F(SessionTest, ACallThatLandedUnseenIsNotMadeAgain) {
  ASSERT_EQ(call().value(), "x");
  database_.fate = Fate::kLands;
  database_.meanwhile = [this] { another_writes(); };
  // It is the second of three, and is answered as such.
  const Result<Bytes> answered = call();
  ASSERT_TRUE(answered.ok()) << answered.error().to_string();
  EXPECT_EQ(*answered, "xx");
  EXPECT_EQ(runtime_.counters().repetitions, 1U);
  EXPECT_EQ(call().value(), "xxxx");
}

TEST_F(SessionTest, ACallThatWasLostUnseenIsMadeAgain) {
  ASSERT_EQ(call().value(), "x");
  database_.fate = Fate::kIsLost;
  database_.meanwhile = [this] { another_writes(); };
  const Result<Bytes> answered = call();
  ASSERT_TRUE(answered.ok()) << answered.error().to_string();
  EXPECT_EQ(*answered, "xxx");
  EXPECT_EQ(runtime_.counters().repetitions, 0U);
}

TEST_F(SessionTest, TheSameWithoutASessionLeavesTheCallerInDoubt) {
  const auto bare = [this] { return run(runtime_.invoke(ref("a"), {"count", ""})); };
  ASSERT_TRUE(bare().ok());
  database_.meanwhile = [this] { another_writes(); };
  const Result<Bytes> answered = bare();
  EXPECT_EQ(answered.error().code, Code::kUnknown) << answered.error().to_string();
}

TEST_F(SessionTest, TwoSessionsDoNotShareAKey) {
  Session other(runtime_);
  EXPECT_NE(other.key(), session_.key());
  EXPECT_EQ(call().value(), "x");
  EXPECT_EQ(run(other.invoke(ref("a"), {"count", ""})).value(), "xx");
}

TEST_F(SessionTest, ADeadlineBeyondWhatIsKeptAndAForeignKeyAreRefused) {
  EXPECT_EQ(run(session_.invoke(ref("a"), {"count", ""}, {.deadline = in(Duration::hours(25))}))
                .error()
                .code,
            Code::kInvalidArgument);
  EXPECT_EQ(run(session_.invoke(ref("a"), {"count", ""}, {.once = Once{"mine"}})).error().code,
            Code::kInvalidArgument);
}

}  // namespace
}  // namespace kelpie::actor
