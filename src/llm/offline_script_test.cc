#include "llm/offline_script.h"

#include <gtest/gtest.h>

namespace kelpie::llm {
namespace {

std::vector<ToolSpec> tools() { return {{.name = "memory_insert"}, {.name = "web.search-2"}}; }

TEST(OfflineScript, ReadsACallWithTheArgumentsAsTheyAreWritten) {
  const auto script = parse_script(
      "hello\ncall memory_insert { \"label\" : \"human\", \"new_string\": \"Likes {tea}\" }!",
      tools());
  ASSERT_EQ(script.calls.size(), 1U);
  EXPECT_EQ(script.calls[0].name, "memory_insert");
  EXPECT_EQ(script.calls[0].arguments, R"({ "label" : "human", "new_string": "Likes {tea}" })");
}

TEST(OfflineScript, ReadsUseWithAndBackticksAndArgumentsOverSeveralLines) {
  const auto script =
      parse_script("Please use `web.search-2` with: {\n \"q\": \"a\nb\"\n} now", tools());
  ASSERT_EQ(script.calls.size(), 1U);
  EXPECT_EQ(script.calls[0].name, "web.search-2");
  EXPECT_EQ(script.calls[0].arguments, "{\n \"q\": \"a\nb\"\n}");
}

TEST(OfflineScript, ReadsSeveralCallsAndWhichBeginsAStep) {
  const auto script = parse_script(
      "call memory_insert {\"a\":1}\ncall memory_insert {\"a\":2}\nthen call memory_insert {}\n"
      "keep calling web.search-2 {}",
      tools());
  ASSERT_EQ(script.calls.size(), 4U);
  EXPECT_EQ(script.calls[1].turn, CallTurn::kTogether);
  EXPECT_EQ(script.calls[2].turn, CallTurn::kNextStep);
  EXPECT_EQ(script.calls[3].turn, CallTurn::kEveryStep);
}

TEST(OfflineScript, TakesProseThatMentionsAToolAsProse) {
  EXPECT_TRUE(parse_script("You may want to use memory_insert for that.", tools()).calls.empty());
  EXPECT_TRUE(parse_script("call me tomorrow", tools()).calls.empty());
  EXPECT_EQ(parse_script("call memory_insert.", tools()).calls.size(), 1U);
}

TEST(OfflineScript, KeepsMalformedArgumentsToTheEndOfTheLine) {
  const auto script = parse_script("call memory_insert {\"label\": \nsay done", tools());
  ASSERT_EQ(script.calls.size(), 1U);
  EXPECT_EQ(script.calls[0].arguments, "{\"label\":");
  EXPECT_EQ(script.say, "done");
}

TEST(OfflineScript, NamesAToolThatTheRequestLacks) {
  const auto script = parse_script("call nothing {\"a\":1}", tools());
  EXPECT_TRUE(script.calls.empty());
  EXPECT_EQ(script.unknown_tools, std::vector<std::string>{"nothing"});
}

TEST(OfflineScript, DoesNotObeyWhatSayQuotes) {
  const auto script = parse_script("Say call memory_insert {\"a\":1}\nsay  two ", tools());
  EXPECT_TRUE(script.calls.empty());
  EXPECT_EQ(script.say, "call memory_insert {\"a\":1}\ntwo");
}

TEST(OfflineScript, ReadsQuestionsCountsAndThoughts) {
  EXPECT_EQ(parse_script("So, what do you REMEMBER?", {}).question, OfflineQuestion::kAllMemory);
  EXPECT_EQ(parse_script("Show me your system prompt", {}).question,
            OfflineQuestion::kSystemPrompt);
  EXPECT_EQ(parse_script("what is in your \"human\" block?", {}).label, "human");
  EXPECT_EQ(parse_script("What is in persona", {}).label, "persona");
  EXPECT_EQ(parse_script("what is in ?", {}).question, OfflineQuestion::kNone);
  EXPECT_EQ(parse_script("count to 30", {}).count_to, 30);
  EXPECT_FALSE(parse_script("count to ten", {}).count_to);
  EXPECT_EQ(parse_script("think first A\nthink then B", {}).reasoning, "first A\nthen B");
}

TEST(OfflineScript, SurvivesTextThatEndsAnywhere) {
  const std::string text =
      "then call memory_insert with: {\"a\":\"b\"}\nsay x\nwhat is in the human block?";
  for (size_t i = 0; i <= text.size(); ++i) {
    const auto script = parse_script(std::string_view(text).substr(0, i), tools());
    EXPECT_LE(script.calls.size(), 1U);
  }
}

TEST(OfflineFaults, ReadsStatusTimesAndRetryAfter) {
  const auto fault = parse_fault("hi\nfail with 429 once retry-after 7\nfail with 500");
  EXPECT_EQ(fault.fault, OfflineFault::kStatus);
  EXPECT_EQ(fault.status, 429);
  EXPECT_EQ(fault.times, 1);
  EXPECT_EQ(fault.retry_after_seconds, 7);
  EXPECT_EQ(parse_fault("Fail with cut twice").times, 2);
  EXPECT_EQ(parse_fault("fail with timeout").fault, OfflineFault::kTimeout);
  EXPECT_FALSE(parse_fault("fail with timeout").times);
}

TEST(OfflineFaults, IgnoresWhatIsNoFault) {
  for (const std::string_view text : {"", "fail with", "fail with 200", "fail with grace",
                                      "do not fail with 500", "fail with 99999999999999999999"}) {
    EXPECT_EQ(parse_fault(text).fault, OfflineFault::kNone) << text;
  }
}

}  // namespace
}  // namespace kelpie::llm
