#include "sim/model/ownership_model.h"

#include <gtest/gtest.h>

#include <utility>

namespace kelpie::sim {
namespace {

using Start = OwnershipOptions::Start;
using Verdict = ModelCheck::Verdict;
using cluster::OwnerRecords;

// Far above what any of these has.
constexpr size_t kStatesMax = 1'000'000;

ModelCheck check(const OwnershipOptions& options) {
  return check_breadth_first(OwnershipModel(options), kStatesMax);
}

// Two nodes on one store, with owner records.
OwnershipOptions shared(OwnershipBug bug) {
  return {.records = OwnerRecords::kPerActor, .processes = {0, 1}, .bug = bug};
}
// A store that one process holds: the other one was there before, and has not noticed.
OwnershipOptions exclusive(Start start, OwnershipBug bug) {
  return {
      .records = OwnerRecords::kNone,
      .processes = start == Start::kJoin ? std::vector<size_t>{0, 0} : std::vector<size_t>{0, 1},
      .start = start,
      .bug = bug};
}

void expect_holds(const OwnershipOptions& options) {
  const ModelCheck result = check(options);
  EXPECT_EQ(result.verdict, Verdict::kHolds) << result.to_string();
  EXPECT_GT(result.states, 1'000U);
  ::testing::Test::RecordProperty("states", std::to_string(result.states));
}

// The bug breaks this promise, in so many steps and not in fewer.
void expect_breaks(const OwnershipOptions& options, const std::string& promise, size_t steps) {
  const ModelCheck result = check(options);
  EXPECT_EQ(result.verdict, Verdict::kViolated) << result.to_string();
  EXPECT_TRUE(result.violation.starts_with(promise)) << result.to_string();
  EXPECT_EQ(result.trace.size(), steps) << result.to_string();
}

TEST(OwnershipModel, HoldsForTwoNodesThatClaimFromEachOther) {
  expect_holds(shared(OwnershipBug::kNone));
}

TEST(OwnershipModel, HoldsWithTwoCommitsOnTheirWayUntold) {
  OwnershipOptions options = shared(OwnershipBug::kNone);
  options.undecided_max = 2;
  expect_holds(options);
}

TEST(OwnershipModel, HoldsForAProcessThatIsReplacedWhileItIsPaused) {
  expect_holds(exclusive(Start::kJoin, OwnershipBug::kNone));
}

TEST(OwnershipModel, HoldsForProcessesThatTakeTheStoreOverFromEachOther) {
  expect_holds(exclusive(Start::kTakeOver, OwnershipBug::kNone));
}

TEST(OwnershipModel, FindsATurnWithoutAFence) {
  expect_breaks(shared(OwnershipBug::kNoFence), "S1", 7);
  expect_breaks(exclusive(Start::kJoin, OwnershipBug::kNoFence), "S1", 6);
}

TEST(OwnershipModel, FindsAFenceThatIsNotComparedWithTheEpoch) {
  expect_breaks(shared(OwnershipBug::kNoCompare), "S1", 4);
  expect_breaks(exclusive(Start::kJoin, OwnershipBug::kNoCompare), "S1", 6);
}

TEST(OwnershipModel, FindsTwoClaimsThatDoNotConflict) {
  expect_breaks(shared(OwnershipBug::kSkew), "S1", 6);
}

TEST(OwnershipModel, FindsAClaimByANodeThatDiedMeanwhile) {
  expect_breaks(shared(OwnershipBug::kClaimNoFence), "S1", 4);
}

// An epoch that was replaced never comes back: what was read of a dead owner stays true.
TEST(OwnershipModel, TheEpochOfADeadOwnerNeedsNoConflict) {
  expect_holds(shared(OwnershipBug::kOwnerNoFence));
}

TEST(OwnershipModel, FindsAnUndecidedReleaseThatLandsAfterTheNextClaim) {
  expect_breaks(shared(OwnershipBug::kSilentReclaim), "S1", 12);
}

TEST(OwnershipModel, FindsAnEndedActivationThatGivesItsSuccessorAway) {
  expect_breaks(shared(OwnershipBug::kLateGiveAway), "S1", 12);
}

TEST(OwnershipModel, FindsATurnThatLandsUnderTheNextActivation) {
  expect_breaks(shared(OwnershipBug::kSettleGivesUp), "S1", 13);
  expect_breaks(exclusive(Start::kJoin, OwnershipBug::kSettleGivesUp), "S1", 11);
}

TEST(OwnershipModel, FindsATakeOverThatForgetsOtherNames) {
  expect_breaks(exclusive(Start::kTakeOver, OwnershipBug::kOwnNames), "S1", 10);
}

}  // namespace
}  // namespace kelpie::sim
