#include "agent/records.h"

#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <vector>

#include "codec/json.h"

namespace kelpie::agent {
namespace {

namespace json = boost::json;

const std::string kOdd = std::string("\"\\\n\t\x01 \xc3\xa9\xf0\x9f\x90\xb3 ") + '\0' + "end";

Config full_config() {
  Config config;
  config.id = "agent-1";
  config.name = "Ada";
  config.agent_type = "letta_v1_agent";
  config.description = kOdd;
  config.system = "Be kind.";
  config.model = "kelpie/offline";
  config.tools = {"memory_insert", "memory_replace"};
  config.tags = {"a", "", "b"};
  config.context_window = INT64_MAX;
  config.parallel_tool_calls = false;
  config.created_micros = 1'795'208'532'000'001;
  config.updated_micros = 1'795'208'532'000'002;
  config.extra = {{"metadata", json::object{{"deep", json::array{1, 0.7, nullptr, true}}}},
                  {"hidden", true}};
  return config;
}

Block full_block() {
  Block block;
  block.id = "block-1";
  block.label = "human";
  block.value = kOdd;
  block.description = "Who I talk to.";
  block.limit = 100;
  block.position = 3;
  block.read_only = true;
  block.has_description = true;
  block.metadata = {{"source", "import"}};
  block.tags = {"x", "y"};
  return block;
}

Message full_message() {
  Message message;
  message.id = "message-1";
  message.role = MessageRole::kAssistant;
  message.text = kOdd;
  message.reasoning = "because";
  message.tool_calls = {{"call-1", "memory_insert", R"({"label":"human"})"},
                        {"call-2", "memory_replace", "not even JSON"}};
  message.tool_returns = {{"call-0", "memory_insert", "success", "done"},
                          {"call-9", "memory_replace", "error", ""}};
  message.run_id = "run-1";
  message.step_id = "step-1";
  message.otid = "otid-1";
  message.name = "Grace";
  message.sender_id = "identity-1";
  message.created_micros = -5;
  return message;
}

Run full_run() {
  Run run;
  run.id = "run-1";
  run.status = RunStatus::kFailed;
  run.input = {full_message(), full_message()};
  run.input[1].id = "message-2";
  run.model = "openai/x";
  run.steps_max = 7;
  run.steps = 3;
  run.usage = {1, 2, 3, 4, 5};
  run.stop_reason = "llm_api_error";
  run.error_type = "llm_timeout";
  run.error_message = kOdd;
  run.created_micros = 11;
  run.ended_micros = 12;
  return run;
}

void expect_same(const Message& a, const Message& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.role, b.role);
  EXPECT_EQ(a.text, b.text);
  EXPECT_EQ(a.reasoning, b.reasoning);
  EXPECT_EQ(a.tool_calls, b.tool_calls);
  ASSERT_EQ(a.tool_returns.size(), b.tool_returns.size());
  for (size_t i = 0; i < a.tool_returns.size(); ++i) {
    EXPECT_EQ(a.tool_returns[i].tool_call_id, b.tool_returns[i].tool_call_id);
    EXPECT_EQ(a.tool_returns[i].name, b.tool_returns[i].name);
    EXPECT_EQ(a.tool_returns[i].status, b.tool_returns[i].status);
    EXPECT_EQ(a.tool_returns[i].content, b.tool_returns[i].content);
  }
  EXPECT_EQ(a.run_id, b.run_id);
  EXPECT_EQ(a.step_id, b.step_id);
  EXPECT_EQ(a.otid, b.otid);
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.sender_id, b.sender_id);
  EXPECT_EQ(a.created_micros, b.created_micros);
}

TEST(Records, EveryFieldOfAConfigIsReadBack) {
  const Config config = full_config();
  const Config read = Config::decode(config.encode()).value();
  EXPECT_EQ(read.id, config.id);
  EXPECT_EQ(read.name, config.name);
  EXPECT_EQ(read.agent_type, config.agent_type);
  EXPECT_EQ(read.description, config.description);
  EXPECT_EQ(read.system, config.system);
  EXPECT_EQ(read.model, config.model);
  EXPECT_EQ(read.tools, config.tools);
  EXPECT_EQ(read.tags, config.tags);
  EXPECT_EQ(read.context_window, config.context_window);
  EXPECT_FALSE(read.parallel_tool_calls);
  EXPECT_EQ(read.created_micros, config.created_micros);
  EXPECT_EQ(read.updated_micros, config.updated_micros);
  EXPECT_EQ(read.extra, config.extra);
}

TEST(Records, EveryFieldOfABlockIsReadBack) {
  const Block block = full_block();
  const Block read = Block::decode(block.encode()).value();
  EXPECT_EQ(read.id, block.id);
  EXPECT_EQ(read.label, block.label);
  EXPECT_EQ(read.value, block.value);
  EXPECT_EQ(read.description, block.description);
  EXPECT_TRUE(read.has_description);
  EXPECT_EQ(read.limit, block.limit);
  EXPECT_EQ(read.position, block.position);
  EXPECT_TRUE(read.read_only);
  EXPECT_EQ(read.metadata, block.metadata);
  EXPECT_EQ(read.tags, block.tags);
}

