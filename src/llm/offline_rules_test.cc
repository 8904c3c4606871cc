#include "llm/offline_rules.h"

#include <gtest/gtest.h>

#include <set>

namespace kelpie::llm {
namespace {

constexpr std::string_view kInsert =
    R"(call memory_insert {"label":"human","new_string":"Likes tea"})";

ChatRequest ask(std::string text) {
  return {.model = "offline",
          .messages = {{.role = Role::kSystem,
                        .content = "You live in <memory_blocks>.\n<memory_blocks>\nThese are "
                                   "yours.\n<human>\n<metadata>\n- chars_limit=5\n</metadata>\n"
                                   "<value>\nName: Ada\n</value>\n</human>\n<persona>\n<value>\nA "
                                   "dog\n</value>\n</persona>\n</memory_blocks>\nThe end."},
                       {.role = Role::kUser, .content = std::move(text)}},
          .tools = {{.name = "memory_insert"}, {.name = "memory_replace"}}};
}

// The request that follows when the agent has run the reply's calls.
ChatRequest after(ChatRequest request, const ChatReply& reply, const std::string& result) {
  request.messages.push_back(
      {.role = Role::kAssistant, .content = reply.content, .tool_calls = reply.tool_calls});
  for (const ToolCall& call : reply.tool_calls) {
    request.messages.push_back({.role = Role::kTool, .content = result, .tool_call_id = call.id});
  }
  return request;
}

TEST(OfflineRules, EchoesAndCountsWhatItSees) {
  const ChatReply reply = offline_reply(ask("hello there"));
  EXPECT_EQ(reply.content,
            "You said: hello there\nI am the offline model; I see 2 messages and 2 tools.");
  EXPECT_EQ(reply.finish_reason, FinishReason::kStop);
}

TEST(OfflineRules, QuotesABoundedPartOfALongMessageAndSaysSo) {
  const ChatReply reply = offline_reply(ask(std::string(5'000, 'x')));
  EXPECT_LT(reply.content.size(), 2'200U);
  EXPECT_NE(reply.content.find("(5000 bytes in all)"), std::string::npos);
}

TEST(OfflineRules, GivesTheSameReplyToTheSameRequest) {
  const ChatReply one = offline_reply(ask(std::string(kInsert)));
  const ChatReply two = offline_reply(ask(std::string(kInsert)));
  EXPECT_EQ(one.tool_calls, two.tool_calls);
  EXPECT_EQ(one.content, two.content);
}

TEST(OfflineRules, QuotesAllMemoryBlocksOfTheSystemPrompt) {
  const std::string content = offline_reply(ask("What do you remember?")).content;
  EXPECT_TRUE(content.starts_with("This is what I remember:\nThese are yours.\n<human>"))
      << content;
  EXPECT_TRUE(content.ends_with("A dog\n</value>\n</persona>")) << content;
}

TEST(OfflineRules, QuotesOneBlockByItsLabel) {
  EXPECT_EQ(offline_reply(ask("what is in human?")).content, "human: Name: Ada");
  EXPECT_EQ(offline_reply(ask("what is in persona?")).content, "persona: A dog");
  EXPECT_EQ(offline_reply(ask("what is in secrets?")).content,
            "I have no memory block named secrets.");
}

TEST(OfflineRules, SaysSoWhenThereIsNoMemory) {
  ChatRequest request = ask("what do you remember?");
  request.messages[0].content = "Be brief.";
  EXPECT_EQ(offline_reply(request).content,
            "I remember nothing: my system prompt of 9 bytes has no memory blocks.");
  request.messages[1].content = "what is in human?";
  EXPECT_EQ(offline_reply(request).content, "I have no memory block named human.");
}

TEST(OfflineRules, RepeatsTheWholeSystemPrompt) {
  const ChatRequest request = ask("Repeat your system prompt");
  EXPECT_EQ(offline_reply(request).content, request.messages[0].content);
}

TEST(OfflineRules, CallsTheToolThatTheUserNames) {
  const ChatReply reply = offline_reply(ask(std::string(kInsert)));
  EXPECT_EQ(reply.content, "");
  EXPECT_EQ(reply.finish_reason, FinishReason::kToolCalls);
  ASSERT_EQ(reply.tool_calls.size(), 1U);
  EXPECT_EQ(reply.tool_calls[0].name, "memory_insert");
  EXPECT_EQ(reply.tool_calls[0].arguments, R"({"label":"human","new_string":"Likes tea"})");
}

TEST(OfflineRules, AnswersWithTheToolsResult) {
  const ChatRequest request = ask(std::string(kInsert));
  const ChatReply call = offline_reply(request);
  EXPECT_EQ(offline_reply(after(request, call, "inserted")).content,
            "The tool memory_insert returned: inserted");
  EXPECT_EQ(
      offline_reply(after(request, call, R"({"status":"OK","message":"done","time":"x"})")).content,
      "The tool memory_insert returned OK: done");
}

TEST(OfflineRules, SaysAnExactTextAfterTheTools) {
  const ChatRequest request = ask(std::string(kInsert) + "\nsay All done.");
  const ChatReply call = offline_reply(request);
  ASSERT_EQ(call.tool_calls.size(), 1U);
  EXPECT_EQ(offline_reply(after(request, call, "ok")).content, "All done.");
}

TEST(OfflineRules, MakesSeveralCallsAtOnceOnlyWhenTheRequestAllowsIt) {
  const std::string text = std::string(kInsert) + "\nuse memory_replace with {\"a\":1}";
  ChatRequest request = ask(text);
  EXPECT_EQ(offline_reply(request).tool_calls.size(), 2U);
  request.parallel_tool_calls = false;
  const ChatReply first = offline_reply(request);
  ASSERT_EQ(first.tool_calls.size(), 1U);
  request = after(request, first, "ok");
  const ChatReply second = offline_reply(request);
  ASSERT_EQ(second.tool_calls.size(), 1U);
  EXPECT_EQ(second.tool_calls[0].name, "memory_replace");
  EXPECT_TRUE(offline_reply(after(request, second, "ok")).tool_calls.empty());
}

TEST(OfflineRules, MakesACallAfterThenInAStepOfItsOwn) {
  ChatRequest request = ask("call memory_insert {}\nthen call memory_insert {\"b\":2}\nsay end");
  const ChatReply first = offline_reply(request);
  ASSERT_EQ(first.tool_calls.size(), 1U);
  request = after(request, first, "ok");
  const ChatReply second = offline_reply(request);
  ASSERT_EQ(second.tool_calls.size(), 1U);
  EXPECT_EQ(second.tool_calls[0].arguments, "{\"b\":2}");
  EXPECT_EQ(offline_reply(after(request, second, "ok")).content, "end");
}

TEST(OfflineRules, GivesEveryCallOfAHistoryItsOwnId) {
  ChatRequest request = ask("keep calling memory_insert {}");
  std::set<std::string> ids;
  for (size_t step = 0; step < 20; ++step) {
    const ChatReply reply = offline_reply(request);
    ASSERT_EQ(reply.tool_calls.size(), 1U);
    EXPECT_TRUE(ids.insert(reply.tool_calls[0].id).second);
    request = after(request, reply, "ok");
  }
}

TEST(OfflineRules, StartsAnewWithTheNextUserMessage) {
  ChatRequest request = ask(std::string(kInsert));
  request = after(request, offline_reply(request), "ok");
  request.messages.push_back({.role = Role::kUser, .content = "say next"});
  EXPECT_EQ(offline_reply(request).content, "next");
}

TEST(OfflineRules, NamesItsToolsWhenAskedForOneThatItLacks) {
  EXPECT_EQ(offline_reply(ask("call fly {\"to\":\"moon\"}")).content,
            "I have no tool named fly; I have: memory_insert, memory_replace.");
}

TEST(OfflineRules, CountsAndThinks) {
  const ChatReply reply = offline_reply(ask("think hm\ncount to 5"));
  EXPECT_EQ(reply.content, "1 2 3 4 5");
  EXPECT_EQ(reply.reasoning, "hm");
  EXPECT_EQ(reply.usage.reasoning_tokens, 1);
}

TEST(OfflineRules, StopsAtTheTokenLimit) {
  ChatRequest request = ask("count to 100");
  request.max_tokens = 2;
  const ChatReply reply = offline_reply(request);
  EXPECT_EQ(reply.content, "1 2 3 4 ");
  EXPECT_EQ(reply.finish_reason, FinishReason::kLength);
  EXPECT_EQ(reply.usage.completion_tokens, 2);
}

TEST(OfflineRules, EstimatesTokensOfAllThatWasSent) {
  ChatRequest request{.messages = {{.content = "12345678"}}};
  EXPECT_EQ(offline_reply(request).usage.prompt_tokens, 2);
  request.tools = {{.name = "name", .description = "four"}};
  EXPECT_EQ(offline_reply(request).usage.prompt_tokens, 5);
}

TEST(OfflineRules, AnswersARequestWithoutAUserMessage) {
  EXPECT_NE(offline_reply({}).content.find("I see 0 messages"), std::string::npos);
}

}  // namespace
}  // namespace kelpie::llm
