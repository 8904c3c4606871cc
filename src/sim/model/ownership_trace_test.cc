#include "sim/model/ownership_trace.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <utility>

#include "actor/head.h"
#include "actor/runtime.h"
#include "async/manual_loop.h"
#include "cluster/ownership.h"
#include "sim/model/observed_backend_test.h"
#include "store/keys.h"
#include "store/local_database.h"
#include "store/testing/test_world.h"

namespace kelpie::sim {
namespace {

using actor::ActorRef;
using actor::ActorServices;
using actor::Turn;
using cluster::OwnerRecords;

class Counter final : public actor::Actor {
 public:
  explicit Counter(ActorServices services) : services_(std::move(services)) {}
  Task<void> activate(store::Transaction&) override { co_return kOk; }
  Task<void> add(Turn& turn) {
    turn.transaction().atomic(store::AtomicOp::kAdd, "sum", Bytes("\1\0\0\0", 4));
    co_return kOk;
  }
  Task<void> destroy(Turn& turn) {
    turn.destroy_actor();
    co_return kOk;
  }

 private:
  ActorServices services_;
};

// A node of the production code on an observed store.
class Node {
 public:
  Node(async::ManualLoop& loop, const std::string& name, store::Database& database,
       OwnerRecords records, uint64_t seed)
      : test_(loop),
        rng_(seed),
        world_{loop, test_.clock, rng_, test_.net, test_.log, test_.faults, world::NodeName(name)},
        loop_(loop),
        ownership(world_, database, records),
        runtime(world_, database, ownership, {}) {
    runtime.register_type("counter", [](ActorServices services) {
      return std::make_unique<Counter>(std::move(services));
    });
  }
  Result<void> join() { return loop_.run(ownership.join()); }
  Result<void> add(const std::string& id) {
    return loop_.run(runtime.call<Counter>(ActorRef{"counter", "default", id},
                                           [](Counter& a, Turn& turn) { return a.add(turn); }));
  }
  Result<void> destroy(const std::string& id) {
    return loop_.run(runtime.call<Counter>(ActorRef{"counter", "default", id},
                                           [](Counter& a, Turn& turn) { return a.destroy(turn); }));
  }
  void plant(const std::string& mutant) { test_.faults.planted.insert(mutant); }

 private:
  store::testing::TestWorld test_;
  world::Rng rng_;  // its own: nonces are never the same twice
  World world_;
  async::ManualLoop& loop_;

 public:
  cluster::Ownership ownership;
  actor::Runtime runtime;
};

class OwnershipTraceTest : public ::testing::TestWithParam<OwnerRecords> {
 protected:
  std::unique_ptr<Node> node(const std::string& name) {
    auto made = std::make_unique<Node>(loop_, name, database_, GetParam(), ++nodes_);
    EXPECT_TRUE(made->join().ok());
    return made;
  }
  void expect_good(size_t turns) {
    EXPECT_FALSE(trace_.failure()) << trace_.failure()->oracle << " " << trace_.failure()->message;
    EXPECT_EQ(trace_.counters().turns, turns);
  }

