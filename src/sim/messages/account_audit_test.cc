#include "sim/messages/account_audit.h"

#include <gtest/gtest.h>

namespace kelpie::sim {
namespace {

using Event = AccountEvent;

AccountAudit good() {
  AccountAudit audit;
  audit.accounts["a"].entries = {
      {Event::kDeposited, "op-1", "b", 10},  {Event::kSent, "op-2", "b", 4},
      {Event::kPaid, "op-3", "b", 1},        {Event::kArmed, "op-4", "", 0, 500},
      {Event::kArmed, "op-5", "", 0, 600},   {Event::kFired, "op-4", "", 0, 500},
      {Event::kCancelled, "op-6", "op-5", 0}};
  audit.accounts["b"].entries = {{Event::kReceived, "op-2", "a", 4},
                                 {Event::kCredited, "op-3", "a", 1}};
  audit.ops = {{"deposit", "op-1", "a", "b", 10, true}, {"send", "op-2", "a", "b", 4, true},
               {"pay", "op-3", "a", "b", 1, true},      {"arm", "op-4", "a", "", 0, true},
               {"arm", "op-5", "a", "", 0, true},       {"cancel", "op-6", "a", "op-5", 0, true},
               {"deposit", "op-7", "b", "", 5, false}};
  return audit;
}

std::string broken(const AccountAudit& audit) {
  const auto failure = audit.judge();
  return failure ? failure->oracle : "";
}

TEST(AccountAudit, AGoodHistoryPasses) { EXPECT_EQ(broken(good()), ""); }

TEST(AccountAudit, AnAnsweredOperationThatLeftNoTraceIsFound) {
  AccountAudit audit = good();
  audit.ops.back().answered = true;
  EXPECT_EQ(broken(audit), "S3");
}

TEST(AccountAudit, AnOperationThatTookEffectTwiceIsFound) {
  AccountAudit audit = good();
  audit.accounts["a"].entries.push_back(audit.accounts["a"].entries.front());
  EXPECT_EQ(broken(audit), "S6");
}

TEST(AccountAudit, AMessageThatWasLostOrAppliedTwiceIsFound) {
  AccountAudit lost = good();
  lost.accounts["b"].entries.erase(lost.accounts["b"].entries.begin());
  EXPECT_EQ(broken(lost), "S15");
  AccountAudit twice = good();
  twice.accounts["b"].entries.push_back(twice.accounts["b"].entries.front());
  EXPECT_EQ(broken(twice), "S15");
}

TEST(AccountAudit, ALookThatMissesWhatWasAnsweredIsFound) {
  const AccountAudit audit = good();
  const AccountLog& seen = audit.accounts.at("a");
  std::vector<AccountOp> answered = {audit.ops.begin(), audit.ops.begin() + 2};
  EXPECT_FALSE(judge_look(seen, answered).has_value());
  // Of the same id, and something else.
  answered.push_back({"deposit", "op-2", "a", "b", 4, true});
  const auto failure = judge_look(seen, answered);
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->oracle, "S4");
}

TEST(AccountAudit, AParkedMessageIsUnderWay) {
  AccountAudit audit = good();
  audit.accounts["b"].entries.erase(audit.accounts["b"].entries.begin());
  audit.parked.insert("op-2");
  EXPECT_EQ(broken(audit), "");
}

TEST(AccountAudit, AMessageThatNobodySentIsFound) {
  AccountAudit audit = good();
  audit.accounts["b"].entries.push_back({Event::kReceived, "op-9", "a", 4});
  EXPECT_EQ(broken(audit), "S7");
}

TEST(AccountAudit, ACallThatTookEffectTwiceOrNeverIsFound) {
  AccountAudit twice = good();
  twice.accounts["b"].entries.push_back({Event::kCredited, "op-3", "a", 1});
  EXPECT_EQ(broken(twice), "S6");
  AccountAudit never = good();
  never.accounts["b"].entries.pop_back();
  EXPECT_EQ(broken(never), "S6");
}

TEST(AccountAudit, MoneyThatACallMadeWithoutItsCallerIsFound) {
  AccountAudit audit = good();
  audit.accounts["b"].entries.push_back({Event::kCredited, "op-8", "a", 3});
  EXPECT_EQ(broken(audit), "S7");
}

TEST(AccountAudit, AReminderBeforeItsTimeTwiceNeverOrAfterItsCancelIsFound) {
  AccountAudit early = good();
  early.accounts["a"].entries[5].when_ns = 499;
  EXPECT_EQ(broken(early), "S14");
  AccountAudit twice = good();
  twice.accounts["a"].entries.push_back({Event::kFired, "op-4", "", 0, 700});
  EXPECT_EQ(broken(twice), "S14");
  AccountAudit never = good();
  never.accounts["a"].entries.erase(never.accounts["a"].entries.begin() + 5);
  EXPECT_EQ(broken(never), "S14");
  AccountAudit cancelled = good();
  cancelled.accounts["a"].entries.push_back({Event::kFired, "op-5", "", 0, 700});
  EXPECT_EQ(broken(cancelled), "S14");
}

TEST(AccountAudit, AReminderThatStillWaitsIsNotLostAndOneThatIsArmedAnewMayFire) {
  AccountAudit waits = good();
  waits.accounts["a"].entries.erase(waits.accounts["a"].entries.begin() + 5);
  waits.pending.insert("op-4");
  EXPECT_EQ(broken(waits), "");
  AccountAudit anew = good();
  anew.accounts["a"].entries.push_back({Event::kArmed, "op-5", "", 0, 800});
  anew.accounts["a"].entries.push_back({Event::kFired, "op-5", "", 0, 800});
  EXPECT_EQ(broken(anew), "S6");         // asked for once
  anew.ops.erase(anew.ops.begin() + 4);  // by two operations, as it were
  EXPECT_EQ(broken(anew), "");
}

TEST(AccountLog, ReadsBackWhatItWrote) {
  const AccountLog log = good().accounts.at("a");
  const auto read = AccountLog::decode(log.encode());
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->entries, log.entries);
  EXPECT_EQ(log.balance(), 5);
}

}  // namespace
}  // namespace kelpie::sim
