#include "api/render.h"

#include <gtest/gtest.h>

#include <boost/json/value.hpp>
#include <string>
#include <vector>

#include "agent/memory_tools.h"
#include "codec/json.h"

namespace kelpie::api {
namespace {

namespace json = boost::json;
using agent::MessageRole;

constexpr int64_t kMicros = 1'795'208'532'123'456;

agent::Message message_of(MessageRole role, std::string text) {
  agent::Message message;
  message.id = "message-01234567-89ab-4cde-8f01-23456789abcd";
  message.role = role;
  message.text = std::move(text);
  message.created_micros = kMicros;
  return message;
}

agent::Message full_reply() {
  agent::Message message = message_of(MessageRole::kAssistant, "hello");
  message.reasoning = "hmm";
  message.tool_calls = {{"c1", "memory_insert", "{\"label\":\"human\"}"},
                        {"c2", "memory_replace", "oops"}};
  message.run_id = "run-1";
  message.step_id = "step-1";
  return message;
}

agent::Message full_results() {
  agent::Message message = message_of(MessageRole::kTool, "");
  message.tool_returns = {{"c1", "memory_insert", "success", "done"},
                          {"c2", "memory_replace", "error", "not JSON"}};
  message.run_id = "run-1";
  message.step_id = "step-1";
  return message;
}

std::vector<std::string> rendered(const agent::Message& message,
                                  const std::vector<std::string>& types = {}) {
  json::array out;
  render_message(message, types, out);
  std::vector<std::string> texts;
  for (const json::value& item : out) {
    texts.push_back(codec::write_json(item));
  }
  return texts;
}

using Texts = std::vector<std::string>;
#define KELPIE_ID R"({"id":"message-01234567-89ab-4cde-8f01-23456789abcd",)"
#define KELPIE_FRAME KELPIE_ID R"("date":"2026-11-20T21:02:12+00:00",)"

TEST(RenderMessage, ASystemMessage) {
  EXPECT_EQ(rendered(message_of(MessageRole::kSystem, "S")),
            Texts{KELPIE_FRAME R"("message_type":"system_message",)"
                               R"("otid":"01234567-89ab-4cde-8f01-23456789ab80","content":"S"})"});
}

TEST(RenderMessage, AUserMessageHasTheClientsOtidAndNames) {
  agent::Message message = message_of(MessageRole::kUser, "\"hi\"");
  message.otid = "mine";
  message.name = "Grace";
  message.sender_id = "identity-1";
  message.run_id = "run-1";
  EXPECT_EQ(rendered(message),
            Texts{KELPIE_FRAME R"("message_type":"user_message","otid":"mine","name":"Grace",)"
                               R"("sender_id":"identity-1","run_id":"run-1",)"
                               R"("content":"\"hi\""})"});
}

TEST(RenderMessage, AReplyIsReasoningTextAndCallsUnderOneId) {
  const std::string origin = R"("run_id":"run-1","step_id":"step-1",)";
  const std::string call = R"({"name":"memory_insert","arguments":"{\"label\":\"human\"}",)"
                           R"("tool_call_id":"c1"})";
  const std::string other = R"({"name":"memory_replace","arguments":"oops","tool_call_id":"c2"})";
  EXPECT_EQ(rendered(full_reply()),
            (Texts{KELPIE_FRAME R"("message_type":"reasoning_message",)"
                                R"("otid":"01234567-89ab-4cde-8f01-23456789ab80",)" +
                       origin + R"("source":"reasoner_model","reasoning":"hmm"})",
                   KELPIE_FRAME R"("message_type":"assistant_message",)"
                                R"("otid":"01234567-89ab-4cde-8f01-23456789ab81",)" +
                       origin + R"("content":"hello"})",
                   KELPIE_FRAME R"("message_type":"tool_call_message",)"
                                R"("otid":"01234567-89ab-4cde-8f01-23456789ab82",)" +
                       origin + R"("tool_call":)" + call + R"(,"tool_calls":[)" + call + "," +
                       other + "]}"}));
}

TEST(RenderMessage, ResultsAreOneMessageThatNamesTheFirstBesideAll) {
  EXPECT_EQ(
      rendered(full_results()),
      Texts{KELPIE_FRAME
            R"("message_type":"tool_return_message",)"
            R"("otid":"01234567-89ab-4cde-8f01-23456789ab80","run_id":"run-1","step_id":"step-1",)"
            R"("name":"memory_insert","tool_return":"done","status":"success",)"
            R"("tool_call_id":"c1","tool_returns":[{"type":"tool","tool_return":"done",)"
            R"("status":"success","tool_call_id":"c1","stdout":null,"stderr":null},)"
            R"({"type":"tool","tool_return":"not JSON","status":"error","tool_call_id":"c2",)"
            R"("stdout":null,"stderr":null}]})"});
}

// A reader who asks for calls alone must see them under the otid that they have in the whole list.
TEST(RenderMessage, AFilterSelectsByTypeAndRenumbersNothing) {
  const Texts all = rendered(full_reply());
  EXPECT_EQ(rendered(full_reply(), {"reasoning_message"}), Texts{all[0]});
  EXPECT_EQ(rendered(full_reply(), {"assistant_message"}), Texts{all[1]});
  EXPECT_EQ(rendered(full_reply(), {"tool_call_message"}), Texts{all[2]});
  EXPECT_EQ(rendered(full_reply(), {"tool_call_message", "reasoning_message"}),
            (Texts{all[0], all[2]}));
  EXPECT_EQ(rendered(full_reply(), {"user_message", "poem"}), Texts());
  EXPECT_EQ(rendered(full_results(), {"tool_call_message"}), Texts());
  EXPECT_EQ(rendered(full_results(), {"tool_return_message"}).size(), 1U);
  EXPECT_EQ(rendered(message_of(MessageRole::kUser, "x"), {"system_message"}), Texts());
  EXPECT_EQ(rendered(message_of(MessageRole::kSystem, "x"), {"user_message"}), Texts());
}

TEST(RenderMessage, AReplyWithoutTextIsItsCallsAlone) {
  agent::Message message = full_reply();
  message.reasoning.clear();
  message.text.clear();
  const Texts texts = rendered(message);
  ASSERT_EQ(texts.size(), 1U);
  EXPECT_NE(texts[0].find("23456789ab80"), std::string::npos) << texts[0];
}

TEST(RenderRun, StopReasonAndUsage) {
  EXPECT_EQ(codec::write_json(render_stop_reason("end_turn")),
            R"({"message_type":"stop_reason","stop_reason":"end_turn"})");
  agent::Run run;
  run.steps = 2;
  run.usage = {10, 5, 3, 1, 12};
  EXPECT_EQ(codec::write_json(render_usage(run)),
            R"({"message_type":"usage_statistics","completion_tokens":5,"prompt_tokens":10,)"
            R"("total_tokens":15,"step_count":2,"run_ids":null,"cached_input_tokens":3,)"
            R"("cache_write_tokens":null,"reasoning_tokens":1,"context_tokens":12})");
}

TEST(RenderBlock, EveryMember) {
  agent::Block block;
  block.id = "block-1";
  block.label = "human";
  block.value = "v";
  block.limit = 9;
  block.metadata = {{"m", 1}};
  block.tags = {"t"};
  EXPECT_EQ(codec::write_json(render_block(block)),
            R"({"id":"block-1","label":"human","value":"v","limit":9,"description":null,)"
            R"("read_only":false,"metadata":{"m":1},"tags":["t"],"is_template":false})");
  block.has_description = true;
  EXPECT_EQ(render_block(block).at("description").as_string(), "");
}

TEST(RenderModel, EveryMember) {
  const llm::ModelInfo model{"openai/x", "x", "openai", "openai", "", "openai", 8'000};
  EXPECT_EQ(codec::write_json(render_model(model)),
            R"({"handle":"openai/x","name":"x","display_name":"x","model":"x",)"
            R"("model_type":"llm","provider_type":"openai","provider_name":"openai",)"
            R"("provider_category":"base","model_endpoint_type":"openai",)"
            R"("model_endpoint":null,"context_window":8000,"max_context_window":8000})");
}

TEST(RenderAgent, SaysWhatWasStored) {
  agent::AgentView view;
  view.config.id = "agent-1";
  view.config.name = "Ada";
  view.config.agent_type = "letta_v1_agent";
  view.config.model = "openai/deep/x";
  view.config.context_window = 8'000;
  view.config.tools = agent::builtin_tool_names();
  view.config.tags = {"a"};
  view.config.created_micros = kMicros;
  view.config.updated_micros = kMicros;
  view.config.extra = {{"metadata", json::object{{"k", 1}}}, {"hidden", true}};
  view.blocks.resize(1);
  view.blocks[0].label = "human";
  view.message_ids = {"message-1", "message-2"};
  const json::object agent = render_agent(view);
  const auto at = [&](std::string_view pointer) {
    return codec::write_json(json::value(agent).at_pointer(pointer));
  };
  EXPECT_EQ(at("/id"), R"("agent-1")");
  EXPECT_EQ(at("/description"), "null");
  EXPECT_EQ(at("/llm_config/handle"), R"("openai/deep/x")");
  EXPECT_EQ(at("/llm_config/provider_name"), R"("openai")");
  EXPECT_EQ(at("/llm_config/model"), R"("deep/x")");
  EXPECT_EQ(at("/llm_config/context_window"), "8000");
  EXPECT_EQ(at("/memory/blocks"), at("/blocks"));
  EXPECT_EQ(at("/blocks/0/label"), R"("human")");
  EXPECT_EQ(at("/tools/0/name"), R"("memory_insert")");
  EXPECT_EQ(at("/tools/1/json_schema/name"), R"("memory_replace")");
  EXPECT_EQ(at("/tags"), R"(["a"])");
  EXPECT_EQ(at("/message_ids"), R"(["message-1","message-2"])");
  EXPECT_EQ(at("/metadata"), R"({"k":1})");
  EXPECT_EQ(at("/hidden"), "true");
  EXPECT_EQ(at("/timezone"), "null");
  EXPECT_EQ(at("/created_at"), R"("2026-11-20T21:02:12.123456+00:00")");
}

}  // namespace
}  // namespace kelpie::api
