#include "llm/offline_server.h"

#include <gtest/gtest.h>

#include <memory>

#include "codec/json.h"
#include "llm/json_fields.h"
#include "net/testing/test_world.h"

namespace kelpie::llm {
namespace {

struct Answer {
  int status = 0;
  std::string body;
  std::string content_type;
};

Task<std::string> drain(net::BodySource& source) {
  std::string all;
  while (true) {
    std::optional<std::string> piece = co_await source.next();
    if (!piece) {
      co_return all;
    }
    all.append(*piece);
  }
}

class OfflineServer : public ::testing::Test {
 protected:
  Answer send(std::string method, std::string path, std::string body = "") {
    net::Response response =
        world_.loop
            .run(handler_.handle(
                {.method = std::move(method), .path = std::move(path), .body = std::move(body)}))
            .value();
    if (response.stream != nullptr) {
      response.body = world_.loop.run(drain(*response.stream)).value();
    }
    const std::string* type = net::find_header(response.headers, "content-type");
    return {response.status, response.body, type == nullptr ? "" : *type};
  }
  Answer chat(std::string text, std::string rest = "") {
    boost::json::object message({{"role", "user"}, {"content", text}});
    return send(
        "POST", "/v1/chat/completions",
        "{\"model\":\"offline\",\"messages\":[" + codec::write_json(message) + "]" + rest + "}");
  }
  static std::string error_code(const Answer& answer) {
    const auto parsed = codec::parse_json(answer.body).value();
    const auto* error = object_field(parsed.as_object(), "error");
    EXPECT_NE(error, nullptr) << answer.body;
    return error == nullptr ? "" : std::string(string_field(*error, "code").value_or(""));
  }

  net::testing::TestWorld world_;
  OfflineModelHandler handler_{world_.world};
};

TEST_F(OfflineServer, ListsItsModelUnderBothPathsAndSlashForms) {
  for (const std::string path : {"/v1/models", "/models", "/v1/models/"}) {
    const Answer answer = send("GET", path);
    EXPECT_EQ(answer.status, 200);
    const auto parsed = codec::parse_json(answer.body).value();
    const auto* data = array_field(parsed.as_object(), "data");
    ASSERT_NE(data, nullptr) << answer.body;
    ASSERT_EQ(data->size(), 1U);
    EXPECT_EQ(string_field(data->front().as_object(), "id"), "offline");
  }
}

TEST_F(OfflineServer, DescribesItsModelAndNoOther) {
  EXPECT_EQ(send("GET", "/v1/models/offline").status, 200);
  EXPECT_EQ(send("GET", "/v1/models/kelpie%2Foffline").status, 200);
  const Answer other = send("GET", "/v1/models/gpt-x");
  EXPECT_EQ(other.status, 404);
  EXPECT_EQ(error_code(other), "model_not_found");
}

TEST_F(OfflineServer, CompletesAChat) {
  const Answer answer = chat("say hi");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.content_type, "application/json");
  const auto reply = decode_reply(answer.body, "x");
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply.value().content, "hi");
  EXPECT_GT(reply.value().usage.prompt_tokens, 0);
}

TEST_F(OfflineServer, StreamsRoleWordsReasonAndTheEnd) {
  const Answer answer = chat("say one two", R"(,"stream":true)");
  EXPECT_EQ(answer.content_type, "text/event-stream");
  const size_t role = answer.body.find(R"("delta":{"role":"assistant","content":""})");
  const size_t one = answer.body.find(R"("delta":{"content":"one "})");
  const size_t two = answer.body.find(R"("delta":{"content":"two"})");
  const size_t end = answer.body.find(R"("delta":{},"logprobs":null,"finish_reason":"stop")");
  EXPECT_LT(role, one);
  EXPECT_LT(one, two);
  EXPECT_LT(two, end);
  EXPECT_NE(end, std::string::npos);
  EXPECT_TRUE(answer.body.ends_with("data: [DONE]\n\n"));
  EXPECT_EQ(answer.body.find("usage"), std::string::npos);
}

TEST_F(OfflineServer, StreamsUsageWhenAsked) {
  const Answer answer = chat("say x", R"(,"stream":true,"stream_options":{"include_usage":true})");
  EXPECT_NE(answer.body.find(R"("choices":[],"usage":{"prompt_tokens":)"), std::string::npos);
}

TEST_F(OfflineServer, AnswersMistakesInOpenAisShape) {
  EXPECT_EQ(send("POST", "/v1/chat/completions", "{").status, 400);
  EXPECT_EQ(send("GET", "/v1/chat/completions").status, 405);
  EXPECT_EQ(send("POST", "/v1/models").status, 405);
  EXPECT_EQ(send("GET", "/v1/unknown").status, 404);
  EXPECT_EQ(send("GET", "/").status, 404);
  const Answer model = send("POST", "/chat/completions",
                            R"({"model":"gpt-x","messages":[{"role":"user","content":"x"}]})");
  EXPECT_EQ(model.status, 404);
  EXPECT_EQ(error_code(model), "model_not_found");
  EXPECT_EQ(handler_.reject(413, "too large").body,
            R"({"error":{"message":"too large","type":"invalid_request_error","param":null,)"
            R"("code":null}})");
}

TEST_F(OfflineServer, FailsAsOftenAsTold) {
  EXPECT_EQ(chat("fail with 503 twice\nsay ok").status, 503);
  EXPECT_EQ(chat("fail with 503 twice\nsay ok").status, 503);
  EXPECT_EQ(chat("fail with 503 twice\nsay ok").status, 200);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(chat("fail with 500").status, 500);
  }
  EXPECT_EQ(error_code(chat("fail with context")), "context_length_exceeded");
  EXPECT_EQ(error_code(chat("fail with 429")), "rate_limit_exceeded");
}

TEST_F(OfflineServer, ForgetsTheOldestConversationsThatItFailed) {
  EXPECT_EQ(chat("fail with 500 once").status, 500);
  for (size_t i = 0; i < OfflineModelHandler::kAttemptsKept; ++i) {
    chat("fail with 500 once\n" + std::to_string(i));
  }
  EXPECT_EQ(chat("fail with 500 once").status, 500);
}

}  // namespace
}  // namespace kelpie::llm
