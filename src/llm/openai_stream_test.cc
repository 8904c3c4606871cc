#include "llm/openai_stream.h"

#include <gtest/gtest.h>

#include "llm/recording_sink_test.h"

namespace kelpie::llm {
namespace {

struct Assembled {
  RecordingSink sink;
  StreamAssembler assembler{sink, "gen"};

  void feed(std::string_view data) {
    const auto taken = assembler.on_data(data);
    ASSERT_TRUE(taken.ok()) << taken.error().to_string();
  }
  void delta(std::string_view json) {
    feed(R"({"choices":[{"index":0,"delta":)" + std::string(json) + "}]}");
  }
  void end(std::string_view reason) {
    feed(R"({"choices":[{"index":0,"delta":{},"finish_reason":")" + std::string(reason) + "\"}]}");
  }
};

TEST(StreamAssembler, PutsOpenAisTextTogether) {
  Assembled it;
  it.delta(R"({"role":"assistant","content":"","refusal":null})");
  EXPECT_FALSE(it.assembler.emitted());
  it.delta(R"({"content":"Hel"})");
  it.delta(R"({"content":"lo"})");
  EXPECT_TRUE(it.assembler.emitted());
  EXPECT_FALSE(it.assembler.complete());
  it.end("stop");
  EXPECT_TRUE(it.assembler.complete());
  it.feed(R"({"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2}})");
  it.feed("[DONE]");
  EXPECT_TRUE(it.assembler.ended());
  const auto reply = it.assembler.finish();
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply.value().content, "Hello");
  EXPECT_EQ(it.sink.text, "Hello");
  EXPECT_EQ(reply.value().usage.prompt_tokens, 5);
  EXPECT_TRUE(it.assembler.has_usage());
}

TEST(StreamAssembler, PutsCallFragmentsTogetherByIndex) {
  Assembled it;
  it.delta(R"({"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f",)"
           R"("arguments":""}}]})");
  it.delta(R"({"tool_calls":[{"index":0,"function":{"arguments":"{\"x\""}}]})");
  it.delta(R"({"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g",)"
           R"("arguments":""}}]})");
  it.delta(R"({"tool_calls":[{"index":1,"function":{"arguments":"{}"}},{"index":0,)"
           R"("function":{"arguments":":1}"}}]})");
  it.end("tool_calls");
  const auto reply = it.assembler.finish();
  ASSERT_TRUE(reply.ok());
  const std::vector<ToolCall> expected = {{.id = "a", .name = "f", .arguments = "{\"x\":1}"},
                                          {.id = "b", .name = "g", .arguments = "{}"}};
  EXPECT_EQ(reply.value().tool_calls, expected);
  EXPECT_EQ(it.sink.calls, expected);
  EXPECT_EQ(reply.value().finish_reason, FinishReason::kToolCalls);
}

TEST(StreamAssembler, TellsWholeCallsApartThatShareAnIndex) {
  Assembled it;
  it.delta(R"({"content":"","tool_calls":[{"id":"call_1","index":0,"type":"function",)"
           R"("function":{"name":"f","arguments":"{}"}}]})");
  it.delta(R"({"content":"","tool_calls":[{"id":"call_2","index":0,"type":"function",)"
           R"("function":{"name":"f","arguments":"{\"a\":1}"}}]})");
  it.end("stop");
  const auto reply = it.assembler.finish();
  ASSERT_TRUE(reply.ok());
  ASSERT_EQ(reply.value().tool_calls.size(), 2U);
  EXPECT_EQ(reply.value().tool_calls[1].arguments, "{\"a\":1}");
  EXPECT_EQ(reply.value().finish_reason, FinishReason::kToolCalls);
}

TEST(StreamAssembler, GivesIdsAndIndexesThatAServerLeftOut) {
  Assembled it;
  it.delta(R"({"tool_calls":[{"function":{"name":"f","arguments":"{\"a\""}}]})");
  it.delta(R"({"tool_calls":[{"function":{"arguments":":1}"}}]})");
  it.delta(R"({"tool_calls":[{"function":{"name":"g","arguments":{"b":2}}}]})");
  it.feed("[DONE]");
  const auto reply = it.assembler.finish();
  ASSERT_TRUE(reply.ok());
  const std::vector<ToolCall> expected = {{.id = "gen_0", .name = "f", .arguments = "{\"a\":1}"},
                                          {.id = "gen_1", .name = "g", .arguments = "{\"b\":2}"}};
  EXPECT_EQ(reply.value().tool_calls, expected);
  EXPECT_EQ(it.sink.calls, expected);
}

TEST(StreamAssembler, AcceptsAnIdThatEveryFragmentRepeats) {
  Assembled it;
  it.delta(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]})");
  it.delta(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"}"}}]})");
  it.end("tool_calls");
  const auto reply = it.assembler.finish();
  ASSERT_TRUE(reply.ok());
  ASSERT_EQ(reply.value().tool_calls.size(), 1U);
  EXPECT_EQ(reply.value().tool_calls[0].arguments, "{}");
}

TEST(StreamAssembler, HearsReasoningUnderBothNames) {
  Assembled it;
  it.delta(R"({"reasoning_content":"first "})");
  it.delta(R"({"reasoning":"second"})");
  it.delta(R"({"content":"x"})");
  it.end("length");
  const auto reply = it.assembler.finish();
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply.value().reasoning, "first second");
  EXPECT_EQ(it.sink.reasoning, "first second");
  EXPECT_EQ(reply.value().finish_reason, FinishReason::kLength);
}

TEST(StreamAssembler, PassesOverSignsOfLife) {
  Assembled it;
  it.feed("{}");
  it.feed(R"({"choices":[]})");
  it.feed("");
  EXPECT_FALSE(it.assembler.emitted());
  EXPECT_EQ(it.assembler.finish().error().code, Code::kUnavailable);
}

TEST(StreamAssembler, IsNotCompleteWithoutAnEnd) {
  Assembled it;
  it.delta(R"({"content":"half"})");
  EXPECT_EQ(it.assembler.finish().error().code, Code::kUnavailable);
}

TEST(StreamAssembler, RefusesChunksThatAreNotJson) {
  for (const std::string_view data : {"{\"choices\": [{", "[]", "7", "hello"}) {
    Assembled it;
    EXPECT_EQ(it.assembler.on_data(data).error().code, Code::kDataLoss) << data;
  }
}

TEST(StreamAssembler, ReturnsTheErrorThatAStreamCarries) {
  Assembled it;
  EXPECT_EQ(it.assembler.on_data(R"({"error":{"message":"boom","type":"server_error"}})").error(),
            base::unavailable("the model's server answered 500: boom"));
  EXPECT_EQ(
      it.assembler
          .on_data(
              R"({"error":{"message":"maximum context length","type":"invalid_request_error"}})")
          .error()
          .code,
      Code::kOutOfRange);
}

}  // namespace
}  // namespace kelpie::llm
