#include "sim/model/transaction_model.h"

#include <gtest/gtest.h>

namespace kelpie::sim {
namespace {

using Verdict = ModelCheck::Verdict;

constexpr size_t kStatesMax = 500'000;

ModelCheck check(TransactionBug bug, size_t clients = 3) {
  return check_breadth_first(TransactionModel({.clients = clients, .bug = bug}), kStatesMax);
}

// In so many steps and not in fewer.
void expect_breaks(const ModelCheck& result, const std::string& promise, size_t steps) {
  EXPECT_EQ(result.verdict, Verdict::kViolated) << result.to_string();
  EXPECT_TRUE(result.violation.starts_with(promise)) << result.to_string();
  EXPECT_EQ(result.trace.size(), steps) << result.to_string();
}

TEST(TransactionModel, CommittedTransactionsAreSerializableInTheOrderOfTheirCommits) {
  const ModelCheck result = check(TransactionBug::kNone);
  EXPECT_EQ(result.verdict, Verdict::kHolds) << result.to_string();
  EXPECT_GT(result.states, 1'000U);
  ::testing::Test::RecordProperty("states", std::to_string(result.states));
}

TEST(TransactionModel, FindsTheLostUpdate) {
  expect_breaks(check(TransactionBug::kGetsBlind), "S19", 5);
}

TEST(TransactionModel, FindsThePhantom) {
  expect_breaks(check(TransactionBug::kRangesBlind), "S19", 5);
}

TEST(TransactionModel, FindsAWarmTurnAtTheVersionOfItsLastCommit) {
  expect_breaks(check(TransactionBug::kWarmTooNew), "S19", 7);
}

TEST(TransactionModel, FindsABatchWhoseTransactionsAreNotHeldAgainstEachOther) {
  expect_breaks(check(TransactionBug::kBatchBlind), "S19", 5);
}

TEST(TransactionModel, FindsAClearedRangeThatConflictsWithNothing) {
  expect_breaks(check(TransactionBug::kPointsOnly), "S19", 5);
}

TEST(TransactionModel, FindsAnAcknowledgementBeforeTheCommit) {
  expect_breaks(check(TransactionBug::kAnswerEarly), "S3", 4);
}

}  // namespace
}  // namespace kelpie::sim
