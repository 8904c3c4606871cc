#include "llm/openai_codec.h"

#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace kelpie::llm {
namespace {

TEST(OpenAiEncode, WritesARequestWithToolsAndTheirResults) {
  const ChatRequest request{
      .model = "gpt-x",
      .messages = {{.role = Role::kSystem, .content = "Be brief."},
                   {.role = Role::kUser, .content = "hi"},
                   {.role = Role::kAssistant,
                    .tool_calls = {{.id = "c1", .name = "f", .arguments = "{\"a\":1}"},
                                   {.id = "c2", .name = "g"}}},
                   {.role = Role::kTool, .content = "ok", .tool_call_id = "c1"}},
      .tools = {{.name = "f", .description = "does f", .parameters = {{"type", "object"}}},
                {.name = "g"}},
      .parallel_tool_calls = false,
      .max_tokens = 7,
      .temperature = 0.5};
  EXPECT_EQ(encode_request(request, {}),
            R"({"model":"gpt-x","messages":[{"role":"system","content":"Be brief."},)"
            R"({"role":"user","content":"hi"},{"role":"assistant","content":null,"tool_calls":[)"
            R"({"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},)"
            R"({"id":"c2","type":"function","function":{"name":"g","arguments":"{}"}}]},)"
            R"({"role":"tool","content":"ok","tool_call_id":"c1"}],"tools":[{"type":"function",)"
            R"("function":{"name":"f","description":"does f","parameters":{"type":"object"}}},)"
            R"({"type":"function","function":{"name":"g","parameters":{"type":"object",)"
            R"("properties":{}}}}],"parallel_tool_calls":false,"max_tokens":7,"temperature":0.5})");
}

TEST(OpenAiEncode, AsksForUsageInAStreamAndNamesTheLimitAsToldTo) {
  const ChatRequest request{.model = "m", .messages = {{.content = "x"}}, .max_tokens = 9};
  EXPECT_EQ(encode_request(request, {.streaming = Streaming::kYes,
                                     .token_limit = TokenLimitField::kMaxCompletionTokens}),
            R"({"model":"m","messages":[{"role":"user","content":"x"}],"max_completion_tokens":9,)"
            R"("stream":true,"stream_options":{"include_usage":true}})");
}

TEST(OpenAiDecode, ReadsOpenAisAnswer) {
  const auto reply = decode_reply(
      R"({"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-x","choices":[
          {"index":0,"message":{"role":"assistant","content":"Hello","refusal":null,
           "annotations":[]},"logprobs":null,"finish_reason":"stop"}],
          "usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,
           "prompt_tokens_details":{"cached_tokens":16,"audio_tokens":0},
           "completion_tokens_details":{"reasoning_tokens":4}},"service_tier":"default"})",
      "call");
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply.value().content, "Hello");
  EXPECT_EQ(reply.value().finish_reason, FinishReason::kStop);
  EXPECT_EQ(reply.value().usage.prompt_tokens, 19);
  EXPECT_EQ(reply.value().usage.completion_tokens, 10);
  EXPECT_EQ(reply.value().usage.cached_input_tokens, 16);
  EXPECT_EQ(reply.value().usage.reasoning_tokens, 4);
}

TEST(OpenAiDecode, FillsInIdsAndReasonsThatAServerLeftOut) {
  const auto reply = decode_reply(
      R"({"choices":[{"message":{"content":null,"tool_calls":[
          {"function":{"name":"f","arguments":{"a":[1]}}},
          {"id":"","type":"function","function":{"name":"g"}}]},"finish_reason":"stop"}]})",
      "call_77");
  ASSERT_TRUE(reply.ok());
  const std::vector<ToolCall> expected = {
      {.id = "call_77_0", .name = "f", .arguments = R"({"a":[1]})"},
      {.id = "call_77_1", .name = "g"}};
  EXPECT_EQ(reply.value().tool_calls, expected);
  EXPECT_EQ(reply.value().finish_reason, FinishReason::kToolCalls);
  EXPECT_EQ(reply.value().usage.prompt_tokens, 0);
}

TEST(OpenAiDecode, ReadsReasoningPartsRefusalsAndTheOldFunctionCall) {
  const auto with = [](std::string message) {
    return decode_reply("{\"choices\":[{\"message\":" + message + "}]}", "c").value();
  };
  EXPECT_EQ(with(R"({"content":"x","reasoning_content":"hm"})").reasoning, "hm");
  EXPECT_EQ(with(R"({"content":"x","reasoning":"so"})").reasoning, "so");
  EXPECT_EQ(with(R"({"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]})").content,
            "ab");
  EXPECT_EQ(with(R"({"content":null,"refusal":"No."})").content, "No.");
  const ChatReply old = with(R"({"content":null,"function_call":{"name":"f","arguments":"{}"}})");
  ASSERT_EQ(old.tool_calls.size(), 1U);
  EXPECT_EQ(old.tool_calls[0].id, "c_0");
}

