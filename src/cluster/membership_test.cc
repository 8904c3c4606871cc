#include "cluster/membership.h"

#include <utility>

#include "cluster/testing/test_node.h"
#include "cluster/testing/troubled_database.h"

namespace kelpie::cluster {
namespace {

using testing::Commit;
using testing::TestNode;
using testing::TroubledDatabase;
using MembershipTest = testing::ClusterTest;

TEST_F(MembershipTest, DeclaringDeadFencesTheNode) {
  TestNode one(machine_, database_, "n1");
  ASSERT_TRUE(run(one.ownership.join()).ok());
  const Fence fence = one.ownership.fence();
  EXPECT_TRUE(run(declare_dead(machine_.world, database_, "n1", fence.epoch())).value());
  EXPECT_EQ(state("n1"), NodeState::kFailed);
  EXPECT_EQ(guarded(fence).error().code, Code::kFailedPrecondition);
}

TEST_F(MembershipTest, ADeadNodesActorsAreFree) {
  TestNode one(machine_, database_, "n1");
  TestNode two(machine_, database_, "n2");
  ASSERT_TRUE(run(one.ownership.join()).ok());
  ASSERT_TRUE(run(two.ownership.join()).ok());
  ASSERT_TRUE(run(one.ownership.acquire(actor_)).ok());
  ASSERT_FALSE(run(two.ownership.acquire(actor_)).ok());
  const Epoch epoch = one.ownership.fence().epoch();
  ASSERT_TRUE(run(declare_dead(machine_.world, database_, "n1", epoch)).ok());
  EXPECT_TRUE(run(two.ownership.acquire(actor_)).ok());
}

TEST_F(MembershipTest, OnlyTheExpectedEpochFalls) {
  TestNode one(machine_, database_, "n1");
  ASSERT_TRUE(run(one.ownership.join()).ok());
  const Epoch old = one.ownership.fence().epoch();
  ASSERT_TRUE(run(one.ownership.join()).ok());
  EXPECT_FALSE(run(declare_dead(machine_.world, database_, "n1", old)).value());
  EXPECT_TRUE(guarded(one.ownership.fence()).ok());
  EXPECT_EQ(state("n1"), NodeState::kActive);
  EXPECT_FALSE(run(declare_dead(machine_.world, database_, "nobody", old)).value());
}

TEST_F(MembershipTest, TwiceIsOnce) {
  TestNode one(machine_, database_, "n1");
  ASSERT_TRUE(run(one.ownership.join()).ok());
  const Epoch epoch = one.ownership.fence().epoch();
  EXPECT_TRUE(run(declare_dead(machine_.world, database_, "n1", epoch)).value());
  EXPECT_FALSE(run(declare_dead(machine_.world, database_, "n1", epoch)).value());
}

TEST_F(MembershipTest, ANodeThatHasLeftIsNotDeclaredDead) {
  TestNode one(machine_, database_, "n1");
  ASSERT_TRUE(run(one.ownership.join()).ok());
  ASSERT_TRUE(run(one.ownership.start_leaving()).ok());
  ASSERT_TRUE(run(one.ownership.leave()).ok());
  auto transaction = database_.begin();
  const Epoch epoch =
      run(read_epoch(*transaction, "n1", store::Isolation::kSnapshot)).value().value();
  EXPECT_FALSE(run(declare_dead(machine_.world, database_, "n1", epoch)).value());
  EXPECT_EQ(state("n1"), NodeState::kLeft);
}

TEST_F(MembershipTest, ANodeThatDiesWhileItLeavesIsDeclaredDead) {
  TestNode one(machine_, database_, "n1");
  ASSERT_TRUE(run(one.ownership.join()).ok());
  ASSERT_TRUE(run(one.ownership.start_leaving()).ok());
  const Epoch epoch = one.ownership.fence().epoch();
  EXPECT_TRUE(run(declare_dead(machine_.world, database_, "n1", epoch)).value());
  EXPECT_EQ(state("n1"), NodeState::kFailed);
  EXPECT_EQ(run(one.ownership.leave()).error().code, Code::kFailedPrecondition);
  EXPECT_EQ(state("n1"), NodeState::kFailed);
}

TEST_F(MembershipTest, AnUndecidedDeclarationIsRepeated) {
  for (const Commit first : {Commit::kLost, Commit::kLanded}) {
    TestNode one(machine_, database_, "n1");
    ASSERT_TRUE(run(one.ownership.join()).ok());
    int commits = 0;
    TroubledDatabase troubled(database_, [&] { return ++commits == 1 ? first : Commit::kClean; });
    ASSERT_TRUE(
        run(declare_dead(machine_.world, troubled, "n1", one.ownership.fence().epoch())).ok());
    EXPECT_EQ(state("n1"), NodeState::kFailed);
    EXPECT_EQ(commits, first == Commit::kLost ? 2 : 1);
  }
}

// The node has joined again between the look and the commit.
TEST_F(MembershipTest, ALateDeclarationIsRefused) {
  TestNode one(machine_, database_, "n1");
  ASSERT_TRUE(run(one.ownership.join()).ok());
  const Epoch old = one.ownership.fence().epoch();
  int commits = 0;
  TroubledDatabase troubled(database_, [&] {
    if (++commits == 1) {
      EXPECT_TRUE(run(one.ownership.join()).ok());
    }
    return Commit::kClean;
  });
  EXPECT_FALSE(run(declare_dead(machine_.world, troubled, "n1", old)).value());
  EXPECT_EQ(state("n1"), NodeState::kActive);
  EXPECT_TRUE(guarded(one.ownership.fence()).ok());
}

TEST_F(MembershipTest, AStoreThatIsAwayIsAnError) {
  TestNode one(machine_, database_, "n1");
  ASSERT_TRUE(run(one.ownership.join()).ok());
  TroubledDatabase troubled(database_, [] { return Commit::kUnavailable; });
  EXPECT_EQ(
      run(declare_dead(machine_.world, troubled, "n1", one.ownership.fence().epoch())).error().code,
      Code::kUnavailable);
}

TEST_F(MembershipTest, AnUndecidedJoinCannotLandAfterTheNextOne) {
  TestNode one(machine_, database_, "n1");
  auto late = database_.begin();
  ASSERT_TRUE(run(write_join(*late, "n1", {}, WallTime())).ok());
  ASSERT_TRUE(run(one.ownership.join()).ok());
  EXPECT_EQ(run(late->commit()).error().code, Code::kAborted);
  EXPECT_TRUE(guarded(one.ownership.fence()).ok());
}

TEST_F(MembershipTest, ReadsAllNodesWithTheirEpochsAndBeats) {
  TestNode one(machine_, database_, "n1", OwnerRecords::kPerActor, "10.0.0.1:7000");
  TestNode two(machine_, database_, "n2");
  ASSERT_TRUE(run(one.ownership.join()).ok());
  ASSERT_TRUE(run(two.ownership.join()).ok());
  const Beat beat{.epoch = two.ownership.fence().epoch(), .counter = 3, .sent = {}};
  auto write = database_.begin();
  write->set(store::keys::beat("n2"), encode_beat(beat));
  // A record of a later version, an actor's record, and others beside the range.
  write->set(store::keys::node("n3"), R"({"format":2})");
  write->set(store::keys::owner(actor_), "?");
  write->set(store::keys::actor_head(actor_), "?");
  ASSERT_TRUE(run(write->commit()).ok());
  auto transaction = database_.begin();
  const std::vector<NodeSeen> nodes = run(read_nodes(*transaction)).value();
  ASSERT_EQ(nodes.size(), 2U);
  EXPECT_EQ(nodes[0].name, "n1");
  EXPECT_EQ(nodes[0].record.address, "10.0.0.1:7000");
  EXPECT_EQ(nodes[0].epoch, one.ownership.fence().epoch());
  EXPECT_FALSE(nodes[0].beat.has_value());
  EXPECT_EQ(nodes[1].name, "n2");
  EXPECT_EQ(nodes[1].beat, beat);
}

}  // namespace
}  // namespace kelpie::cluster
