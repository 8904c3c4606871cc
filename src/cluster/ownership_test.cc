#include "cluster/ownership.h"

#include <gtest/gtest.h>

#include "cluster/testing/test_node.h"
#include "cluster/testing/troubled_database.h"

namespace kelpie::cluster {
namespace {

using testing::Commit;
using testing::TroubledDatabase;
using Node = testing::TestNode;
using OwnershipTest = testing::ClusterTest;

TEST_F(OwnershipTest, AFenceHoldsUntilItsNodeJoinsAgain) {
  Node node(machine_, database_, "n1", OwnerRecords::kNone);
  ASSERT_TRUE(run(node.ownership.join()).ok());
  const Fence first = node.ownership.fence();
  EXPECT_TRUE(guarded(first).ok());
  ASSERT_TRUE(run(node.ownership.join()).ok());
  EXPECT_EQ(guarded(first).error().code, Code::kFailedPrecondition);
  EXPECT_TRUE(guarded(node.ownership.fence()).ok());
}

TEST_F(OwnershipTest, EpochsOnlyGrow) {
  Node node(machine_, database_, "n1", OwnerRecords::kNone);
  Epoch last;
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(run(node.ownership.join()).ok());
    EXPECT_GT(node.ownership.fence().epoch(), last);
    last = node.ownership.fence().epoch();
  }
}

TEST_F(OwnershipTest, AnAbsentEpochIsALostFence) {
  const Fence never_joined(world::NodeName("ghost"), Epoch("0123456789"));
  EXPECT_EQ(guarded(never_joined).error().code, Code::kFailedPrecondition);
}

TEST_F(OwnershipTest, ACommitUnderAFenceFailsWhenTheEpochMovesBeforeIt) {
  Node node(machine_, database_, "n1", OwnerRecords::kNone);
  ASSERT_TRUE(run(node.ownership.join()).ok());
  auto late = database_.begin();
  ASSERT_TRUE(run(node.ownership.fence().guard(*late)).ok());
  late->set("x", "written by the old owner");
  ASSERT_TRUE(run(node.ownership.join()).ok());
  EXPECT_EQ(run(late->commit()).error().code, Code::kAborted);
}

TEST_F(OwnershipTest, OnlyOneOfTwoLiveNodesOwnsAnActor) {
  Node one(machine_, database_, "n1", OwnerRecords::kPerActor, "10.0.0.1:7000");
  Node two(machine_, database_, "n2", OwnerRecords::kPerActor);
  ASSERT_TRUE(run(one.ownership.join()).ok());
  ASSERT_TRUE(run(two.ownership.join()).ok());
  auto held = run(one.ownership.acquire(actor_));
  ASSERT_TRUE(held.ok());
  auto refused = run(two.ownership.acquire(actor_));
  ASSERT_FALSE(refused.ok());
  // Not what a lost fence says.
  EXPECT_EQ(refused.error().code, Code::kUnavailable);
  EXPECT_EQ(owner_elsewhere(refused.error()), (OwnerPlace{"n1", "10.0.0.1:7000"}));
  auto again = run(one.ownership.acquire(actor_));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(*again, *held);
}

TEST_F(OwnershipTest, AnActorOfADeadNodeIsTakenUnderALaterGeneration) {
  Node one(machine_, database_, "n1", OwnerRecords::kPerActor);
  Node two(machine_, database_, "n2", OwnerRecords::kPerActor);
  ASSERT_TRUE(run(one.ownership.join()).ok());
  ASSERT_TRUE(run(two.ownership.join()).ok());
  auto first = run(one.ownership.acquire(actor_));
  ASSERT_TRUE(first.ok());
  // Another incarnation of n1 joins: the old one is dead.
  Node reborn(machine_, database_, "n1", OwnerRecords::kPerActor);
  ASSERT_TRUE(run(reborn.ownership.join()).ok());
  EXPECT_FALSE(run(one.ownership.placement(actor_)).value().has_value());
  auto second = run(two.ownership.acquire(actor_));
  ASSERT_TRUE(second.ok());
  EXPECT_GT(*second, *first);
  EXPECT_EQ(run(two.ownership.placement(actor_)).value()->owner.node, "n2");
  EXPECT_EQ(run(one.ownership.acquire(actor_)).error().code, Code::kFailedPrecondition);
}

TEST_F(OwnershipTest, AReleasedActorIsFree) {
  Node one(machine_, database_, "n1", OwnerRecords::kPerActor);
  Node two(machine_, database_, "n2", OwnerRecords::kPerActor);
  ASSERT_TRUE(run(one.ownership.join()).ok());
  ASSERT_TRUE(run(two.ownership.join()).ok());
  ASSERT_TRUE(run(one.ownership.acquire(actor_)).ok());
  ASSERT_TRUE(run(one.ownership.release(actor_)).ok());
  EXPECT_TRUE(run(two.ownership.acquire(actor_)).ok());
}

TEST_F(OwnershipTest, AnExclusiveStoreNeedsNoOwnerRecords) {
  Node node(machine_, database_, "n1", OwnerRecords::kNone);
  ASSERT_TRUE(run(node.ownership.join()).ok());
  auto generation = run(node.ownership.acquire(actor_));
  ASSERT_TRUE(generation.ok());
  EXPECT_EQ(generation->get(), node.ownership.fence().epoch().get());
  EXPECT_FALSE(run(node.ownership.placement(actor_)).value().has_value());
}

TEST_F(OwnershipTest, ATakeOverFencesEveryLoopOfAnEarlierProcess) {
  Node first(machine_, database_, "local", OwnerRecords::kNone);
  Node second(machine_, database_, "local/1", OwnerRecords::kNone);
  ASSERT_TRUE(run(first.ownership.join()).ok());
  ASSERT_TRUE(run(second.ownership.join()).ok());
  const Epoch epoch = run(take_over(machine_.world, database_, {"local"})).value();
  EXPECT_EQ(guarded(first.ownership.fence()).error().code, Code::kFailedPrecondition);
  EXPECT_EQ(guarded(second.ownership.fence()).error().code, Code::kFailedPrecondition);
  EXPECT_TRUE(guarded(Fence(world::NodeName("local"), epoch)).ok());
}

// Two processes start at once, with different numbers of loops; nothing is between the two steps of
// either, whatever the order.
TEST_F(OwnershipTest, OfTwoTakeOversTheLaterHoldsEveryLoop) {
  const Epoch first = run(take_over(machine_.world, database_, {"local", "local/1"})).value();
  const Epoch second = run(take_over(machine_.world, database_, {"local"})).value();
  EXPECT_GT(second, first);
  for (const char* name : {"local", "local/1"}) {
    const world::NodeName node{std::string(name)};
    EXPECT_EQ(guarded(Fence(node, first)).error().code, Code::kFailedPrecondition) << name;
  }
  EXPECT_TRUE(guarded(Fence(world::NodeName("local"), second)).ok());
}

TEST_F(OwnershipTest, ANodeThatHeldItsStoreTellsThatItWasTakenOverAndLeavesTheOtherAlone) {
  Node older(machine_, database_, "local", OwnerRecords::kNone);
  int told = 0;
  older.ownership.hold(run(take_over(machine_.world, database_, {"local"})).value(),
                       [&told] { ++told; });
  EXPECT_TRUE(guarded(older.ownership.fence()).ok());
  const Epoch newer = run(take_over(machine_.world, database_, {"local"})).value();
  EXPECT_EQ(told, 0);
  EXPECT_EQ(run(older.ownership.join()).error().code, Code::kFailedPrecondition);
  EXPECT_EQ(told, 1);
  EXPECT_TRUE(guarded(Fence(world::NodeName("local"), newer)).ok());
}

TEST_F(OwnershipTest, ATakeOverFailsTheMembersAndActivatesItsOwn) {
  Node first(machine_, database_, "other", OwnerRecords::kNone);
  ASSERT_TRUE(run(first.ownership.join()).ok());
  ASSERT_TRUE(run(take_over(machine_.world, database_, {"local"})).ok());
  EXPECT_EQ(state("other"), NodeState::kFailed);
  EXPECT_EQ(state("local"), NodeState::kActive);
}

TEST_F(OwnershipTest, JoiningTellsEachTime) {
  Node node(machine_, database_, "n1", OwnerRecords::kNone);
  int joined = 0;
  node.ownership.on_joined([&joined] { ++joined; });
  ASSERT_TRUE(run(node.ownership.join()).ok());
  ASSERT_TRUE(run(node.ownership.join()).ok());
  EXPECT_EQ(joined, 2);
}

TEST_F(OwnershipTest, OnlyAnActiveNodeClaims) {
  Node node(machine_, database_, "n1", OwnerRecords::kPerActor);
  ASSERT_TRUE(run(node.ownership.join()).ok());
  ASSERT_TRUE(run(node.ownership.acquire(actor_)).ok());
  ASSERT_TRUE(run(node.ownership.start_leaving()).ok());
  EXPECT_EQ(state("n1"), NodeState::kLeaving);
  const auto refused = run(node.ownership.acquire({"agent", "default", "b"}));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kUnavailable);
  EXPECT_FALSE(owner_elsewhere(refused.error()).has_value());
  // Turns go on, and so actors can be given away.
  EXPECT_TRUE(guarded(node.ownership.fence()).ok());
  EXPECT_TRUE(run(node.ownership.release(actor_)).ok());
}

