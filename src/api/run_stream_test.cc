#include "api/run_stream.h"

#include <gtest/gtest.h>

#include <boost/json/value.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/render.h"
#include "async/sleep.h"
#include "codec/json.h"
#include "codec/sse.h"
#include "net/testing/test_world.h"

namespace kelpie::api {
namespace {

namespace json = boost::json;
using agent::MessageCommitted;
using agent::MessageRole;
using agent::ReasoningDelta;
using agent::RunEnded;
using agent::TextDelta;
using agent::ToolCallDelta;

constexpr int64_t kMicros = 1'795'208'532'000'000;
const std::string kReplyId = "message-01234567-89ab-4cde-8f01-23456789abcd";
const std::string kRun = "run-1";

agent::Message reply_of(std::string reasoning, std::string text,
                        std::vector<llm::ToolCall> calls = {}) {
  agent::Message message;
  message.id = kReplyId;
  message.role = MessageRole::kAssistant;
  message.reasoning = std::move(reasoning);
  message.text = std::move(text);
  message.tool_calls = std::move(calls);
  message.run_id = kRun;
  message.created_micros = kMicros;
  return message;
}

agent::Message results_of(std::string call_id) {
  agent::Message message;
  message.id = "message-aaaaaaaa-89ab-4cde-8f01-23456789abcd";
  message.role = MessageRole::kTool;
  message.tool_returns = {{std::move(call_id), "memory_insert", "success", "ok"}};
  message.run_id = kRun;
  return message;
}

agent::Run ended(agent::RunStatus status) {
  agent::Run run;
  run.id = kRun;
  run.status = status;
  run.stop_reason = status == agent::RunStatus::kFailed ? "llm_api_error" : "end_turn";
  run.error_type = "llm_timeout";
  run.error_message = "too \"slow\"";
  return run;
}

struct Frame {
  std::string event;  // empty for the default
  std::string data;
  json::value value;  // null for [DONE]
  [[nodiscard]] std::string type() const {
    return data == "[DONE]" ? "[DONE]" : std::string(value.at("message_type").as_string());
  }
};

std::vector<Frame> frames_of(const std::string& bytes) {
  codec::SseDecoder decoder(1'000'000);
  decoder.feed(bytes);
  std::vector<Frame> frames;
  for (;;) {
    auto event = decoder.next();
    CHECK(event.ok());
    if (!event->has_value()) {
      return frames;
    }
    Frame frame{(*event)->event, (*event)->data, nullptr};
    if (frame.data != "[DONE]") {
      frame.value = codec::parse_json(frame.data).value();
    }
    frames.push_back(std::move(frame));
  }
}

std::vector<std::string> types_of(const std::vector<Frame>& frames) {
  std::vector<std::string> types;
  for (const Frame& frame : frames) {
    types.push_back(frame.type());
  }
  return types;
}
using Types = std::vector<std::string>;

std::string all_frames(RunFrames& frames, const std::vector<agent::RunEvent>& events) {
  std::string bytes;
  for (const agent::RunEvent& event : events) {
    bytes += frames.frames(event, kMicros);
  }
  return bytes;
}

RunStreamOptions tokens() { return {true, false, {}}; }

const llm::ToolCall kCall{"c1", "memory_insert", R"({"label":"human"})"};

// A reply with reasoning, text and a call, as a model streams it and as it is committed.
std::vector<agent::RunEvent> full_run() {
  return {ReasoningDelta{kReplyId, "hm"},
          ReasoningDelta{kReplyId, "m"},
          TextDelta{kReplyId, "hel"},
          TextDelta{kReplyId, "lo"},
          ToolCallDelta{kReplyId, 0, "c1", "memory_insert", ""},
          ToolCallDelta{kReplyId, 0, "", "", R"({"label":)"},
          ToolCallDelta{kReplyId, 0, "", "", R"("human"})"},
          MessageCommitted{reply_of("hmm", "hello", {kCall})},
          MessageCommitted{results_of("c1")},
          RunEnded{ended(agent::RunStatus::kCompleted)}};
}

TEST(RunFrames, StepsAreWholeMessagesThenStopReasonUsageAndDone) {
  RunFrames frames(kRun, {});
  const auto sent = frames_of(all_frames(frames, full_run()));
  EXPECT_EQ(types_of(sent),
            (Types{"reasoning_message", "assistant_message", "tool_call_message",
                   "tool_return_message", "stop_reason", "usage_statistics", "[DONE]"}));
  for (const Frame& frame : sent) {
    EXPECT_EQ(frame.event, "") << frame.data;
  }
}

TEST(RunFrames, InputIsNotStreamed) {
  RunFrames frames(kRun, {});
  agent::Message message = reply_of("", "x");
  message.role = MessageRole::kUser;
  EXPECT_EQ(frames.frames(MessageCommitted{message}, kMicros), "");
}

TEST(RunFrames, TokensAddUpToTheStoredMessageAndAreNotRepeatedWhole) {
  RunFrames frames(kRun, tokens());
  const auto sent = frames_of(all_frames(frames, full_run()));
  EXPECT_EQ(types_of(sent), (Types{"reasoning_message", "reasoning_message", "assistant_message",
                                   "assistant_message", "tool_call_message", "tool_call_message",
                                   "tool_call_message", "tool_return_message", "stop_reason",
                                   "usage_statistics", "[DONE]"}));
  EXPECT_EQ(sent[0].value.at("reasoning").as_string(), "hm");
  EXPECT_EQ(sent[3].value.at("content").as_string(), "lo");
  EXPECT_EQ(sent[4].value.at("tool_call").at("name").as_string(), "memory_insert");
  EXPECT_EQ(sent[4].value.at("tool_call").at("tool_call_id").as_string(), "c1");
  EXPECT_FALSE(sent[5].value.at("tool_call").as_object().contains("name"));
  EXPECT_FALSE(sent[5].value.at("tool_call").as_object().contains("tool_call_id"));
  std::string arguments;
  for (size_t i = 4; i < 7; ++i) {
    arguments += std::string(sent[i].value.at("tool_call").at("arguments").as_string());
    EXPECT_EQ(sent[i].value.at("tool_calls"), sent[i].value.at("tool_call"));
  }
  EXPECT_EQ(arguments, kCall.arguments);
}

// Clients join pieces, and a stream with a later list, by id and otid.
TEST(RunFrames, APieceHasTheIdAndOtidOfItsPartInTheStoredMessage) {
  struct Row {
    std::vector<agent::RunEvent> pieces;
    agent::Message stored;
  };
  const ReasoningDelta reasoning{kReplyId, "r"};
  const TextDelta text{kReplyId, "t"};
  const ToolCallDelta call{kReplyId, 0, "c1", "memory_insert", "{}"};
  const std::vector<llm::ToolCall> calls = {{"c1", "memory_insert", "{}"}};
  const std::vector<Row> rows = {
      {{text}, reply_of("", "t")},
      {{reasoning, text}, reply_of("r", "t")},
      {{reasoning, call}, reply_of("r", "", calls)},
      {{text, call}, reply_of("", "t", calls)},
      {{call}, reply_of("", "", calls)},
      {{reasoning, text, call}, reply_of("r", "t", calls)},
      // A piece without text makes no part.
      {{ReasoningDelta{kReplyId, ""}, TextDelta{kReplyId, ""}, call}, reply_of("", "", calls)},
      {{TextDelta{kReplyId, ""}, reasoning, text}, reply_of("r", "t")},
  };
  for (size_t i = 0; i < rows.size(); ++i) {
    RunFrames frames(kRun, tokens());
    std::map<std::string, std::string> streamed;
    for (const Frame& frame : frames_of(all_frames(frames, rows[i].pieces))) {
      EXPECT_EQ(frame.value.at("id").as_string(), kReplyId);
      EXPECT_EQ(frame.value.at("run_id").as_string(), kRun);
      streamed[frame.type()] = std::string(frame.value.at("otid").as_string());
    }
    json::array list;
    render_message(rows[i].stored, {}, list);
    std::map<std::string, std::string> stored;
    for (const json::value& item : list) {
      stored[std::string(item.at("message_type").as_string())] =
          std::string(item.at("otid").as_string());
    }
    EXPECT_EQ(streamed, stored) << "row " << i;
  }
}

TEST(RunFrames, PiecesOfTwoCallsAtOnceAreNeverJoined) {
  RunFrames frames(kRun, tokens());
  const auto sent = frames_of(all_frames(
      frames, {ToolCallDelta{kReplyId, 0, "a", "t", "1"}, ToolCallDelta{kReplyId, 1, "b", "t", "2"},
               ToolCallDelta{kReplyId, 0, "", "", "3"}, ToolCallDelta{kReplyId, 1, "", "", "4"}}));
  ASSERT_EQ(sent.size(), 4U);
  const auto otid = [&](size_t i) { return std::string(sent[i].value.at("otid").as_string()); };
  EXPECT_EQ(otid(0), otid(2));
  EXPECT_EQ(otid(1), otid(3));
  EXPECT_NE(otid(0), otid(1));
}

TEST(RunFrames, AMessageThatWasNotStreamedPieceByPieceIsSentWhole) {
  // As after a crash in the middle of a reply, or from a model that does not stream.
  RunFrames frames(kRun, tokens());
  const auto sent =
      frames_of(all_frames(frames, {TextDelta{"message-bbbbbbbb-89ab-4cde-8f01-23456789abcd", "x"},
                                    MessageCommitted{reply_of("", "hello")}}));
  EXPECT_EQ(types_of(sent), (Types{"assistant_message", "assistant_message"}));
  EXPECT_EQ(sent[1].value.at("content").as_string(), "hello");
}

TEST(RunFrames, AFailedRunIsAStopReasonAnErrorEventAndDone) {
  RunFrames frames(kRun, {});
  const auto sent = frames_of(frames.frames(RunEnded{ended(agent::RunStatus::kFailed)}, kMicros));
  ASSERT_EQ(types_of(sent), (Types{"stop_reason", "error_message", "[DONE]"}));
  EXPECT_EQ(sent[0].event, "");
  EXPECT_EQ(sent[0].value.at("stop_reason").as_string(), "llm_api_error");
  EXPECT_EQ(sent[1].event, "error");
  EXPECT_EQ(sent[1].data,
            R"({"message_type":"error_message","run_id":"run-1","error_type":"llm_timeout",)"
            R"("message":"too \"slow\"","detail":"too \"slow\"","seq_id":null})");
  EXPECT_EQ(sent[2].event, "");
}

TEST(RunFrames, AFilterHoldsForPiecesAndWholeMessagesButNotForTheEnd) {
  for (const bool pieces : {false, true}) {
    RunFrames frames(kRun, {pieces, false, {"assistant_message"}});
    const auto sent = frames_of(all_frames(frames, full_run()));
    Types expected = {"assistant_message", "stop_reason", "usage_statistics", "[DONE]"};
    if (pieces) {
      expected.insert(expected.begin(), "assistant_message");
    }
    EXPECT_EQ(types_of(sent), expected);
    // The same otid as without a filter: reasoning is part 0, seen or not.
    EXPECT_EQ(sent[0].value.at("otid").as_string(), "01234567-89ab-4cde-8f01-23456789ab81");
  }
}

class RunStreamTest : public ::testing::Test {
 protected:
  RunStream& open(RunStreamOptions options) {
    stream_ = std::make_unique<RunStream>(machine_.world, world::Rng(3), watch_, kRun,
                                          std::move(options));
    return *stream_;
  }
  // The next frames, and the seconds of waiting before them.
  std::string next(RunStream& stream) {
    const Instant begin = machine_.loop.now();
    auto bytes = machine_.loop.run(stream.next());
    CHECK(bytes.ok());
    const int64_t seconds = (machine_.loop.now() - begin).nanos() / 1'000'000'000;
    if (!bytes->has_value()) {
      return "end";
    }
    std::string text = seconds == 0 ? "" : std::to_string(seconds) + "s";
    for (const std::string& type : types_of(frames_of(**bytes))) {
      text += (text.empty() ? "" : " ") + type;
    }
    return text;
  }

