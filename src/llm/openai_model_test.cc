#include "llm/openai_model.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>

#include "async/scope.h"
#include "async/select.h"
#include "llm/offline_server.h"
#include "llm/recording_sink_test.h"
#include "net/http_server.h"
#include "net/testing/test_world.h"

namespace kelpie::llm {
namespace {

constexpr std::string_view kKey = "sk-secret-0123456789";

class KeptLog final : public world::Log {
 public:
  [[nodiscard]] bool enabled(world::LogLevel) const override { return true; }
  void write(world::LogLevel, std::string_view event,
             std::initializer_list<world::LogField> fields) override {
    text.append(event);
    for (const world::LogField& field : fields) {
      text.append(" ").append(field.name).append("=").append(field.value);
    }
    text.push_back('\n');
  }
  std::string text;
};

// Pieces, then a cut.
class CutBody final : public net::BodySource {
 public:
  explicit CutBody(std::deque<std::string> pieces) : pieces_(std::move(pieces)) {}
  Task<std::optional<std::string>> next() override {
    if (pieces_.empty()) {
      co_return base::unavailable("cut");
    }
    std::optional<std::string> piece(std::move(pieces_.front()));
    pieces_.pop_front();
    co_return std::move(piece);
  }

 private:
  std::deque<std::string> pieces_;
};

// The offline model's server, but for answers that a test puts before it.
class Front final : public net::Handler {
 public:
  explicit Front(World& world) : offline_(world) {}
  Task<net::Response> handle(net::Request request) override {
    ++requests;
    last = request;
    if (!canned.empty()) {
      net::Response response = std::move(canned.front());
      canned.pop_front();
      co_return std::move(response);
    }
    co_return co_await offline_.handle(std::move(request));
  }
  net::Response reject(int status, std::string_view reason) override {
    return offline_.reject(status, reason);
  }

  std::deque<net::Response> canned;
  size_t requests = 0;
  net::Request last;

 private:
  OfflineModelHandler offline_;
};

net::Response json(int status, std::string body) {
  return {
      .status = status, .headers = {{"content-type", "application/json"}}, .body = std::move(body)};
}
net::Response events(std::string body) {
  return {.headers = {{"content-type", "text/event-stream"}}, .body = std::move(body)};
}

class OpenAiModelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    listener_ = loop().run(base_.net.listen({.host = "model.test", .port = 8080})).value();
    serving_.spawn(server_.serve(*listener_));
  }
  void TearDown() override { serving_.cancel(); }

  async::ManualLoop& loop() { return base_.loop; }
  OpenAiModel model(std::string base_url = "http://model.test:8080/v1/") {
    return OpenAiModel(world_, client_,
                       {.base_url = std::move(base_url),
                        .api_key = std::string(kKey),
                        .request_timeout = Duration::seconds(5)});
  }
  static ChatRequest ask(std::string text) {
    return {.model = "offline",
            .messages = {{.role = Role::kUser, .content = std::move(text)}},
            .tools = {{.name = "memory_insert"}}};
  }
  Result<ChatReply> complete(std::string text) {
    OpenAiModel asked = model();
    return timed(asked.complete(ask(std::move(text)), nullptr));
  }
  Result<ChatReply> stream(std::string text) {
    OpenAiModel asked = model();
    return timed(asked.complete(ask(std::move(text)), &sink_));
  }
  Result<ChatReply> timed(Task<ChatReply> task) {
    const Instant start = loop().now();
    auto reply = loop().run(std::move(task));
    elapsed_ = loop().now() - start;
    return reply;
  }

  net::testing::TestWorld base_;
  KeptLog log_;
  World world_{
      base_.loop, base_.clock, base_.rng, base_.net, log_, base_.faults, world::NodeName("test")};
  Front front_{world_};
  net::HttpServer server_{world_, front_, {}};
  net::HttpClient client_{world_, {}};
  std::unique_ptr<world::Listener> listener_;
  Scope serving_{base_.loop, nullptr};
  RecordingSink sink_;
  Duration elapsed_;
};