TEST(Records, ABlockTellsAnEmptyDescriptionFromNone) {
  Block block = full_block();
  block.description = "";
  EXPECT_TRUE(Block::decode(block.encode()).value().has_description);
  block.has_description = false;
  EXPECT_FALSE(Block::decode(block.encode()).value().has_description);
}

TEST(Records, EveryFieldOfAMessageIsReadBackInEveryRole) {
  Message message = full_message();
  for (MessageRole role :
       {MessageRole::kSystem, MessageRole::kUser, MessageRole::kAssistant, MessageRole::kTool}) {
    message.role = role;
    expect_same(Message::decode(message.encode()).value(), message);
  }
}

TEST(Records, EveryFieldOfARunIsReadBackInEveryStatus) {
  agent::Run run = full_run();
  for (RunStatus status :
       {RunStatus::kQueued, RunStatus::kRunning, RunStatus::kCompleted, RunStatus::kFailed}) {
    run.status = status;
    const agent::Run read = agent::Run::decode(run.encode()).value();
    EXPECT_EQ(read.id, run.id);
    EXPECT_EQ(read.status, run.status);
    ASSERT_EQ(read.input.size(), 2U);
    expect_same(read.input[0], run.input[0]);
    expect_same(read.input[1], run.input[1]);
    EXPECT_EQ(read.model, run.model);
    EXPECT_EQ(read.steps_max, run.steps_max);
    EXPECT_EQ(read.steps, run.steps);
    EXPECT_EQ(read.usage.prompt, 1);
    EXPECT_EQ(read.usage.completion, 2);
    EXPECT_EQ(read.usage.cached, 3);
    EXPECT_EQ(read.usage.reasoning, 4);
    EXPECT_EQ(read.usage.context, 5);
    EXPECT_EQ(read.stop_reason, run.stop_reason);
    EXPECT_EQ(read.error_type, run.error_type);
    EXPECT_EQ(read.error_message, run.error_message);
    EXPECT_EQ(read.created_micros, run.created_micros);
    EXPECT_EQ(read.ended_micros, run.ended_micros);
  }
}

TEST(Records, EmptyRecordsAreReadBackToo) {
  EXPECT_TRUE(Config::decode(Config().encode()).ok());
  EXPECT_TRUE(Block::decode(Block().encode()).ok());
  EXPECT_TRUE(Message::decode(Message().encode()).ok());
  EXPECT_TRUE(agent::Run::decode(agent::Run().encode()).ok());
}

template <class Record>
void expect_damage_is_found(const Record& record) {
  const Bytes good = record.encode();
  for (size_t length = 0; length < good.size(); ++length) {
    const auto read = Record::decode(good.substr(0, length));
    ASSERT_FALSE(read.ok()) << length;
    ASSERT_EQ(read.error().code, Code::kDataLoss) << length;
  }
  for (const char* bad : {"[]", "null", "7", "\"x\"", "{}", R"({"format":2})", R"({"format":"1"})",
                          R"({"format":0})", "{\"format\":1}x"}) {
    const auto read = Record::decode(bad);
    ASSERT_FALSE(read.ok()) << bad;
    EXPECT_EQ(read.error().code, Code::kDataLoss) << bad;
  }
}

TEST(Records, DamagedBytesAndUnknownFormatsAreDataLoss) {
  expect_damage_is_found(full_config());
  expect_damage_is_found(full_block());
  expect_damage_is_found(full_message());
  expect_damage_is_found(full_run());
}

TEST(Records, AFormatOfTheFutureIsNamedInTheError) {
  const auto read = Block::decode(R"({"format":2,"id":"block-1"})");
  ASSERT_FALSE(read.ok());
  EXPECT_NE(read.error().message.find("format 2"), std::string::npos) << read.error().message;
}

TEST(Records, AnUnknownRoleOrStatusIsNeverReadAsAnother) {
  EXPECT_EQ(Message::decode(R"({"format":1,"id":"m","role":"robot"})").error().code,
            Code::kDataLoss);
  EXPECT_EQ(agent::Run::decode(R"({"format":1,"id":"r","status":"paused"})").error().code,
            Code::kDataLoss);
  EXPECT_EQ(agent::Run::decode(R"({"format":1,"id":"r"})").error().code, Code::kDataLoss);
}

TEST(Records, PartsThatAreNotObjectsAreDataLoss) {
  for (const char* bad : {R"({"format":1,"role":"user","tool_calls":[7]})",
                          R"({"format":1,"role":"user","tool_returns":["x"]})"}) {
    EXPECT_EQ(Message::decode(bad).error().code, Code::kDataLoss) << bad;
  }
  EXPECT_EQ(agent::Run::decode(R"({"format":1,"status":"queued","input":[[]]})").error().code,
            Code::kDataLoss);
}

}  // namespace
}  // namespace kelpie::agent
