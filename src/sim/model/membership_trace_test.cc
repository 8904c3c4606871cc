#include "sim/model/membership_trace.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "async/manual_loop.h"
#include "cluster/membership.h"
#include "cluster/ownership.h"
#include "sim/model/observed_backend_test.h"
#include "store/keys.h"
#include "store/local_database.h"
#include "store/testing/test_world.h"

namespace kelpie::sim {
namespace {

using cluster::NodeState;
using store::Mutation;
using enum NodeState;

const store::keys::ActorName kActor{"agent", "default", "a"};

// What a transaction wrote, as a batch of its own.
class Written {
 public:
  Written& state(NodeState state, const std::string& node = "n1") {
    cluster::NodeRecord record;
    record.state = state;
    return put(store::keys::node(node), cluster::encode_node_record(record));
  }
  Written& epoch(const std::string& node = "n1") {
    return put(store::keys::epoch(node), Bytes(10, 'e'));
  }
  Written& claim(const std::string& node = "n1") {
    const cluster::Fence fence(world::NodeName(node), cluster::Epoch(Bytes(10, 'e')));
    return put(store::keys::owner(kActor), cluster::encode_owner_record(fence));
  }
  Written& put(Bytes key, Bytes value) {
    batch_.mutations.push_back({Mutation::Kind::kSet, std::move(key), std::move(value)});
    return *this;
  }
  Written& remove(Bytes key) {
    batch_.mutations.push_back({Mutation::Kind::kClear, std::move(key), {}});
    return *this;
  }
  [[nodiscard]] const store::CommitBatch& batch() const { return batch_; }

 private:
  store::CommitBatch batch_;
};

std::string judged(const std::vector<Written>& history) {
  MembershipTrace trace;
  for (const Written& written : history) {
    trace.batch(written.batch());
  }
  return trace.failure() ? trace.failure()->oracle : "holds";
}

const Written kJoin = Written().state(kActive).epoch();
const Written kDeath = Written().state(kFailed).epoch();
const Written kLeaves = Written().state(kLeaving);
const Written kGone = Written().state(kLeft).epoch();

TEST(MembershipTrace, HoldsForALifeByTheTable) {
  EXPECT_EQ(judged({kJoin, kLeaves, kGone, kJoin, kDeath, kJoin, kJoin, kLeaves, kDeath, kJoin}),
            "holds");
  EXPECT_EQ(judged({kJoin, Written().claim(), kLeaves, kGone}), "holds");
}

TEST(MembershipTrace, FindsAStepThatIsNotInTheTable) {
  EXPECT_EQ(judged({kDeath}), "S11");
  EXPECT_EQ(judged({kJoin, kGone}), "S11");
  EXPECT_EQ(judged({kJoin, kDeath, kLeaves}), "S11");
  EXPECT_EQ(judged({kJoin, kDeath, kDeath}), "S11");
  EXPECT_EQ(judged({kJoin, kLeaves, kGone, kDeath}), "S11");
}

TEST(MembershipTrace, FindsAStateThatChangedWithoutItsEpoch) {
  EXPECT_EQ(judged({Written().state(kActive)}), "S11");
  EXPECT_EQ(judged({kJoin, Written().state(kFailed)}), "S11");
  EXPECT_EQ(judged({kJoin, kLeaves, Written().state(kLeft)}), "S11");
}

TEST(MembershipTrace, FindsAnEpochThatChangedWithoutItsState) {
  EXPECT_EQ(judged({kJoin, Written().epoch()}), "S11");
  EXPECT_EQ(judged({kJoin, Written().state(kLeaving).epoch()}), "S11");
}

TEST(MembershipTrace, FindsARecordThatVanished) {
  EXPECT_EQ(judged({kJoin, Written().remove(store::keys::node("n1"))}), "S11");
}

TEST(MembershipTrace, FindsTwoChangesAtOnce) {
  EXPECT_EQ(judged({kJoin, Written().state(kFailed).state(kActive).epoch()}), "S11");
}

TEST(MembershipTrace, FindsAClaimByANodeThatIsNotActive) {
  EXPECT_EQ(judged({Written().claim()}), "S12");
  EXPECT_EQ(judged({kJoin, kLeaves, Written().claim()}), "S12");
  EXPECT_EQ(judged({kJoin, kDeath, Written().claim()}), "S12");
  EXPECT_EQ(judged({kJoin, kDeath, Written().claim("n2")}), "S12");
}

TEST(MembershipTrace, FindsARecordOfNoKnownForm) {
  EXPECT_EQ(judged({Written().put(store::keys::node("n1"), "?")}), "store");
}

TEST(MembershipTrace, KnowsAnOwnerUntilItGivesAway) {
  MembershipTrace trace;
  trace.batch(kJoin.batch());
  trace.batch(Written().claim().batch());
  EXPECT_EQ(trace.some_owner(), "n1");
  trace.batch(Written().remove(store::keys::owner(kActor)).batch());
  EXPECT_FALSE(trace.some_owner().has_value());
}

// The production code, on an observed store.
TEST(MembershipTrace, HoldsForWhatIsWritten) {
  async::ManualLoop loop;
  store::testing::TestWorld world(loop);
  MembershipTrace trace;
  ObservedBackend backend([&trace](const store::CommitBatch& batch) { trace.batch(batch); });
  store::LocalDatabase database(world.world, backend);
  cluster::Ownership node(world.world, database, cluster::OwnerRecords::kPerActor);
  ASSERT_TRUE(loop.run(node.join()).ok());
  ASSERT_TRUE(loop.run(node.acquire(kActor)).ok());
  ASSERT_TRUE(loop.run(node.join()).ok());
  ASSERT_TRUE(
      loop.run(cluster::declare_dead(world.world, database, "test", node.fence().epoch())).ok());
  ASSERT_TRUE(loop.run(node.join()).ok());
  ASSERT_TRUE(loop.run(cluster::take_over(world.world, database, {"other"})).ok());
  ASSERT_TRUE(loop.run(node.join()).ok());
  ASSERT_TRUE(loop.run(node.start_leaving()).ok());
  ASSERT_TRUE(loop.run(node.leave()).ok());
  EXPECT_FALSE(trace.failure().has_value()) << trace.failure()->message;
  EXPECT_EQ(trace.counters().joins, 5U);
  EXPECT_EQ(trace.counters().deaths, 2U);
  EXPECT_EQ(trace.counters().leaves, 1U);
  EXPECT_EQ(trace.counters().claims, 1U);
}

}  // namespace
}  // namespace kelpie::sim
