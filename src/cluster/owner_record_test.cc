#include "cluster/owner_record.h"

#include <gtest/gtest.h>

namespace kelpie::cluster {
namespace {

TEST(OwnerElsewhere, ReadsWhatTheErrorWasTold) {
  for (const OwnerPlace& place : {OwnerPlace{"n1", "10.0.0.1:7000"}, OwnerPlace{"n 2", ""}}) {
    EXPECT_EQ(owner_elsewhere(owned_elsewhere(place)), place);
    EXPECT_EQ(owner_elsewhere(owned_elsewhere(place).with_context("claiming an actor")), place);
  }
  EXPECT_FALSE(owner_elsewhere(base::unavailable("the store is away")).has_value());
  EXPECT_FALSE(owner_elsewhere(base::internal("the actor is owned by node n1; ask there")));
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
