#include "cluster/sweep.h"

#include "cluster/testing/test_node.h"
#include "cluster/testing/troubled_database.h"

namespace kelpie::cluster {
namespace {

using store::keys::ActorName;
using testing::Commit;
using testing::TestNode;
using testing::TroubledDatabase;
using SweepTest = testing::ClusterTest;

TEST_F(SweepTest, RemovesTheRecordsOfEpochsThatAreGoneAndNoOthers) {
  TestNode one(machine_, database_, "n1");
  TestNode two(machine_, database_, "n2");
  ASSERT_TRUE(run(one.ownership.join()).ok());
  ASSERT_TRUE(run(two.ownership.join()).ok());
  // More than a page.
  for (int i = 0; i < 120; ++i) {
    const std::string id = std::to_string(i);
    ASSERT_TRUE(run((i % 3 == 0 ? two : one).ownership.acquire({"agent", "default", id})).ok());
  }
  ASSERT_TRUE(run(one.ownership.join()).ok());
  EXPECT_EQ(run(sweep_owner_records(machine_.world, database_)).value(), 80U);
  for (int i = 0; i < 120; ++i) {
    const std::string id = std::to_string(i);
    EXPECT_EQ(has(store::keys::owner({"agent", "default", id})), i % 3 == 0) << id;
  }
  EXPECT_EQ(run(sweep_owner_records(machine_.world, database_)).value(), 0U);
}

TEST_F(SweepTest, LeavesAClaimAloneThatComesBetweenTheLookAndTheRemoval) {
  TestNode one(machine_, database_, "n1");
  TestNode two(machine_, database_, "n2");
  ASSERT_TRUE(run(one.ownership.join()).ok());
  ASSERT_TRUE(run(two.ownership.join()).ok());
  ASSERT_TRUE(run(one.ownership.acquire(actor_)).ok());
  ASSERT_TRUE(run(one.ownership.join()).ok());
  bool claimed = false;
  TroubledDatabase interrupted(database_, [&] {
    if (!std::exchange(claimed, true)) {
      EXPECT_TRUE(run(two.ownership.acquire(actor_)).ok());
    }
    return Commit::kClean;
  });
  EXPECT_EQ(run(sweep_owner_records(machine_.world, interrupted)).value(), 0U);
  EXPECT_TRUE(claimed);
  EXPECT_EQ(run(two.ownership.placement(actor_)).value()->owner.node, "n2");
}

TEST_F(SweepTest, GoesOnWhenTheStoreIsBack) {
  TestNode one(machine_, database_, "n1");
  ASSERT_TRUE(run(one.ownership.join()).ok());
  ASSERT_TRUE(run(one.ownership.acquire(actor_)).ok());
  ASSERT_TRUE(run(one.ownership.join()).ok());
  int commits = 0;
  TroubledDatabase troubled(database_,
                            [&] { return ++commits < 12 ? Commit::kUnavailable : Commit::kClean; });
  const Instant begun = machine_.loop.now();
  EXPECT_EQ(run(sweep_owner_records(machine_.world, troubled)).value(), 1U);
  EXPECT_FALSE(has(store::keys::owner(actor_)));
  // Paced.
  EXPECT_GT(machine_.loop.now() - begun, Duration::seconds(5));
}

TEST_F(SweepTest, AnUndecidedRemovalIsLookedAtAgain) {
  TestNode one(machine_, database_, "n1");
  ASSERT_TRUE(run(one.ownership.join()).ok());
  ASSERT_TRUE(run(one.ownership.acquire(actor_)).ok());
  ASSERT_TRUE(run(one.ownership.join()).ok());
  int commits = 0;
  TroubledDatabase troubled(database_,
                            [&] { return ++commits == 1 ? Commit::kLost : Commit::kClean; });
  ASSERT_TRUE(run(sweep_owner_records(machine_.world, troubled)).ok());
  EXPECT_FALSE(has(store::keys::owner(actor_)));
}

}  // namespace
}  // namespace kelpie::cluster
