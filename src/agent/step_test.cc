#include "agent/step.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "codec/json.h"

namespace kelpie::agent {
namespace {

Message message_of(MessageRole role, std::string run_id, std::vector<llm::ToolCall> calls = {}) {
  Message message;
  message.role = role;
  message.run_id = std::move(run_id);
  message.tool_calls = std::move(calls);
  return message;
}

std::string to_text(const NextStep& next) {
  switch (next.kind) {
    case StepKind::kStart:
      return "start";
    case StepKind::kAskModel:
      return "ask";
    case StepKind::kRunTools:
      return "tools";
    case StepKind::kFinish:
      return "finish " + next.stop_reason;
  }
  return "?";
}

// The run is always "run-1"; a row is status, steps of two, the newest message, and what follows.
TEST(NextStep, FollowsFromWhatIsCommitted) {
  const llm::ToolCall call{"c", "memory_insert", "{}"};
  const auto none = std::optional<Message>();
  const std::optional<Message> user = message_of(MessageRole::kUser, "run-1");
  const std::optional<Message> system = message_of(MessageRole::kSystem, "");
  const std::optional<Message> words = message_of(MessageRole::kAssistant, "run-1");
  const std::optional<Message> calls = message_of(MessageRole::kAssistant, "run-1", {call});
  const std::optional<Message> results = message_of(MessageRole::kTool, "run-1");
  const std::optional<Message> others_words = message_of(MessageRole::kAssistant, "run-0");
  const std::optional<Message> others_results = message_of(MessageRole::kTool, "run-0");
  struct Row {
    RunStatus status;
    int64_t steps;
    const std::optional<Message>& last;
    std::string expected;
  };
  const std::vector<Row> rows = {
      {RunStatus::kQueued, 0, none, "start"},
      {RunStatus::kQueued, 0, others_words, "start"},
      {RunStatus::kQueued, 0, others_results, "start"},
      {RunStatus::kRunning, 0, none, "ask"},
      {RunStatus::kRunning, 0, system, "ask"},
      {RunStatus::kRunning, 0, user, "ask"},
      // A client may send a message in the assistant's name: the model has not answered it.
      {RunStatus::kRunning, 0, words, "ask"},
      {RunStatus::kRunning, 1, calls, "tools"},
      // The last step's calls get their results even when no step is left.
      {RunStatus::kRunning, 2, calls, "tools"},
      {RunStatus::kRunning, 1, results, "ask"},
      {RunStatus::kRunning, 2, results, "finish max_steps"},
      {RunStatus::kRunning, 1, words, "finish end_turn"},
      {RunStatus::kRunning, 2, words, "finish end_turn"},
      {RunStatus::kRunning, 0, others_words, "ask"},
      {RunStatus::kRunning, 0, others_results, "ask"},
      {RunStatus::kCompleted, 1, words, "finish stored"},
      {RunStatus::kFailed, 1, calls, "finish stored"},
  };
  for (size_t i = 0; i < rows.size(); ++i) {
    agent::Run run;
    run.id = "run-1";
    run.status = rows[i].status;
    run.steps = rows[i].steps;
    run.steps_max = 2;
    run.stop_reason = "stored";
    const Message* last = rows[i].last.has_value() ? &*rows[i].last : nullptr;
    EXPECT_EQ(to_text(next_step(run, last)), rows[i].expected) << "row " << i;
  }
}

llm::ChatReply reply_of(std::string text, std::vector<llm::ToolCall> calls = {},
                        llm::FinishReason reason = llm::FinishReason::kStop) {
  llm::ChatReply reply;
  reply.content = std::move(text);
  reply.tool_calls = std::move(calls);
  reply.finish_reason = reason;
  return reply;
}

ReplyPlan plan(const llm::ChatReply& reply, bool parallel = true,
               const std::vector<std::string>& used = {}) {
  Config config;
  config.parallel_tool_calls = parallel;
  world::Rng rng(3);
  return plan_reply(reply, config, used, rng);
}

TEST(PlanReply, ARunEndsWithTextAndGoesOnWithCalls) {
  using llm::FinishReason;
  const llm::ToolCall call{"c1", "memory_insert", "{}"};
  struct Row {
    llm::ChatReply reply;
    std::string expected;
  };
  const std::vector<Row> rows = {
      {reply_of("hello"), "end_turn"},
      {reply_of("cut off", {}, FinishReason::kLength), "max_tokens_exceeded"},
      {reply_of("filtered", {}, FinishReason::kContentFilter), "end_turn"},
      {reply_of("says calls", {}, FinishReason::kToolCalls), "end_turn"},
      {reply_of(""), "invalid: invalid_llm_response"},
      {reply_of("", {}, FinishReason::kLength), "invalid: invalid_llm_response"},
      {reply_of("", {call}), "goes on"},
      {reply_of("text too", {call}), "goes on"},
      {reply_of("", {call}, FinishReason::kLength), "goes on"},
  };
  for (size_t i = 0; i < rows.size(); ++i) {
    const ReplyPlan made = plan(rows[i].reply);
    std::string got = made.ends ? made.stop_reason : "goes on";
    got = made.valid ? got : "invalid: " + got;
    EXPECT_EQ(got, rows[i].expected) << "row " << i;
    EXPECT_EQ(made.text, rows[i].reply.content) << "row " << i;
  }
}

TEST(PlanReply, ReasoningAloneIsNoAnswer) {
  llm::ChatReply reply = reply_of("");
  reply.reasoning = "hmm";
  EXPECT_FALSE(plan(reply).valid);
  reply.content = "yes";
  EXPECT_TRUE(plan(reply).valid);
  EXPECT_EQ(plan(reply).reasoning, "hmm");
}

TEST(PlanReply, EachCallHasAnIdThatTheHistoryNeverSaw) {
  const ReplyPlan made = plan(reply_of("", {{"a", "t", "1"},
                                            {"", "t", "2"},
                                            {"a", "t", "3"},
                                            {"", "t", "4"},
                                            {"old", "t", "5"},
                                            {"b", "t", "6"}}),
                              true, {"old", "older"});
  ASSERT_EQ(made.tool_calls.size(), 6U);
  EXPECT_EQ(made.tool_calls[0].id, "a");
  EXPECT_EQ(made.tool_calls[5].id, "b");
  for (size_t i = 0; i < made.tool_calls.size(); ++i) {
    EXPECT_EQ(made.tool_calls[i].arguments, std::to_string(i + 1));
    EXPECT_FALSE(made.tool_calls[i].id.empty());
    EXPECT_NE(made.tool_calls[i].id, "old");
    for (size_t j = 0; j < i; ++j) {
      EXPECT_NE(made.tool_calls[i].id, made.tool_calls[j].id) << i << " " << j;
    }
  }
}

TEST(PlanReply, WithoutParallelCallsTheFirstIsKept) {
  const std::vector<llm::ToolCall> two = {{"a", "t", "1"}, {"b", "t", "2"}};
  EXPECT_EQ(plan(reply_of("", two), true).tool_calls.size(), 2U);
  const ReplyPlan made = plan(reply_of("", two), false);
  ASSERT_EQ(made.tool_calls.size(), 1U);
  EXPECT_EQ(made.tool_calls[0].id, "a");
}

TEST(ChatMessages, AHistoryReachesTheModelInOrderWithOneMessagePerResult) {
  Message system = message_of(MessageRole::kSystem, "");
  system.text = "S";
  Message user = message_of(MessageRole::kUser, "r");
  user.text = "U";
  Message calls = message_of(MessageRole::kAssistant, "r", {{"c1", "t", "{}"}, {"c2", "t", "{}"}});
  calls.reasoning = "not for the model";
  Message results = message_of(MessageRole::kTool, "r");
  results.tool_returns = {{"c1", "t", "success", "one"}, {"c2", "t", "error", "two"}};
  const auto chat = chat_messages({system, user, calls, results});
  ASSERT_EQ(chat.size(), 5U);
  EXPECT_EQ(chat[0].role, llm::Role::kSystem);
  EXPECT_EQ(chat[0].content, "S");
  EXPECT_EQ(chat[1].role, llm::Role::kUser);
  EXPECT_EQ(chat[2].role, llm::Role::kAssistant);
  EXPECT_EQ(chat[2].tool_calls, calls.tool_calls);
  EXPECT_EQ(chat[2].content, "");
  EXPECT_EQ(chat[3].role, llm::Role::kTool);
  EXPECT_EQ(chat[3].tool_call_id, "c1");
  EXPECT_EQ(chat[4].tool_call_id, "c2");
  EXPECT_NE(chat[4].content.find("Failed"), std::string::npos) << chat[4].content;
}

TEST(PackToolReturn, IsJsonOfStatusMessageAndTime) {
  const ToolReturn item{"c", "t", "success", "a \"quoted\"\nline"};
  const auto packed = codec::parse_json(pack_tool_return(item, 1'795'208'532'000'000)).value();
  EXPECT_EQ(packed.at("status").as_string(), "OK");
  EXPECT_EQ(packed.at("message").as_string(), "a \"quoted\"\nline");
  EXPECT_EQ(std::string(packed.at("time").as_string()).substr(0, 19), "2026-11-20T21:02:12");
}

}  // namespace
}  // namespace kelpie::agent
