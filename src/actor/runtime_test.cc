#include "actor/runtime.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "actor/head.h"
#include "async/select.h"
#include "async/sleep.h"
#include "net/testing/test_world.h"
#include "store/local_database.h"
#include "store/memory/memory_backend.h"
#include "store/testing/forwarding_transaction.h"

namespace kelpie::actor {
namespace {

using net::testing::TestWorld;

constexpr const char* kType = "counter";
const Bytes kTotalKey = "total/";

// Counts in the store; notes when turns begin and end.
class CounterActor final : public Actor {
 public:
  CounterActor(ActorServices services, std::vector<std::string>& notes)
      : services_(std::move(services)), notes_(notes) {}

  Task<void> activate(store::Transaction&) override {
    notes_.push_back("activate " + services_.self.id);
    co_return kOk;
  }

  Task<int64_t> add(Turn& turn, int64_t amount) {
    notes_.push_back("begin " + services_.self.id);
    const int64_t total = co_await read(turn) + amount;
    co_await async::sleep_for(services_.world.loop, Duration::millis(5));
    turn.transaction().set(kTotalKey + services_.self.id, std::to_string(total));
    turn.after_commit([this] { notes_.push_back("committed " + services_.self.id); });
    notes_.push_back("end " + services_.self.id);
    co_return total;
  }
  Task<int64_t> fail_after_writing(Turn& turn) {
    turn.transaction().set(kTotalKey + services_.self.id, "999");
    co_return base::invalid_argument("no");
  }
  Task<int64_t> total(Turn& turn) {
    turn.read_only();
    co_return co_await read(turn);
  }
  Task<void> destroy(Turn& turn) {
    turn.transaction().clear(kTotalKey + services_.self.id);
    turn.destroy_actor();
    co_return kOk;
  }
  Task<int64_t> number(Turn& turn) { co_return turn.number(); }
  Task<void> work_forever(Turn& turn) {
    turn.after_commit([this] { services_.background.spawn(tick()); });
    co_return kOk;
  }

 private:
  Task<int64_t> read(Turn& turn) {
    auto bytes = co_await turn.transaction().get(kTotalKey + services_.self.id);
    int64_t value = 0;
    if (bytes.has_value()) {
      std::from_chars(bytes->data(), bytes->data() + bytes->size(), value);
    }
    co_return value;
  }
  Task<void> tick() {
    for (;;) {
      co_await async::sleep_for(services_.world.loop, Duration::seconds(1));
      notes_.push_back("tick");
    }
  }
  ActorServices services_;
  std::vector<std::string>& notes_;
};

class RuntimeTest : public ::testing::Test {
 protected:
  RuntimeTest() {
    CHECK(machine_.loop.run(ownership_.join()).ok());
    runtime_.register_type(kType, [this](ActorServices services) {
      return std::make_unique<CounterActor>(std::move(services), notes_);
    });
  }
  static ActorRef ref(std::string id) { return {kType, "default", std::move(id)}; }
  Task<int64_t> add(std::string id, int64_t amount) {
    return runtime_.call<CounterActor>(
        ref(std::move(id)), [amount](CounterActor& a, Turn& turn) { return a.add(turn, amount); });
  }
  Task<int64_t> total(std::string id) {
    return runtime_.call<CounterActor>(ref(std::move(id)),
                                       [](CounterActor& a, Turn& turn) { return a.total(turn); });
  }
  template <class T>
  Result<T> run(Task<T> task) {
    return machine_.loop.run(std::move(task));
  }
  size_t count(const std::string& note) const {
    return static_cast<size_t>(std::count(notes_.begin(), notes_.end(), note));
  }