// A claim that has looked at the state, and a node that begins to leave before the claim commits.
TEST_F(OwnershipTest, AClaimConflictsWithAChangeOfTheNodesState) {
  Node node(machine_, database_, "n1", OwnerRecords::kPerActor);
  ASSERT_TRUE(run(node.ownership.join()).ok());
  bool left = false;
  TroubledDatabase interrupted(database_, [&] {
    if (!std::exchange(left, true)) {
      EXPECT_TRUE(run(node.ownership.start_leaving()).ok());
    }
    return Commit::kClean;
  });
  Ownership claims(node.world, interrupted, OwnerRecords::kPerActor);
  claims.hold(node.ownership.fence().epoch(), [] {});
  EXPECT_EQ(run(claims.acquire(actor_)).error().code, Code::kUnavailable);
  EXPECT_TRUE(left);
}

TEST_F(OwnershipTest, ANodeThatHasLeftIsFencedAndDoesNotJoinAgain) {
  Node node(machine_, database_, "n1", OwnerRecords::kPerActor);
  ASSERT_TRUE(run(node.ownership.join()).ok());
  ASSERT_TRUE(run(node.ownership.start_leaving()).ok());
  ASSERT_TRUE(run(node.ownership.start_leaving()).ok());
  ASSERT_TRUE(run(node.ownership.leave()).ok());
  ASSERT_TRUE(run(node.ownership.leave()).ok());
  EXPECT_EQ(state("n1"), NodeState::kLeft);
  EXPECT_EQ(guarded(node.ownership.fence()).error().code, Code::kFailedPrecondition);
  EXPECT_EQ(run(node.ownership.join()).error().code, Code::kFailedPrecondition);
  // Its next incarnation does.
  Node reborn(machine_, database_, "n1", OwnerRecords::kPerActor);
  EXPECT_TRUE(run(reborn.ownership.join()).ok());
  EXPECT_EQ(state("n1"), NodeState::kActive);
}

