#include "sim/provider/provider_oracles.h"

#include <gtest/gtest.h>

namespace kelpie::sim {
namespace {

Op send(std::string agent, std::string text, int64_t at_ns, std::string model_error) {
  Op op;
  op.kind = OpKind::kSend;
  op.agent = std::move(agent);
  op.text = std::move(text);
  op.called_ns = at_ns;
  op.returned_ns = at_ns + 1;
  op.outcome = model_error.empty() ? Outcome::kOk : Outcome::kUnknown;
  op.model_error = std::move(model_error);
  return op;
}
Op list(std::string agent, int64_t at_ns, std::vector<SeenMessage> messages) {
  Op op;
  op.kind = OpKind::kList;
  op.agent = std::move(agent);
  op.called_ns = at_ns;
  op.returned_ns = at_ns + 1;
  op.outcome = Outcome::kOk;
  op.messages = std::move(messages);
  return op;
}
SeenMessage user(std::string text) { return {"m-" + text, "user_message", std::move(text), ""}; }
SeenMessage answer(std::string text) {
  return {"a-" + text, "assistant_message", std::move(text), ""};
}

TEST(ProviderOracles, AnAnswerThatTheProviderHasNeverGivenIsFound) {
  const History history = {list("a", 1, {user("x"), answer("You said: x")})};
  EXPECT_FALSE(check_answers_were_said(history, {"a"}, {"You said: x"}).has_value());
  ASSERT_TRUE(check_answers_were_said(history, {"a"}, {"You said: y"}).has_value());
  EXPECT_EQ(check_answers_were_said(history, {"a"}, {"You said: y"})->oracle, "S16");
}

TEST(ProviderOracles, PartOfAnAnswerIsNoAnswer) {
  const History history = {list("a", 1, {answer("You sa")})};
  EXPECT_TRUE(check_answers_were_said(history, {"a"}, {"You said: x"}).has_value());
}

TEST(ProviderOracles, AnswersOfOtherModelsAreNotTheProviders) {
  const History history = {list("b", 1, {answer("something")})};
  EXPECT_FALSE(check_answers_were_said(history, {"a"}, {}).has_value());
}

TEST(ProviderOracles, AMessageWhoseRunFailedAtTheModelMustStay) {
  History history = {send("a", "x", 1, "llm_timeout"), list("a", 3, {user("x")})};
  EXPECT_FALSE(check_failed_runs(history, {"a"}).has_value());
  history.push_back(list("a", 5, {}));
  ASSERT_TRUE(check_failed_runs(history, {"a"}).has_value());
  EXPECT_EQ(check_failed_runs(history, {"a"})->oracle, "S16");
}

TEST(ProviderOracles, AListBeforeTheAnswerOrAfterADeleteNeedNotShowIt) {
  History history = {list("a", 0, {}), send("a", "x", 1, "llm_error")};
  Op remove;
  remove.kind = OpKind::kDelete;
  remove.agent = "a";
  remove.called_ns = 3;
  history.push_back(remove);
  history.push_back(list("a", 5, {}));
  EXPECT_FALSE(check_failed_runs(history, {"a"}).has_value());
}

TEST(ProviderOracles, AModelWithoutAProviderMayNotFail) {
  const History history = {send("b", "x", 1, "llm_error")};
  ASSERT_TRUE(check_failed_runs(history, {"a"}).has_value());
  EXPECT_EQ(check_failed_runs(history, {"a"})->oracle, "500");
}

TEST(ProviderOracles, AnInternalErrorWhoseBodyWasLostIsExcusedOnlyWhereAProviderMayHaveFailed) {
  const History history = {send("a", "x", 1, std::string(kReasonLost))};
  EXPECT_FALSE(check_failed_runs(history, {"a"}).has_value());
  ASSERT_TRUE(check_failed_runs(history, {"b"}).has_value());
  EXPECT_EQ(check_failed_runs(history, {"b"})->oracle, "500");
}

TEST(ProviderOracles, AnEndWithoutAKnownReasonIsFound) {
  const History history = {send("a", "x", 1, "strange")};
  ASSERT_TRUE(check_failed_runs(history, {"a"}).has_value());
  EXPECT_EQ(check_failed_runs(history, {"a"})->oracle, "L8");
}

}  // namespace
}  // namespace kelpie::sim
