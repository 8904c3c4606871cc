#include "llm/openai_serve.h"

#include <gtest/gtest.h>

#include "llm/openai_stream.h"
#include "llm/recording_sink_test.h"

namespace kelpie::llm {
namespace {

TEST(OpenAiServe, ReadsWhatTheCodecWrites) {
  const ChatRequest request{
      .model = "offline",
      .messages = {{.role = Role::kSystem, .content = "sys"},
                   {.role = Role::kUser, .content = "hi"},
                   {.role = Role::kAssistant,
                    .tool_calls = {{.id = "c1", .name = "f", .arguments = "{\"a\":1}"}}},
                   {.role = Role::kTool, .content = "ok", .tool_call_id = "c1"}},
      .tools = {{.name = "f", .description = "does f", .parameters = {{"type", "object"}}}},
      .parallel_tool_calls = false,
      .max_tokens = 5};
  const auto decoded =
      decode_completion_request(encode_request(request, {.streaming = Streaming::kYes}));
  ASSERT_TRUE(decoded.request.has_value());
  EXPECT_EQ(decoded.request->streaming, Streaming::kYes);
  EXPECT_EQ(decoded.request->usage_chunk, UsageChunk::kYes);
  EXPECT_EQ(encode_request(decoded.request->chat, {}), encode_request(request, {}));
}

TEST(OpenAiServe, SaysWhichFieldIsWrong) {
  const auto param = [](std::string_view body) {
    const auto decoded = decode_completion_request(body);
    EXPECT_FALSE(decoded.request.has_value()) << body;
    EXPECT_EQ(decoded.error.status, 400);
    return decoded.error.param;
  };
  EXPECT_EQ(param("{"), "");
  EXPECT_EQ(param("[]"), "");
  EXPECT_EQ(param("{}"), "model");
  EXPECT_EQ(param(R"({"model":"m"})"), "messages");
  EXPECT_EQ(param(R"({"model":"m","messages":[]})"), "messages");
  EXPECT_EQ(param(R"({"model":"m","messages":[7]})"), "messages[0]");
  EXPECT_EQ(param(R"({"model":"m","messages":[{"role":"king"}]})"), "messages[0].role");
  EXPECT_EQ(param(R"({"model":"m","messages":[{"role":"user","content":7}]})"),
            "messages[0].content");
  EXPECT_EQ(param(R"({"model":"m","messages":[{"role":"tool","content":"x"}]})"),
            "messages[0].tool_call_id");
  EXPECT_EQ(param(R"({"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{}]})"),
            "tools[0].function.name");
  EXPECT_EQ(param(R"({"model":"m","messages":[{"role":"user","content":"x"}],"n":2})"), "n");
  EXPECT_EQ(param(R"({"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":0})"),
            "max_tokens");
}

TEST(OpenAiServe, WritesErrorsInOpenAisShape) {
  EXPECT_EQ(
      encode_served_error({.message = "no", .param = "model"}),
      R"({"error":{"message":"no","type":"invalid_request_error","param":"model","code":null}})");
}

ChatReply reply_with_calls() {
  return {.reasoning = "think it over",
          .tool_calls = {{.id = "a", .name = "f", .arguments = R"({"label":"human","n":[1,2,3]})"},
                         {.id = "b", .name = "g", .arguments = "{}"}},
          .finish_reason = FinishReason::kToolCalls,
          .usage = {.prompt_tokens = 3, .completion_tokens = 4, .reasoning_tokens = 2}};
}

TEST(OpenAiServe, WritesAnAnswerThatTheCodecReads) {
  const ChatReply reply = reply_with_calls();
  const auto read = decode_reply(encode_completion({.id = "x", .model = "m"}, reply), "gen");
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read.value().tool_calls, reply.tool_calls);
  EXPECT_EQ(read.value().reasoning, reply.reasoning);
  EXPECT_EQ(read.value().usage.completion_tokens, 4);
  EXPECT_EQ(read.value().usage.reasoning_tokens, 2);
}

TEST(OpenAiServe, WritesChunksThatTheAssemblerReads) {
  const ChatReply reply = reply_with_calls();
  const auto chunks = encode_chunks({.id = "x", .model = "m"}, reply, UsageChunk::kYes);
  RecordingSink sink;
  StreamAssembler assembler(sink, "gen");
  EXPECT_NE(chunks.front().find("\"role\":\"assistant\""), std::string::npos);
  for (const std::string& chunk : chunks) {
    ASSERT_TRUE(assembler.on_data(chunk).ok());
  }
  const auto read = assembler.finish();
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read.value().tool_calls, reply.tool_calls);
  EXPECT_EQ(sink.calls, reply.tool_calls);
  EXPECT_EQ(sink.reasoning, reply.reasoning);
  EXPECT_EQ(read.value().usage.prompt_tokens, 3);
}

TEST(OpenAiServe, SendsNoUsageUnasked) {
  for (const std::string& chunk :
       encode_chunks({.id = "x", .model = "m"}, {.content = "hello there"}, UsageChunk::kNo)) {
    EXPECT_EQ(chunk.find("usage"), std::string::npos);
  }
}

}  // namespace
}  // namespace kelpie::llm