TEST_F(OwnershipTest, LeavingUnderAnEpochThatIsGoneIsRefused) {
  Node older(machine_, database_, "n1", OwnerRecords::kPerActor);
  Node newer(machine_, database_, "n1", OwnerRecords::kPerActor);
  ASSERT_TRUE(run(older.ownership.join()).ok());
  ASSERT_TRUE(run(newer.ownership.join()).ok());
  EXPECT_EQ(run(older.ownership.start_leaving()).error().code, Code::kFailedPrecondition);
  EXPECT_EQ(state("n1"), NodeState::kActive);
  EXPECT_TRUE(guarded(newer.ownership.fence()).ok());
}

TEST_F(OwnershipTest, ReleasesManyAtOnceAndOnlyItsOwn) {
  Node one(machine_, database_, "n1", OwnerRecords::kPerActor);
  Node two(machine_, database_, "n2", OwnerRecords::kPerActor);
  ASSERT_TRUE(run(one.ownership.join()).ok());
  ASSERT_TRUE(run(two.ownership.join()).ok());
  const size_t count = Ownership::kReleasedAtOnce + 20;
  std::vector<std::string> ids;
  for (size_t i = 0; i < count; ++i) {
    ids.push_back("a" + std::to_string(i));
  }
  std::vector<store::keys::ActorName> names;
  for (const std::string& id : ids) {
    names.push_back({"agent", "default", id});
    ASSERT_TRUE(run((id == "a7" ? two : one).ownership.acquire(names.back())).ok());
  }
  ASSERT_TRUE(run(one.ownership.release_all(names)).ok());
  for (const auto& name : names) {
    const bool owned = run(one.ownership.placement(name)).value().has_value();
    EXPECT_EQ(owned, name.id == "a7") << name.id;
  }
}

