#include "sim/model/idempotency_model.h"

#include <gtest/gtest.h>

namespace kelpie::sim {
namespace {

using Records = IdempotencyOptions::Records;
using Verdict = ModelCheck::Verdict;

constexpr size_t kStatesMax = 500'000;

ModelCheck check(Records records, IdempotencyBug bug, size_t clients = 2) {
  return check_breadth_first(IdempotencyModel({.records = records, .clients = clients, .bug = bug}),
                             kStatesMax);
}

void expect_holds(const ModelCheck& result) {
  EXPECT_EQ(result.verdict, Verdict::kHolds) << result.to_string();
  EXPECT_GT(result.states, 500U);
  ::testing::Test::RecordProperty("states", std::to_string(result.states));
}

// In so many steps and not in fewer.
void expect_breaks(const ModelCheck& result, size_t steps) {
  EXPECT_EQ(result.verdict, Verdict::kViolated) << result.to_string();
  EXPECT_TRUE(result.violation.starts_with("S6")) << result.to_string();
  EXPECT_EQ(result.trace.size(), steps) << result.to_string();
}

TEST(IdempotencyModel, HoldsForClientsWithRequestsOfTheirOwn) {
  expect_holds(check(Records::kNone, IdempotencyBug::kNone));
}

TEST(IdempotencyModel, HoldsForTwoClientsWithOneRequestKey) {
  expect_holds(check(Records::kShared, IdempotencyBug::kNone));
}

TEST(IdempotencyModel, HoldsForThreeClientsWithOneRequestKey) {
  expect_holds(check(Records::kShared, IdempotencyBug::kNone, 3));
}

TEST(IdempotencyModel, FindsTheBlindRetry) {
  expect_breaks(check(Records::kNone, IdempotencyBug::kBlindRetry), 4);
}

// Who tries again meets the record, or is refused by it.
TEST(IdempotencyModel, ARecordMakesEvenABlindRetryHarmless) {
  const ModelCheck result = check(Records::kShared, IdempotencyBug::kBlindRetry);
  EXPECT_EQ(result.verdict, Verdict::kUnreached) << result.to_string();
}

TEST(IdempotencyModel, FindsASettlingThatRewritesTheHead) {
  expect_breaks(check(Records::kNone, IdempotencyBug::kRewriteHead), 6);
}

TEST(IdempotencyModel, FindsARecordThatTheLoserOverwrites) {
  expect_breaks(check(Records::kShared, IdempotencyBug::kOverwrite), 4);
  expect_breaks(check(Records::kShared, IdempotencyBug::kLoserRecords), 3);
}

TEST(IdempotencyModel, FindsARecordThatIsNotWrittenWithItsEffect) {
  expect_breaks(check(Records::kShared, IdempotencyBug::kSplitRecord), 4);
}

TEST(IdempotencyModel, FindsAnAnswerToWhatIsUndecided) {
  expect_breaks(check(Records::kNone, IdempotencyBug::kAnswerUntold), 2);
}

}  // namespace
}  // namespace kelpie::sim
