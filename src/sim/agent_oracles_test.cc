#include "sim/agent_oracles.h"

#include <gtest/gtest.h>

namespace kelpie::sim {
namespace {

Op op(OpKind kind, int64_t called, int64_t returned, Outcome outcome) {
  Op made;
  made.client = "client";
  made.kind = kind;
  made.agent = "agent-1";
  made.called_ns = called;
  made.returned_ns = returned;
  made.outcome = outcome;
  return made;
}
Op created() { return op(OpKind::kCreate, 0, 1, Outcome::kOk); }
Op send(std::string text, int64_t called, int64_t returned, Outcome outcome = Outcome::kOk) {
  Op made = op(OpKind::kSend, called, returned, outcome);
  made.text = std::move(text);
  return made;
}
SeenMessage user(std::string text) { return {"id-" + text, "user_message", text, ""}; }
SeenMessage call(std::string id) { return {"id-call-" + id, "tool_call_message", "", id}; }
SeenMessage result(std::string id) { return {"id-return-" + id, "tool_return_message", "", id}; }
Op list(int64_t called, int64_t returned, std::vector<SeenMessage> messages) {
  Op made = op(OpKind::kList, called, returned, Outcome::kOk);
  made.messages = std::move(messages);
  return made;
}
const std::map<Bytes, Bytes> kStore = {{"k1", "a"}, {"k2", "c"}};

std::string verdict(const std::optional<Failure>& failure) {
  return failure ? failure->oracle : "none";
}

TEST(AgentOracles, AcceptAHistoryWithoutFault) {
  const History history = {created(),
                           send("a", 2, 3),
                           list(4, 5, {user("a")}),
                           send("b", 4, 7, Outcome::kUnknown),
                           send("c", 8, 9),
                           list(10, 11, {user("a"), user("b"), user("c")})};
  EXPECT_EQ(verdict(check_agents(history, 10, kStore)), "none");
}

TEST(AgentOracles, S3FindsAnAcknowledgedMessageThatIsMissing) {
  EXPECT_EQ(verdict(check_acknowledged_is_readable({created(), send("a", 2, 3), list(4, 5, {})})),
            "S3");
}

TEST(AgentOracles, S3LetsAListThatBeganBeforeTheAnswerMissIt) {
  EXPECT_EQ(verdict(check_acknowledged_is_readable({created(), send("a", 2, 5), list(4, 6, {})})),
            "none");
}

TEST(AgentOracles, S3FindsAMessageTwiceEvenIfItWasNeverAcknowledged) {
  const History history = {created(), send("a", 2, 3, Outcome::kUnknown),
                           list(4, 5, {user("a"), user("a")})};
  EXPECT_EQ(verdict(check_acknowledged_is_readable(history)), "S3");
}

TEST(AgentOracles, S3FindsAnAnswerThatIsNotListed) {
  Op sent = send("a", 2, 3);
  sent.messages = {SeenMessage{"id-9", "assistant_message", "hello", ""}};
  EXPECT_EQ(verdict(check_acknowledged_is_readable({created(), sent, list(4, 5, {user("a")})})),
            "S3");
}

TEST(AgentOracles, S3FindsAnAcknowledgedAgentThatIsAbsent) {
  const History history = {created(), op(OpKind::kGet, 2, 3, Outcome::kAbsent)};
  EXPECT_EQ(verdict(check_acknowledged_is_readable(history)), "S3");
}

TEST(AgentOracles, AnAgentThatIsBeingDeletedMayBeAbsent) {
  const History history = {created(), send("a", 2, 3), op(OpKind::kDelete, 4, 9, Outcome::kUnknown),
                           op(OpKind::kGet, 5, 6, Outcome::kAbsent)};
  EXPECT_EQ(verdict(check_agents(history, 0, {})), "none");
}

TEST(AgentOracles, S4FindsAMessageThatNobodySent) {
  EXPECT_EQ(verdict(check_agents({created(), list(4, 5, {user("ghost")})}, 0, {})), "S4");
}

TEST(AgentOracles, S4FindsAnOrderAgainstRealTime) {
  const History history = {created(), send("a", 2, 3), send("b", 4, 5),
                           list(6, 7, {user("b"), user("a")})};
  EXPECT_EQ(verdict(check_order(history)), "S4");
}

TEST(AgentOracles, S4AcceptsEitherOrderOfConcurrentSends) {
  const History history = {created(), send("a", 2, 5), send("b", 3, 4),
                           list(6, 7, {user("b"), user("a")})};
  EXPECT_EQ(verdict(check_order(history)), "none");
}

TEST(AgentOracles, S4FindsAListThatGoesBackInTime) {
  const History history = {created(), send("a", 2, 20, Outcome::kUnknown), list(4, 5, {user("a")}),
                           list(6, 7, {})};
  EXPECT_EQ(verdict(check_order(history)), "S4");
}

TEST(AgentOracles, S16FindsAListThatRewritesHistory) {
  const History history = {created(), list(4, 5, {user("a"), user("b")}),
                           list(6, 7, {user("b"), user("a"), user("c")})};
  EXPECT_EQ(verdict(check_well_formed(history, kNever)), "S16");
}

TEST(AgentOracles, S16FindsToolCallsWithoutExactlyOneResult) {
  EXPECT_EQ(verdict(check_well_formed({list(4, 5, {call("x")})}, 4)), "S16");
  EXPECT_EQ(verdict(check_well_formed({list(4, 5, {call("x")})}, 5)), "none");
  EXPECT_EQ(verdict(check_well_formed({list(4, 5, {call("x"), result("x")})}, 4)), "none");
  EXPECT_EQ(verdict(check_well_formed({list(4, 5, {result("x"), call("x")})}, 4)), "S16");
  EXPECT_EQ(verdict(check_well_formed({list(4, 5, {call("x"), result("x"), result("x")})}, 4)),
            "S16");
}

TEST(AgentOracles, S18FindsADeletedAgentThatAnswersAndKeysThatItLeft) {
  const History history = {created(), op(OpKind::kDelete, 2, 3, Outcome::kOk), list(4, 5, {})};
  EXPECT_EQ(verdict(check_deleted_is_absent(history, {})), "S18");
  EXPECT_EQ(verdict(check_store(history, {{"x/agent-1/y", "1"}})), "S18");
  const std::map<Bytes, Bytes> whole = {{"x/agent-1/config", "1"}};
  EXPECT_EQ(verdict(check_store(history, whole)), "S3");
  EXPECT_EQ(verdict(check_deleted_is_absent(history, whole)), "S3");
  EXPECT_EQ(verdict(check_store(history, {})), "none");
}

TEST(AgentOracles, S20FindsAnErrorThatWasAnsweredAsAbsence) {
  Op absent = op(OpKind::kGet, 4, 5, Outcome::kAbsent);
  absent.storage_errors = true;
  const History back = {created(), send("a", 2, 3), absent, list(6, 7, {user("a")})};
  EXPECT_EQ(verdict(check_errors_are_not_absence(back)), "S20");
  EXPECT_EQ(verdict(check_agents(back, kNever, {})), "S20");
  // Gone for good is a loss, whatever went wrong meanwhile.
  const History gone = {created(), absent};
  EXPECT_EQ(verdict(check_agents(gone, kNever, {})), "S3");
}

TEST(AgentOracles, S3LooksForAcknowledgedTextsInTheStoreItself) {
  const History history = {created(), send("m-1\ncall x", 2, 3)};
  EXPECT_EQ(verdict(check_store(history, {{"k", "{\"text\":\"m-1\\ncall x\"}"}})), "none");
  EXPECT_EQ(verdict(check_store(history, {{"k", "m-2"}})), "S3");
}

}  // namespace
}  // namespace kelpie::sim
