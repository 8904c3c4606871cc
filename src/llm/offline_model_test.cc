#include "llm/offline_model.h"

#include <gtest/gtest.h>

#include "async/manual_loop.h"
#include "llm/offline_rules.h"
#include "llm/recording_sink_test.h"

namespace kelpie::llm {
namespace {

ChatRequest ask(std::string text) {
  return {.messages = {{.role = Role::kUser, .content = std::move(text)}},
          .tools = {{.name = "memory_insert"}}};
}

TEST(OfflineModel, RepliesByTheRules) {
  async::ManualLoop loop;
  OfflineModel model(loop);
  const auto reply = loop.run(model.complete(ask("say hello"), nullptr));
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply.value().content, "hello");
}

TEST(OfflineModel, StreamsWordsThatTogetherAreTheReply) {
  async::ManualLoop loop;
  OfflineModel model(loop);
  RecordingSink sink;
  const auto reply = loop.run(model.complete(ask("think a b\nsay one two three"), &sink));
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(sink.text, "one two three");
  EXPECT_EQ(sink.reasoning, "a b");
  EXPECT_EQ(sink.text_deltas, 3U);
}

TEST(OfflineModel, StreamsACallInFragments) {
  async::ManualLoop loop;
  OfflineModel model(loop);
  RecordingSink sink;
  const auto reply = loop.run(
      model.complete(ask(R"(call memory_insert {"label":"human","new_string":"tea"})"), &sink));
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(sink.calls, reply.value().tool_calls);
  EXPECT_GT(sink.call_deltas, 2U);
}

TEST(OfflineModel, LetsTheLoopRunBetweenWords) {
  async::ManualLoop loop;
  OfflineModel model(loop);
  RecordingSink sink;
  Task<ChatReply> task = model.complete(ask("count to 50"), &sink);
  ASSERT_FALSE(task.start([](void*) {}, nullptr));
  size_t deltas_seen_by_others = 0;
  loop.post([&] { loop.post([&] { deltas_seen_by_others = sink.text_deltas; }); });
  loop.run();
  EXPECT_TRUE(task.done());
  EXPECT_LT(deltas_seen_by_others, 10U);
  EXPECT_EQ(sink.text_deltas, 50U);
}

TEST(OfflineModel, FailsAsTheUserSays) {
  async::ManualLoop loop;
  OfflineModel model(loop);
  const auto code = [&](std::string text) {
    return loop.run(model.complete(ask(std::move(text)), nullptr)).error().code;
  };
  EXPECT_EQ(code("fail with 429"), Code::kResourceExhausted);
  EXPECT_EQ(code("fail with 401"), Code::kUnauthenticated);
  EXPECT_EQ(code("fail with 400"), Code::kInvalidArgument);
  EXPECT_EQ(code("fail with 500"), Code::kUnavailable);
  EXPECT_EQ(code("fail with cut"), Code::kUnavailable);
  EXPECT_EQ(code("fail with timeout"), Code::kDeadlineExceeded);
  EXPECT_EQ(code("fail with malformed"), Code::kDataLoss);
  EXPECT_EQ(code("fail with context"), Code::kOutOfRange);
}

TEST(OfflineModel, PassesOverAFaultThatARetryWouldSurvive) {
  async::ManualLoop loop;
  OfflineModel model(loop);
  const auto reply = loop.run(model.complete(ask("fail with 429 once\nsay fine"), nullptr));
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply.value().content, "fine");
}

}  // namespace
}  // namespace kelpie::llm