TEST_F(OpenAiModelTest, CompletesWithTheBearerKey) {
  const auto reply = complete("say hello");
  ASSERT_TRUE(reply.ok()) << reply.error().to_string();
  EXPECT_EQ(reply.value().content, "hello");
  EXPECT_GT(reply.value().usage.prompt_tokens, 0);
  EXPECT_EQ(front_.last.path, "/v1/chat/completions");
  EXPECT_EQ(*net::find_header(front_.last.headers, "authorization"), "Bearer " + std::string(kKey));
}

TEST_F(OpenAiModelTest, SendsNoAuthorizationWithoutAKey) {
  OpenAiModel keyless(world_, client_, {.base_url = "http://model.test:8080"});
  ASSERT_TRUE(loop().run(keyless.complete(ask("hi"), nullptr)).ok());
  EXPECT_EQ(net::find_header(front_.last.headers, "authorization"), nullptr);
}

TEST_F(OpenAiModelTest, StreamsDeltasThatTogetherAreTheReply) {
  const auto reply = stream("think hm\nsay one two three");
  ASSERT_TRUE(reply.ok()) << reply.error().to_string();
  EXPECT_EQ(reply.value().content, "one two three");
  EXPECT_EQ(sink_.text, "one two three");
  EXPECT_EQ(sink_.text_deltas, 3U);
  EXPECT_EQ(sink_.reasoning, "hm");
  EXPECT_GT(reply.value().usage.completion_tokens, 0);
}

TEST_F(OpenAiModelTest, BringsToolCallsEitherWay) {
  const std::string text = "call memory_insert {\"label\":\"human\",\"new_string\":\"Likes tea\"}";
  const auto whole = complete(text);
  const auto streamed = stream(text);
  ASSERT_TRUE(whole.ok() && streamed.ok());
  ASSERT_EQ(whole.value().tool_calls.size(), 1U);
  EXPECT_EQ(whole.value().tool_calls[0].arguments, R"({"label":"human","new_string":"Likes tea"})");
  EXPECT_EQ(streamed.value().tool_calls, whole.value().tool_calls);
  EXPECT_EQ(sink_.calls, whole.value().tool_calls);
  EXPECT_EQ(streamed.value().finish_reason, FinishReason::kToolCalls);
}

TEST_F(OpenAiModelTest, CarriesALongConversation) {
  const auto reply = complete("say " + std::string(1'000'000, 'x'));
  ASSERT_TRUE(reply.ok()) << reply.error().to_string();
  EXPECT_EQ(reply.value().content.size(), 1'000'000U);
}

TEST_F(OpenAiModelTest, WaitsAsLongAsRetryAfterSays) {
  const auto reply = complete("fail with 429 once retry-after 7\nsay ok");
  ASSERT_TRUE(reply.ok()) << reply.error().to_string();
  EXPECT_EQ(reply.value().content, "ok");
  EXPECT_EQ(front_.requests, 2U);
  EXPECT_EQ(elapsed_.seconds(), 7);
}

TEST_F(OpenAiModelTest, RetriesAStreamThatNeverBegan) {
  const auto reply = stream("fail with 503 twice\nsay ok");
  ASSERT_TRUE(reply.ok()) << reply.error().to_string();
  EXPECT_EQ(sink_.text, "ok");
  EXPECT_EQ(front_.requests, 3U);
}

TEST_F(OpenAiModelTest, BacksOffLongerEachTimeAndGivesUp) {
  const auto reply = complete("fail with 500");
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().code, Code::kUnavailable);
  EXPECT_EQ(front_.requests, 4U);
  EXPECT_GE(elapsed_, Duration::millis(250 + 500 + 1000));
  EXPECT_LE(elapsed_, Duration::millis(500 + 1000 + 2000));
}

TEST_F(OpenAiModelTest, DoesNotWaitForWhatIsTooFarOff) {
  const auto reply = complete("fail with 429 retry-after 3600");
  EXPECT_EQ(reply.error().code, Code::kResourceExhausted);
  EXPECT_EQ(front_.requests, 1U);
}