  uint64_t nodes_ = 0;
  async::ManualLoop loop_;
  OwnershipTrace trace_{GetParam()};
  store::testing::TestWorld test_{loop_};
  ObservedBackend backend_{[this](const store::CommitBatch& batch) { trace_.batch(batch); }};
  store::LocalDatabase database_{test_.world, backend_};
};

INSTANTIATE_TEST_SUITE_P(Records, OwnershipTraceTest,
                         ::testing::Values(OwnerRecords::kNone, OwnerRecords::kPerActor));

TEST_P(OwnershipTraceTest, AcceptsTheTurnsOfARuntime) {
  const auto one = node("n1");
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(one->add("a").ok());
    EXPECT_TRUE(one->add("b").ok());
  }
  EXPECT_TRUE(one->destroy("b").ok());
  EXPECT_TRUE(one->add("b").ok());
  loop_.run();  // until the actors are idle and given away
  EXPECT_TRUE(one->add("a").ok());
  expect_good(8);
}

TEST_P(OwnershipTraceTest, AcceptsANodeThatLosesItsFenceAndGoesOnUnderTheNextEpoch) {
  const auto one = node("n1");
  EXPECT_TRUE(one->add("a").ok());
  const auto reborn = node("n1");
  EXPECT_TRUE(reborn->add("a").ok());
  EXPECT_FALSE(one->add("a").ok());
  EXPECT_EQ(trace_.counters().turns, 2U);
  loop_.run_ready();
  EXPECT_TRUE(one->add("a").ok());
  EXPECT_FALSE(reborn->add("a").ok());
  expect_good(3);
}

TEST_P(OwnershipTraceTest, RejectsTheTurnOfAnOwnerWithoutAFence) {
  const auto one = node("n1");
  EXPECT_TRUE(one->add("a").ok());
  one->plant("M1");
  const auto reborn = node("n1");
  EXPECT_TRUE(one->add("a").ok());
  ASSERT_TRUE(trace_.failure());
  EXPECT_EQ(trace_.failure()->oracle, "S1");
}

// What is written by hand, in forms that the code writes.
class OwnershipTraceByHand : public ::testing::Test {
 protected:
  static Bytes stamp(int64_t version) {
    return store::Versionstamp::make(store::Version(version), 0).bytes;
  }
  static store::Mutation set(Bytes key, Bytes value) {
    return {store::Mutation::Kind::kSet, std::move(key), std::move(value)};
  }
  static store::Mutation epoch(const std::string& node, int64_t version) {
    return set(store::keys::epoch(node), stamp(version));
  }
  static store::Mutation head(int64_t generation, int64_t turn) {
    return set(
        store::keys::actor_head({"counter", "default", "a"}),
        actor::Head{cluster::Generation(stamp(generation)), turn, Bytes(actor::kNonceBytes, 'n')}
            .encode());
  }
  void apply(int64_t version, std::vector<store::Mutation> mutations) {
    trace_.batch({store::Version(version), std::move(mutations)});
  }
  void expect_failure(const std::string& oracle, const std::string& part) {
    ASSERT_TRUE(trace_.failure());
    EXPECT_EQ(trace_.failure()->oracle, oracle);
    EXPECT_NE(trace_.failure()->message.find(part), std::string::npos) << trace_.failure()->message;
  }
  OwnershipTrace trace_{OwnerRecords::kNone};
};

TEST_F(OwnershipTraceByHand, AcceptsATurnBeforeTheNextEpochOfItsBatch) {
  apply(1, {epoch("n1", 1)});
  apply(2, {head(1, 1), epoch("n1", 2)});
  EXPECT_FALSE(trace_.failure());
}

TEST_F(OwnershipTraceByHand, RejectsATurnBehindTheNextEpochOfItsBatch) {
  apply(1, {epoch("n1", 1)});
  apply(2, {epoch("n1", 2), head(1, 1)});
  expect_failure("S1", "version 2: turn 1 of counter/default/a committed under generation 1.0");
}

TEST_F(OwnershipTraceByHand, RejectsAGenerationThatGoesBack) {
  apply(1, {epoch("n1", 1)});
  apply(2, {epoch("n2", 2)});
  apply(3, {head(2, 1)});
  apply(4, {head(1, 2)});
  expect_failure("S2", "after 2.0");
}

TEST_F(OwnershipTraceByHand, RejectsAnEpochOfAnotherCommit) {
  apply(5, {epoch("n1", 4)});
  expect_failure("S2", "another commit");
}

TEST_F(OwnershipTraceByHand, RejectsATurnThatIsSkipped) {
  apply(1, {epoch("n1", 1)});
  apply(2, {head(1, 1)});
  apply(3, {head(1, 3)});
  expect_failure("S1", "after turn 1");
}

TEST_F(OwnershipTraceByHand, RejectsATurnOfANodeThatIsGone) {
  apply(1, {epoch("n1", 1)});
  const store::KeyRange epochs = store::keys::epochs();
  apply(2, {{store::Mutation::Kind::kClearRange, epochs.begin, epochs.end}});
  apply(3, {head(1, 1)});
  expect_failure("S1", "the present epoch of no node");
}

TEST_F(OwnershipTraceByHand, RejectsWhatNobodyWrites) {
  apply(1, {set(store::keys::actor_head({"counter", "default", "a"}), "not a head")});
  expect_failure("store", "counter/default/a");
}

}  // namespace
}  // namespace kelpie::sim