  TestWorld machine_;
  store::MemoryBackend backend_;
  store::LocalDatabase database_{machine_.world, backend_};
  cluster::Ownership ownership_{machine_.world, database_, cluster::OwnerRecords::kNone};
  std::vector<std::string> notes_;
  Runtime runtime_{machine_.world, database_, ownership_, RuntimeOptions{Duration::seconds(60), 3}};
};

Task<void> discard(Task<int64_t> task, std::vector<int64_t>& results) {
  auto result = co_await std::move(task).result();
  results.push_back(result.ok() ? *result : -1);
  co_return kOk;
}

TEST_F(RuntimeTest, ATurnCommitsAndItsStateIsReadBack) {
  EXPECT_EQ(run(add("a", 2)).value(), 2);
  EXPECT_EQ(run(add("a", 3)).value(), 5);
  EXPECT_EQ(run(total("a")).value(), 5);
  EXPECT_EQ(count("activate a"), 1U);
}

TEST_F(RuntimeTest, TurnsOfOneActorNeverOverlap) {
  Scope scope(machine_.loop, nullptr);
  std::vector<int64_t> results;
  for (int i = 0; i < 3; ++i) {
    scope.spawn(discard(add("a", 1), results));
  }
  ASSERT_TRUE(run(scope.drain()).ok());
  EXPECT_EQ(results, (std::vector<int64_t>{1, 2, 3}));
  bool inside = false;
  for (const std::string& note : notes_) {
    if (note == "begin a") {
      EXPECT_FALSE(inside);
      inside = true;
    } else if (note == "end a") {
      inside = false;
    }
  }
}

TEST_F(RuntimeTest, ASlowActorDoesNotHoldAnotherUp) {
  Scope scope(machine_.loop, nullptr);
  std::vector<int64_t> results;
  scope.spawn(discard(add("a", 1), results));
  scope.spawn(discard(add("b", 1), results));
  ASSERT_TRUE(run(scope.drain()).ok());
  const auto first_end = std::find(notes_.begin(), notes_.end(), "end a");
  EXPECT_NE(std::find(notes_.begin(), first_end, "begin b"), first_end);
}

TEST_F(RuntimeTest, AnErrorInATurnLeavesNothingBehind) {
  ASSERT_TRUE(run(add("a", 4)).ok());
  auto failed = run(runtime_.call<CounterActor>(
      ref("a"), [](CounterActor& a, Turn& turn) { return a.fail_after_writing(turn); }));
  EXPECT_EQ(failed.error().code, Code::kInvalidArgument);
  EXPECT_EQ(run(total("a")).value(), 4);
}

TEST_F(RuntimeTest, TheReplyComesAfterTheCommit) {
  ASSERT_TRUE(run(add("a", 1)).ok());
  ASSERT_EQ(notes_.back(), "committed a");
}

TEST_F(RuntimeTest, TooManyWaitingCallsAreRefused) {
  Scope scope(machine_.loop, nullptr);
  std::vector<int64_t> results;
  for (int i = 0; i < 6; ++i) {
    scope.spawn(discard(add("a", 1), results));
  }
  ASSERT_TRUE(run(scope.drain()).ok());
  EXPECT_EQ(std::count(results.begin(), results.end(), -1), 3);
  EXPECT_EQ(run(total("a")).value(), 3);
}

TEST_F(RuntimeTest, ADroppedCallerDoesNotStopItsTurn) {
  {
    Scope scope(machine_.loop, nullptr);
    std::vector<int64_t> results;
    scope.spawn(discard(add("a", 7), results));
    machine_.loop.run_ready();
  }
  EXPECT_EQ(run(total("a")).value(), 7);
}

TEST_F(RuntimeTest, AnIdleActorIsDeactivatedAndComesBackWithItsState) {
  ASSERT_TRUE(run(add("a", 1)).ok());
  machine_.loop.run();
  EXPECT_EQ(runtime_.active(), 0U);
  EXPECT_EQ(run(add("a", 1)).value(), 2);
  EXPECT_EQ(count("activate a"), 2U);
}

TEST_F(RuntimeTest, TurnNumbersGrowOverActivations) {
  const auto number = [](CounterActor& a, Turn& turn) { return a.number(turn); };
  const int64_t first = run(runtime_.call<CounterActor>(ref("a"), number)).value();
  machine_.loop.run();
  ASSERT_EQ(runtime_.active(), 0U);
  EXPECT_GT(run(runtime_.call<CounterActor>(ref("a"), number)).value(), first);
}

TEST_F(RuntimeTest, AnActorGoesOnUnderANewEpochAfterItsFenceWasLost) {
  ASSERT_TRUE(run(add("a", 1)).ok());
  const cluster::Epoch lost = ownership_.fence().epoch();
  cluster::Ownership other(machine_.world, database_, cluster::OwnerRecords::kNone);
  ASSERT_TRUE(run(other.join()).ok());
  // The first call meets the lost fence and is refused: nothing of it is written.
  EXPECT_EQ(run(add("a", 1)).error().code, Code::kUnavailable);
  EXPECT_EQ(run(add("a", 1)).value(), 2);
  EXPECT_GT(ownership_.fence().epoch(), lost);
  EXPECT_EQ(runtime_.counters().fences_lost, 1U);
}

class TakenOver : public RuntimeTest {
 protected:
  static constexpr auto kAddOne = [](CounterActor& a, Turn& turn) { return a.add(turn, 1); };
  // A process that holds the store, over a database of its own. Nonces of two are never the same.
  struct Process {
    Process(TakenOver& test, store::Database& database)
        : rng(test.machine_.world.rng.next()),
          world{test.machine_.world.loop, test.machine_.world.clock, rng,
                test.machine_.world.net,  test.machine_.world.log,   test.machine_.world.faults,
                test.machine_.world.self},
          ownership(world, database, cluster::OwnerRecords::kNone),
          runtime(world, database, ownership, RuntimeOptions{}) {
      ownership.hold(
          test.run(cluster::take_over(test.machine_.world, test.database_, {"test"})).value(),
          [this] { told = true; });
      runtime.register_type(kType, [&test](ActorServices services) {
        return std::make_unique<CounterActor>(std::move(services), test.notes_);
      });
    }
    world::Rng rng;
    World world;
    cluster::Ownership ownership;
    Runtime runtime;
    bool told = false;
  };
};

// The turn landed, its client was not told, and before it could find out the other process has
// written the same actor: nobody can say any more, so nobody says no.
TEST_F(TakenOver, AnUndecidedTurnStaysUndecidedOnceTheOtherHasWritten) {
  class Vague final : public store::testing::ForwardingTransaction {
   public:
    Vague(std::unique_ptr<Transaction> inner, std::function<void()>& meanwhile)
        : ForwardingTransaction(std::move(inner)), meanwhile_(meanwhile) {}
    Task<store::Version> commit() override {
      auto done = co_await inner_->commit().result();
      if (done.ok() && meanwhile_) {
        std::exchange(meanwhile_, nullptr)();
        co_return base::unknown("the client was not told");
      }
      co_return std::move(done);
    }

   private:
    std::function<void()>& meanwhile_;
  };
  class VagueDatabase final : public store::Database {
   public:
    explicit VagueDatabase(store::Database& inner) : inner_(inner) {}
    using Database::begin;
    std::unique_ptr<store::Transaction> begin(store::TransactionOptions options) override {
      return std::make_unique<Vague>(inner_.begin(options), meanwhile);
    }
    [[nodiscard]] std::string_view engine_name() const override { return "vague"; }
    std::function<void()> meanwhile;

   private:
    store::Database& inner_;
  };
  VagueDatabase vague(database_);
  Process older(*this, vague);
  ASSERT_TRUE(run(older.runtime.call<CounterActor>(ref("a"), kAddOne)).ok());
  std::optional<Process> newer;
  vague.meanwhile = [&] {
    newer.emplace(*this, database_);
    EXPECT_EQ(run(newer->runtime.call<CounterActor>(ref("a"), kAddOne)).value(), 3);
  };
  const Result<int64_t> answered = run(older.runtime.call<CounterActor>(ref("a"), kAddOne));
  EXPECT_EQ(answered.error().code, Code::kUnknown) << answered.error().to_string();
  EXPECT_EQ(run(newer->runtime.call<CounterActor>(ref("a"), kAddOne)).value(), 4);
}

TEST_F(TakenOver, AProcessWritesNothingAnyMoreAndIsToldWithItsNextTurn) {
  Process older(*this, database_);
  ASSERT_TRUE(run(older.runtime.call<CounterActor>(ref("a"), kAddOne)).ok());
  Process newer(*this, database_);
  EXPECT_FALSE(run(older.runtime.call<CounterActor>(ref("a"), kAddOne)).ok());
  machine_.loop.run_ready();
  EXPECT_TRUE(older.told);
  EXPECT_FALSE(run(older.runtime.call<CounterActor>(ref("a"), kAddOne)).ok());
  EXPECT_EQ(run(newer.runtime.call<CounterActor>(ref("a"), kAddOne)).value(), 2);
  EXPECT_FALSE(newer.told);
}

TEST_F(RuntimeTest, DestroyingAnActorLeavesNoKeyOfIt) {
  ASSERT_TRUE(run(add("a", 1)).ok());
  ASSERT_TRUE(run(runtime_.call<CounterActor>(ref("a"), [](CounterActor& a, Turn& turn) {
                return a.destroy(turn);
              })).ok());
  auto transaction = database_.begin();
  auto head = run(transaction->get(store::keys::actor_head(ref("a").name())));
  EXPECT_FALSE(head.value().has_value());
  EXPECT_EQ(run(total("a")).value(), 0);
}

TEST_F(RuntimeTest, OnASharedStoreAnActorIsOwnedWhileItIsActiveAndNoLonger) {
  cluster::Ownership shared(machine_.world, database_, cluster::OwnerRecords::kPerActor);
  ASSERT_TRUE(run(shared.join()).ok());
  Runtime runtime(machine_.world, database_, shared, RuntimeOptions{});
  runtime.register_type(kType, [this](ActorServices services) {
    return std::make_unique<CounterActor>(std::move(services), notes_);
  });
  const auto add_one = [](CounterActor& a, Turn& turn) { return a.add(turn, 1); };
  const auto owned = [&](const std::string& id) {
    return run(shared.placement(ref(id).name())).value().has_value();
  };
  ASSERT_TRUE(run(runtime.call<CounterActor>(ref("idle"), add_one)).ok());
  EXPECT_TRUE(owned("idle"));
  machine_.loop.run();
  EXPECT_FALSE(owned("idle"));
  ASSERT_TRUE(run(runtime.call<CounterActor>(ref("gone"), add_one)).ok());
  EXPECT_TRUE(owned("gone"));
  ASSERT_TRUE(run(runtime.call<CounterActor>(ref("gone"), [](CounterActor& a, Turn& turn) {
                return a.destroy(turn);
              })).ok());
  EXPECT_FALSE(owned("gone"));
}

// Nothing that it runs could have told it.
TEST_F(RuntimeTest, ANodeDeclaredDeadWhileItOwnedNothingJoinsAgainWithItsNextCall) {
  cluster::Ownership shared(machine_.world, database_, cluster::OwnerRecords::kPerActor);
  ASSERT_TRUE(run(shared.join()).ok());
  Runtime runtime(machine_.world, database_, shared, RuntimeOptions{});
  runtime.register_type(kType, [this](ActorServices services) {
    return std::make_unique<CounterActor>(std::move(services), notes_);
  });
  const cluster::Epoch first = shared.fence().epoch();
  ASSERT_TRUE(run(cluster::take_over(machine_.world, database_, {})).ok());

  const auto counted = run(runtime.call<CounterActor>(
      ref("a"), [](CounterActor& a, Turn& turn) { return a.add(turn, 7); }));

  ASSERT_TRUE(counted.ok()) << counted.error().to_string();
  EXPECT_EQ(*counted, 7);
  EXPECT_NE(shared.fence().epoch(), first);
}

TEST_F(RuntimeTest, BackgroundWorkEndsWithItsActivation) {
  ASSERT_TRUE(run(runtime_.call<CounterActor>(ref("a"), [](CounterActor& a, Turn& turn) {
                return a.work_forever(turn);
              })).ok());
  ASSERT_TRUE(run(async::sleep_task(machine_.loop, Duration::millis(2500))).ok());
  EXPECT_EQ(count("tick"), 2U);
  machine_.loop.run();
  EXPECT_EQ(runtime_.active(), 0U);
}

TEST_F(RuntimeTest, RefusesIdsThatAreEmptyOrTooLong) {
  EXPECT_EQ(run(total("")).error().code, Code::kInvalidArgument);
  EXPECT_EQ(run(total(std::string(257, 'x'))).error().code, Code::kInvalidArgument);
}

TEST(Head, ReadsBackWhatItWrote) {
  const Head head{cluster::Generation("0123456789"), 7, Bytes(kNonceBytes, 'n')};
  auto read = Head::decode(head.encode());
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->turn, 7);
  EXPECT_EQ(read->generation, head.generation);
  EXPECT_EQ(read->nonce, head.nonce);
}

TEST(Head, RefusesDamagedBytes) {
  const Bytes good = Head{cluster::Generation("g"), 1, Bytes(kNonceBytes, 'n')}.encode();
  for (size_t length = 0; length < good.size(); ++length) {
    EXPECT_FALSE(Head::decode(good.substr(0, length)).ok()) << length;
  }
  EXPECT_FALSE(Head::decode("not a head").ok());
}

}  // namespace
}  // namespace kelpie::actor