TEST_F(OpenAiModelTest, DoesNotRetryWhatWillNotGetBetter) {
  EXPECT_EQ(complete("fail with 400").error().code, Code::kInvalidArgument);
  EXPECT_EQ(complete("fail with 401").error().code, Code::kUnauthenticated);
  EXPECT_EQ(complete("fail with 402").error().code, Code::kResourceExhausted);
  EXPECT_EQ(complete("fail with context").error().code, Code::kOutOfRange);
  front_.canned.push_back(json(429, R"({"error":{"code":"insufficient_quota","message":"pay"}})"));
  EXPECT_EQ(complete("hi").error().code, Code::kResourceExhausted);
  EXPECT_EQ(front_.requests, 5U);
}

TEST_F(OpenAiModelTest, DoesNotRetryAStreamThatTheSinkHasHeard) {
  const auto reply = stream("fail with cut\nsay one two three");
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().code, Code::kUnavailable);
  EXPECT_EQ(sink_.text, "one ");
  EXPECT_EQ(front_.requests, 1U);
}

TEST_F(OpenAiModelTest, RetriesAStreamThatBrokeBeforeItsFirstDelta) {
  net::Response cut{.headers = {{"content-type", "text/event-stream"}}};
  cut.stream = std::make_unique<CutBody>(std::deque<std::string>{
      "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n"});
  front_.canned.push_back(std::move(cut));
  const auto reply = stream("say ok");
  ASSERT_TRUE(reply.ok()) << reply.error().to_string();
  EXPECT_EQ(sink_.text, "ok");
  EXPECT_EQ(front_.requests, 2U);
}

TEST_F(OpenAiModelTest, RetriesAWholeAnswerThatWasCut) {
  const auto reply = complete("fail with cut once\nsay ok");
  ASSERT_TRUE(reply.ok()) << reply.error().to_string();
  EXPECT_EQ(reply.value().content, "ok");
}

TEST_F(OpenAiModelTest, TakesAStreamWithoutDoneOnceItsEndHasAReason) {
  net::Response cut{.headers = {{"content-type", "text/event-stream"}}};
  cut.stream = std::make_unique<CutBody>(std::deque<std::string>{
      "data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\n"});
  front_.canned.push_back(std::move(cut));
  const auto reply = stream("hi");
  ASSERT_TRUE(reply.ok()) << reply.error().to_string();
  EXPECT_EQ(reply.value().content, "x");
}

TEST_F(OpenAiModelTest, CallsABrokenAnswerDataLossAndAsksOnce) {
  EXPECT_EQ(complete("fail with malformed").error().code, Code::kDataLoss);
  EXPECT_EQ(stream("fail with malformed").error().code, Code::kDataLoss);
  EXPECT_EQ(front_.requests, 2U);
}

TEST_F(OpenAiModelTest, GivesUpOnASilentServer) {
  EXPECT_EQ(complete("fail with timeout").error().code, Code::kDeadlineExceeded);
  EXPECT_EQ(elapsed_.seconds(), 5);
  EXPECT_EQ(stream("fail with timeout").error().code, Code::kDeadlineExceeded);
  EXPECT_EQ(elapsed_.seconds(), 5);
}

TEST_F(OpenAiModelTest, SaysWhenNothingListens) {
  OpenAiModel elsewhere = model("http://nowhere.test/v1");
  const auto reply = timed(elsewhere.complete(ask("hi"), nullptr));
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().code, Code::kUnavailable);
  EXPECT_EQ(base_.net.dials(), 4U);
}

TEST_F(OpenAiModelTest, RefusesABadBaseUrlWithoutRetry) {
  OpenAiModel elsewhere = model("gopher://model.test");
  EXPECT_EQ(timed(elsewhere.complete(ask("hi"), nullptr)).error().code, Code::kInvalidArgument);
  EXPECT_EQ(elapsed_.millis(), 0);
}

TEST_F(OpenAiModelTest, KeepsTheKeyOutOfErrorsAndLogs) {
  const std::string body =
      "{\"error\":{\"message\":\"Incorrect API key provided: " + std::string(kKey) + "\"}}";
  front_.canned.push_back(json(500, body));
  front_.canned.push_back(json(401, body));
  const auto reply = complete("hi");
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().message.find(kKey), std::string::npos) << reply.error().message;
  EXPECT_NE(reply.error().message.find("[key]"), std::string::npos);
  EXPECT_NE(log_.text.find("asking a model again"), std::string::npos);
  EXPECT_EQ(log_.text.find(kKey), std::string::npos);
}