TEST_F(OwnershipTest, APlacementHasWhatThereIsToExplain) {
  Node one(machine_, database_, "n1", OwnerRecords::kPerActor, "10.0.0.1:7000");
  ASSERT_TRUE(run(one.ownership.join()).ok());
  const auto generation = run(one.ownership.acquire(actor_));
  const auto placement = run(one.ownership.placement(actor_)).value();
  ASSERT_TRUE(placement.has_value());
  EXPECT_EQ(placement->owner.node, "n1");
  EXPECT_EQ(placement->owner.generation, *generation);
  EXPECT_EQ(placement->owner.epoch, one.ownership.fence().epoch());
  EXPECT_EQ(placement->state, NodeState::kActive);
  EXPECT_EQ(placement->address, "10.0.0.1:7000");
}

TEST_F(OwnershipTest, ListsTheActorsOfANodeByPages) {
  Node one(machine_, database_, "n1", OwnerRecords::kPerActor);
  Node two(machine_, database_, "n2", OwnerRecords::kPerActor);
  ASSERT_TRUE(run(one.ownership.join()).ok());
  ASSERT_TRUE(run(two.ownership.join()).ok());
  // More than one page of the walk, too.
  std::vector<std::string> owned;
  for (int i = 0; i < 1'500; ++i) {
    const std::string id = std::to_string(10'000 + i);
    Node& owner = i % 700 == 0 ? one : two;
    ASSERT_TRUE(run(owner.ownership.acquire({"agent", "default", id})).ok());
    if (&owner == &one) {
      owned.push_back(id);
    }
  }
  std::vector<std::string> listed;
  std::optional<Bytes> next = Bytes();
  for (int pages = 0; next.has_value(); ++pages) {
    ASSERT_LT(pages, 10);
    const OwnedActors page = run(two.ownership.list_actors_on_node("n1", *next, 2)).value();
    EXPECT_LE(page.actors.size(), 2U);
    for (const OwnedActor& actor : page.actors) {
      EXPECT_EQ(actor.type, "agent");
      listed.push_back(actor.id);
    }
    next = page.next;
  }
  EXPECT_EQ(listed, owned);
  // What is left of an earlier epoch is nobody's.
  ASSERT_TRUE(run(one.ownership.join()).ok());
  EXPECT_TRUE(run(two.ownership.list_actors_on_node("n1", {}, 10)).value().actors.empty());
}

}  // namespace
}  // namespace kelpie::cluster