TEST(OpenAiDecode, KeepsTheReasonOfACutAnswer) {
  const auto reply =
      decode_reply(R"({"choices":[{"message":{"tool_calls":[{"id":"a","function":{"name":"f",)"
                   R"("arguments":"{\"x"}}]},
          "finish_reason":"length"}]})",
                   "c");
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply.value().finish_reason, FinishReason::kLength);
}

TEST(OpenAiDecode, RefusesWhatIsNoCompletion) {
  for (const std::string_view body :
       {"", "not json", "{\"choices\": [{", "[]", "{}", "{\"choices\":[]}", "{\"choices\":[1]}",
        "{\"choices\":[{}]}", "{\"choices\":[{\"message\":null}]}", "{\"choices\":{}}"}) {
    const auto reply = decode_reply(body, "c");
    ASSERT_FALSE(reply.ok()) << body;
    EXPECT_EQ(reply.error().code, Code::kDataLoss) << body;
  }
}

TEST(OpenAiDecode, ReadsAnErrorInsideASuccess) {
  const auto reply = decode_reply(R"({"error":{"message":"slow down","code":429}})", "c");
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().code, Code::kResourceExhausted);
}

TEST(OpenAiErrors, MapsStatusesToCodes) {
  const auto code = [](int status) { return decode_error(status, "{}").code; };
  EXPECT_EQ(code(400), Code::kInvalidArgument);
  EXPECT_EQ(code(401), Code::kUnauthenticated);
  EXPECT_EQ(code(402), Code::kResourceExhausted);
  EXPECT_EQ(code(403), Code::kUnauthenticated);
  EXPECT_EQ(code(404), Code::kInvalidArgument);
  EXPECT_EQ(code(408), Code::kUnavailable);
  EXPECT_EQ(code(422), Code::kInvalidArgument);
  EXPECT_EQ(code(429), Code::kResourceExhausted);
  EXPECT_EQ(code(500), Code::kUnavailable);
  EXPECT_EQ(code(529), Code::kUnavailable);
}

TEST(OpenAiErrors, KnowsAFullContextWindowByWhatServersSay) {
  for (const std::string_view body :
       {R"({"error":{"message":"x","code":"context_length_exceeded"}})",
        R"({"object":"error","message":"This model's maximum context length is 4096 tokens."})",
        R"({"error":"the request exceeds the available context size"})"}) {
    EXPECT_EQ(decode_error(400, body).code, Code::kOutOfRange) << body;
  }
}

TEST(OpenAiErrors, QuotesWhatTheServerSaidWithinABound) {
  EXPECT_EQ(decode_error(500, R"({"error":{"message":"boom"}})").message,
            "the model's server answered 500: boom");
  EXPECT_EQ(decode_error(404, R"({"error":"model not found"})").message,
            "the model's server answered 404: model not found");
  EXPECT_EQ(decode_error(422, R"({"detail":"bad"})").message,
            "the model's server answered 422: bad");
  EXPECT_EQ(decode_error(502, "<html>").message, "the model's server answered 502: <html>");
  EXPECT_EQ(decode_error(503, "").message, "the model's server answered 503");
  EXPECT_LT(decode_error(500, std::string(100'000, 'x')).message.size(), 600U);
}

TEST(OpenAiErrors, TellsAnEmptyAccountFromABusyMoment) {
  EXPECT_TRUE(is_quota_error(R"({"error":{"code":"insufficient_quota","message":"pay"}})"));
  EXPECT_FALSE(is_quota_error(R"({"error":{"code":"rate_limit_exceeded"}})"));
  EXPECT_FALSE(is_quota_error("busy"));
}

TEST(OpenAiModels, ListsNamesInOrderWithTheirWindows) {
  const auto models = decode_models(
      R"({"object":"list","data":[{"id":"b","max_model_len":4096},{"id":"a"},{"id":"a"},{"x":1},
          {"id":"c","context_length":8192.0},7]})",
      10);
  ASSERT_TRUE(models.ok());
  ASSERT_EQ(models.value().size(), 3U);
  EXPECT_EQ(models.value()[0].name, "a");
  EXPECT_EQ(models.value()[0].context_window, 0);
  EXPECT_EQ(models.value()[1].context_window, 4096);
  EXPECT_EQ(models.value()[2].context_window, 8192);
  EXPECT_EQ(decode_models(R"({"data":[{"id":"a"},{"id":"b"}]})", 1).value().size(), 1U);
  EXPECT_EQ(decode_models("{}", 1).error().code, Code::kDataLoss);
}

}  // namespace
}  // namespace kelpie::llm
