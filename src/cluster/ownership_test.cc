#include "cluster/ownership.h"

#include <gtest/gtest.h>

#include "net/testing/test_world.h"
#include "store/local_database.h"
#include "store/memory/memory_backend.h"

namespace kelpie::cluster {
namespace {

using net::testing::TestWorld;

struct Node {
  Node(TestWorld& machine, store::Database& database, std::string name, OwnerRecords records)
      : world{machine.loop,
              machine.clock,
              machine.rng,
              machine.net,
              machine.log,
              machine.faults,
              world::NodeName(std::move(name))},
        ownership(world, database, records) {}
  World world;
  Ownership ownership;
};

class OwnershipTest : public ::testing::Test {
 protected:
  template <class T>
  Result<T> run(Task<T> task) {
    return machine_.loop.run(std::move(task));
  }
  Result<void> guarded(const Fence& fence) {
    auto transaction = database_.begin();
    return run(fence.guard(*transaction));
  }

  TestWorld machine_;
  store::MemoryBackend backend_;
  store::LocalDatabase database_{machine_.world, backend_};
  const store::keys::ActorName actor_{"agent", "default", "a"};
};

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
  Node one(machine_, database_, "n1", OwnerRecords::kPerActor);
  Node two(machine_, database_, "n2", OwnerRecords::kPerActor);
  ASSERT_TRUE(run(one.ownership.join()).ok());
  ASSERT_TRUE(run(two.ownership.join()).ok());
  auto held = run(one.ownership.acquire(actor_));
  ASSERT_TRUE(held.ok());
  auto refused = run(two.ownership.acquire(actor_));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kFailedPrecondition);
  EXPECT_NE(refused.error().message.find("n1"), std::string::npos);
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
  EXPECT_EQ(run(two.ownership.placement(actor_)).value()->node, "n2");
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

// Every combination of what a claim can read.
TEST(DecideClaim, TakesOnlyWhatNobodyLivingOwns) {
  const Epoch ours("2222222222");
  const Epoch theirs("1111111111");
  const Fence self(world::NodeName("n2"), ours);
  const OwnerRecord other{"n1", theirs, Generation("g")};
  const OwnerRecord mine{"n2", ours, Generation("g")};
  EXPECT_EQ(decide_claim(std::nullopt, std::nullopt, self), ClaimDecision::kTake);
  EXPECT_EQ(decide_claim(other, theirs, self), ClaimDecision::kOwnedElsewhere);
  EXPECT_EQ(decide_claim(other, Epoch("9999999999"), self), ClaimDecision::kTake);
  EXPECT_EQ(decide_claim(other, std::nullopt, self), ClaimDecision::kTake);
  EXPECT_EQ(decide_claim(mine, ours, self), ClaimDecision::kAlreadyOurs);
  EXPECT_EQ(decide_claim(mine, Epoch("9999999999"), self), ClaimDecision::kTake);
}

}  // namespace
}  // namespace kelpie::cluster