  net::testing::TestWorld machine_;
  std::shared_ptr<agent::RunWatch> watch_ = std::make_shared<agent::RunWatch>(machine_.loop);
  std::unique_ptr<RunStream> stream_;
};

TEST_F(RunStreamTest, BeginsWithAPingAndEndsAfterTheRunsEnd) {
  for (const agent::RunEvent& event : full_run()) {
    watch_->tell(event);
  }
  RunStream& stream = open({});
  EXPECT_EQ(next(stream), "ping");
  EXPECT_EQ(next(stream), "reasoning_message assistant_message tool_call_message");
  EXPECT_EQ(next(stream), "tool_return_message");
  EXPECT_EQ(next(stream), "stop_reason usage_statistics [DONE]");
  EXPECT_EQ(next(stream), "end");
  EXPECT_EQ(next(stream), "end");
}

TEST_F(RunStreamTest, PingsAfterEveryTwentySecondsOfSilence) {
  RunStream& stream = open({});
  EXPECT_EQ(next(stream), "ping");
  EXPECT_EQ(next(stream), "20s ping");
  EXPECT_EQ(next(stream), "20s ping");
  watch_->tell(MessageCommitted{results_of("c1")});
  EXPECT_EQ(next(stream), "tool_return_message");
  EXPECT_EQ(next(stream), "20s ping");
  watch_->tell(RunEnded{ended(agent::RunStatus::kCompleted)});
  EXPECT_EQ(next(stream), "stop_reason usage_statistics [DONE]");
}

TEST_F(RunStreamTest, APingHasAnIdADateAndTheRun) {
  auto bytes = machine_.loop.run(open({}).next());
  const auto frames = frames_of(**bytes);
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_TRUE(std::string(frames[0].value.at("id").as_string()).starts_with("ping-"));
  EXPECT_EQ(frames[0].value.at("date").as_string(), "2026-11-20T21:02:12+00:00");
  EXPECT_EQ(frames[0].value.at("run_id").as_string(), kRun);
}

TEST_F(RunStreamTest, WithoutPingsSilenceIsSilent) {
  RunStream& stream = open({.include_pings = false, .return_types = {}});
  machine_.loop.start_timer(machine_.loop.now() + Duration::seconds(65), [this] {
    watch_->tell(RunEnded{ended(agent::RunStatus::kCompleted)});
  });
  EXPECT_EQ(next(stream), "65s stop_reason usage_statistics [DONE]");
}

TEST_F(RunStreamTest, EventsThatTheReaderDidNotAskForArePassedOver) {
  RunStream& stream = open({.include_pings = false, .return_types = {}});
  watch_->tell(TextDelta{kReplyId, "piece"});
  watch_->tell(MessageCommitted{reply_of("", "whole")});
  EXPECT_EQ(next(stream), "assistant_message");
}

TEST_F(RunStreamTest, ARunThatIsLostSightOfEndsWithAnErrorThatSaysSo) {
  RunStream& stream = open({.include_pings = false, .return_types = {}});
  watch_->tell(MessageCommitted{reply_of("", "whole")});
  watch_->close();
  EXPECT_EQ(next(stream), "assistant_message");
  auto bytes = machine_.loop.run(stream.next());
  const auto frames = frames_of(**bytes);
  ASSERT_EQ(types_of(frames), (Types{"stop_reason", "error_message", "[DONE]"}));
  EXPECT_EQ(frames[1].event, "error");
  EXPECT_EQ(frames[1].value.at("error_type").as_string(), "stream_incomplete");
  EXPECT_EQ(next(stream), "end");
}

}  // namespace
}  // namespace kelpie::api