TEST_F(OpenAiModelTest, SendsNoKeyThatNoHeaderCanHold) {
  OpenAiModel odd(world_, client_,
                  {.base_url = "http://model.test:8080", .api_key = "a\r\nx-evil: 1"});
  const auto reply = loop().run(odd.complete(ask("hi"), nullptr));
  EXPECT_EQ(reply.error().code, Code::kUnauthenticated);
  EXPECT_EQ(front_.requests, 0U);
}

TEST_F(OpenAiModelTest, TellsTheSinkAWholeAnswerFromAServerThatDoesNotStream) {
  front_.canned.push_back(json(200, R"({"choices":[{"message":{"content":"all of it"}}]})"));
  const auto reply = stream("hi");
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(sink_.text, "all of it");
}

TEST_F(OpenAiModelTest, EstimatesTokensThatTheServerDidNotCount) {
  front_.canned.push_back(events(
      "data: "
      "{\"choices\":[{\"delta\":{\"content\":\"12345678\"},\"finish_reason\":\"stop\"}]}\n\n"));
  const auto reply = stream("four");
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply.value().usage.completion_tokens, 2);
  EXPECT_GT(reply.value().usage.prompt_tokens, 0);
}

TEST_F(OpenAiModelTest, CanBeDroppedAnywhereInAStream) {
  OpenAiModel asked = model();
  for (int steps = 0; steps < 60; steps += 3) {
    Task<ChatReply> task = asked.complete(ask("fail with 500 once\ncount to 40"), &sink_);
    ASSERT_FALSE(task.start([](void*) {}, nullptr));
    for (int i = 0; i < steps && !task.done(); ++i) {
      loop().step();
    }
  }
  EXPECT_TRUE(complete("say still here").ok());
}

TEST_F(OpenAiModelTest, KeepsTheListOfModelsForAWhile) {
  OpenAiModel asked = model();
  const auto first = loop().run(asked.list());
  ASSERT_TRUE(first.ok()) << first.error().to_string();
  ASSERT_EQ(first.value().size(), 1U);
  EXPECT_EQ(first.value()[0].name, "offline");
  EXPECT_EQ(first.value()[0].context_window, 128'000);
  ASSERT_TRUE(loop().run(asked.list()).ok());
  EXPECT_EQ(front_.requests, 1U);
  ASSERT_TRUE(loop().run(async::sleep_task(loop(), Duration::seconds(61))).ok());
  front_.canned.push_back(json(500, "{}"));
  EXPECT_FALSE(loop().run(asked.list()).ok());
  EXPECT_FALSE(loop().run(asked.list()).ok());
  EXPECT_EQ(front_.requests, 2U);
  ASSERT_TRUE(loop().run(async::sleep_task(loop(), Duration::seconds(6))).ok());
  EXPECT_TRUE(loop().run(asked.list()).ok());
}

TEST(RetryAfter, ReadsMillisecondsBeforeSecondsAndNoDates) {
  EXPECT_EQ(retry_after({{"retry-after", "2"}}), Duration::seconds(2));
  EXPECT_EQ(retry_after({{"retry-after", "0.5"}}), Duration::millis(500));
  EXPECT_EQ(retry_after({{"retry-after", "9"}, {"retry-after-ms", "250"}}), Duration::millis(250));
  EXPECT_FALSE(retry_after({{"retry-after", "Wed, 21 Oct 2026 07:28:00 GMT"}}));
  EXPECT_FALSE(retry_after({{"retry-after", "-1"}}));
  EXPECT_FALSE(retry_after({{"retry-after", "1e300"}}));
  EXPECT_FALSE(retry_after({{"retry-after", "nan"}}));
  EXPECT_FALSE(retry_after({}));
}

TEST(WithoutKey, TakesOutTheKeyAndWhatLooksLikePartOfOne) {
  EXPECT_EQ(without_key("bad key abcdefgh!", "abcdefgh"), "bad key [key]!");
  EXPECT_EQ(without_key("key sk-pro***abcd. See", ""), "key [key]. See");
  EXPECT_EQ(without_key("a task-force", ""), "a task-force");
  EXPECT_EQ(without_key("the model", "the"), "the model");
}

}  // namespace
}  // namespace kelpie::llm
