#include "api/requests.h"

#include <gtest/gtest.h>

#include <boost/json/value.hpp>
#include <string>
#include <utility>
#include <vector>

#include "agent/ids.h"
#include "agent/memory_tools.h"
#include "agent/prompt.h"
#include "codec/json.h"

namespace kelpie::api {
namespace {

using Rows = std::vector<std::pair<std::string, std::string>>;

template <class T>
std::string told(const Result<T>& result) {
  return result.ok()
             ? "ok"
             : std::string(base::code_name(result.error().code)) + ": " + result.error().message;
}

Result<agent::NewAgent> new_agent(const std::string& members) {
  world::Rng rng(5);
  return parse_new_agent(R"({"model":"kelpie/offline")" + members + "}", rng);
}

Result<SendRequest> send(std::string_view body) {
  world::Rng rng(5);
  return parse_send(body, rng);
}

std::string nested(size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); }

// Each row is a body and what the answer must say.
void expect_told(const Rows& rows, std::string (*parse)(const std::string&)) {
  for (const auto& [body, says] : rows) {
    const std::string got = parse(body);
    EXPECT_NE(got.find(says), std::string::npos) << body << "\n" << got;
    EXPECT_TRUE(says != "ok" || got == "ok") << body << "\n" << got;
  }
}

TEST(NewAgent, HasDefaultsForWhatTheBodyDoesNotSay) {
  const agent::NewAgent made = new_agent("").value();
  EXPECT_TRUE(agent::is_id(made.config.id, "agent"));
  EXPECT_EQ(made.config.name, "Agent " + made.config.id.substr(6, 8));
  EXPECT_EQ(made.config.agent_type, "letta_v1_agent");
  EXPECT_EQ(made.config.system, agent::default_instructions());
  EXPECT_EQ(made.config.model, "kelpie/offline");
  EXPECT_EQ(made.config.tools, agent::builtin_tool_names());
  EXPECT_EQ(made.config.context_window, 0);
  EXPECT_TRUE(made.config.parallel_tool_calls);
  EXPECT_TRUE(made.config.extra.empty());
  EXPECT_TRUE(made.blocks.empty());
  EXPECT_TRUE(agent::is_id(made.system_message_id, "message"));
}

TEST(NewAgent, TakesEveryMemberThatItKnows) {
  const agent::NewAgent made =
      new_agent(R"(,"name":"Ada O'Neill-Smith","description":"d","system":"S","tags":["a","b"],)"
                R"("context_window_limit":9000,"parallel_tool_calls":false,)"
                R"("include_base_tools":false,"tools":["memory_replace"],)"
                R"("metadata":{"k":[1]},"timezone":"UTC","hidden":true,"unheard_of":1,)"
                R"("memory_blocks":[{"label":"human","value":"v","limit":9,"description":"",)"
                R"("read_only":true,"metadata":{"m":1},"tags":["t"]},)"
                R"({"label":"persona","value":""}],)"
                R"("initial_message_sequence":[{"role":"user","content":"hi"},)"
                R"({"role":"assistant","content":[{"type":"text","text":"a"},)"
                R"({"type":"text","text":"b"}]}])")
          .value();
  EXPECT_EQ(made.config.name, "Ada O'Neill-Smith");
  EXPECT_EQ(made.config.description, "d");
  EXPECT_EQ(made.config.system, "S");
  EXPECT_EQ(made.config.tags, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(made.config.context_window, 9000);
  EXPECT_FALSE(made.config.parallel_tool_calls);
  EXPECT_EQ(made.config.tools, std::vector<std::string>{"memory_replace"});
  EXPECT_EQ(codec::write_json(made.config.extra),
            R"({"metadata":{"k":[1]},"timezone":"UTC","hidden":true})");
  ASSERT_EQ(made.blocks.size(), 2U);
  EXPECT_EQ(made.blocks[0].label, "human");
  EXPECT_EQ(made.blocks[0].value, "v");
  EXPECT_EQ(made.blocks[0].limit, 9);
  EXPECT_TRUE(made.blocks[0].has_description);
  EXPECT_TRUE(made.blocks[0].read_only);
  EXPECT_EQ(codec::write_json(made.blocks[0].metadata), R"({"m":1})");
  EXPECT_EQ(made.blocks[0].tags, std::vector<std::string>{"t"});
  EXPECT_EQ(made.blocks[1].limit, 100'000);
  EXPECT_FALSE(made.blocks[1].has_description);
  EXPECT_EQ(made.blocks[1].position, 1);
  ASSERT_EQ(made.first_messages.size(), 2U);
  EXPECT_EQ(made.first_messages[0].role, agent::MessageRole::kUser);
  EXPECT_EQ(made.first_messages[1].role, agent::MessageRole::kAssistant);
  EXPECT_EQ(made.first_messages[1].text, "a\nb");
}

TEST(NewAgent, ADeprecatedConfigNamesTheModelToo) {
  world::Rng rng(5);
  EXPECT_EQ(parse_new_agent(R"({"llm_config":{"handle":"a/b"}})", rng).value().config.model, "a/b");
  EXPECT_EQ(
      parse_new_agent(R"({"model":"c/d","llm_config":{"handle":"a/b"}})", rng).value().config.model,
      "c/d");
}

TEST(NewAgent, ToolsAreNamedOrGivenById) {
  const auto tools = [](const std::string& members) {
    return new_agent(R"(,"include_base_tools":false)" + members).value().config.tools;
  };
  const std::string id = builtin_tool_id("memory_insert");
  EXPECT_TRUE(agent::is_id(id, "tool")) << id;
  EXPECT_NE(id, builtin_tool_id("memory_replace"));
  EXPECT_EQ(tools(""), std::vector<std::string>());
  EXPECT_EQ(tools(R"(,"tool_ids":[")" + id + R"(",")" + id + R"("],"tools":["memory_insert"])"),
            std::vector<std::string>{"memory_insert"});
}

TEST(NewAgent, TellsWhatIsWrongAndWhere) {
  expect_told(
      {
          {"", "ok"},
          {R"(,"name":"")", "out_of_range: body.name"},
          {R"(,"name":"a/b")", "out_of_range: body.name"},
          {R"(,"name":"a\n")", "out_of_range: body.name"},
          {R"(,"name":")" + std::string(256, 'a') + "\"", "ok"},
          {R"(,"name":")" + std::string(257, 'a') + "\"", "out_of_range: body.name"},
          {R"(,"name":"caf\u00e9")", "ok"},
          {R"(,"model":"")", "invalid_argument: body.model is required"},
          {R"(,"model":"/x")", "invalid_argument: body.model"},
          {R"(,"model":"x/")", "invalid_argument: body.model"},
          {R"(,"model":7)", "out_of_range: body.model"},
          {R"(,"agent_type":"sleeptime_agent")", "invalid_argument: body.agent_type"},
          {R"(,"context_window_limit":0)", "out_of_range: body.context_window_limit"},
          {R"(,"tool_rules":[])", "ok"},
          {R"(,"tool_rules":[{}])", "invalid_argument: body.tool_rules"},
          {R"(,"enable_sleeptime":true)", "invalid_argument: body.enable_sleeptime"},
          {R"(,"enable_sleeptime":false)", "ok"},
          {R"(,"tools":["memory_insert","x","y"])", "Tools not found by name: x, y"},
          {R"(,"tool_ids":["tool-1"])", "not_found: NOT_FOUND: no tool has the id tool-1"},
          {R"(,"memory_blocks":[7])", "out_of_range: body.memory_blocks.0: expected an object"},
          {R"(,"memory_blocks":[{"label":"a"}])", "label and value are required"},
          {R"(,"memory_blocks":[{"label":"","value":""}])", "body.memory_blocks.0.label"},
          {R"(,"memory_blocks":[{"label":"a<b","value":""}])", "body.memory_blocks.0.label"},
          {R"(,"memory_blocks":[{"label":"a/b","value":""}])", "body.memory_blocks.0.label"},
          {R"(,"memory_blocks":[{"label":")" + std::string(257, 'a') + R"(","value":""}])",
           "body.memory_blocks.0.label"},
          {R"(,"memory_blocks":[{"label":"a","value":""},{"label":"a","value":""}])",
           "body.memory_blocks.1.label: \"a\" is there twice"},
          {R"(,"memory_blocks":[{"label":"a","value":"\u00e9\u00e9","limit":2}])", "ok"},
          {R"(,"memory_blocks":[{"label":"a","value":"\u00e9\u00e9","limit":1}])",
           "has 2 characters, the block's limit is 1"},
          {R"(,"memory_blocks":[{"label":"a","value":"","limit":2000001}])", "limit"},
          {R"(,"initial_message_sequence":[{"role":"tool","content":"x"}])",
           "body.initial_message_sequence.0.role"},
      },
      [](const std::string& members) { return told(new_agent(members)); });
}

// A stored record nests its members deeper than the body did; what was accepted must be readable.
TEST(NewAgent, NestingThatIsAcceptedCanBeStoredAndReadBack) {
  bool refused = false;
  for (size_t levels = 1; levels < 64; ++levels) {
    auto made = new_agent(R"(,"metadata":{"m":)" + nested(levels) + "}");
    if (!made.ok()) {
      EXPECT_EQ(made.error().code, Code::kOutOfRange);
      refused = true;
      continue;
    }
    EXPECT_FALSE(refused) << levels;
    EXPECT_TRUE(agent::Config::decode(made->config.encode()).ok()) << levels;
  }
  EXPECT_TRUE(refused);
}

TEST(AgentPatch, ChangesOnlyWhatItNames) {
  const agent::AgentPatch none = parse_agent_patch("{}").value();
  EXPECT_FALSE(none.name || none.description || none.system || none.model || none.tools ||
               none.tags || none.context_window || none.parallel_tool_calls);
  EXPECT_TRUE(none.extra.empty());
  const agent::AgentPatch all =
      parse_agent_patch(
          R"({"name":"N","description":"","system":"S","model":"a/b","tags":[],"tool_ids":[],)"
          R"("context_window_limit":5,"parallel_tool_calls":false,"metadata":{"a":1}})")
          .value();
  EXPECT_EQ(all.name, "N");
  EXPECT_EQ(all.description, "");
  EXPECT_EQ(all.system, "S");
  EXPECT_EQ(all.model, "a/b");
  EXPECT_EQ(all.tags, std::vector<std::string>());
  EXPECT_EQ(all.tools, std::vector<std::string>());
  EXPECT_EQ(all.context_window, 5);
  EXPECT_EQ(all.parallel_tool_calls, false);
  EXPECT_TRUE(all.extra.contains("metadata"));
}

TEST(AgentPatch, TellsWhatIsWrong) {
  expect_told({{"", "out_of_range: body: not valid JSON"},
               {"7", "out_of_range: body: expected a JSON object"},
               {R"({"name":"?"})", "out_of_range: body.name"},
               {R"({"model":"x"})", "invalid_argument: body.model"},
               {R"({"tool_ids":["x"]})", "not_found"},
               {R"({"tags":"x"})", "out_of_range: body.tags"},
               {R"({"message_ids":["x"]})", "invalid_argument: body.message_ids"}},
              [](const std::string& body) { return told(parse_agent_patch(body)); });
}

TEST(BlockPatch, ChangesOnlyWhatItNamesAndTellsWhatIsWrong) {
  const agent::BlockPatch none = parse_block_patch("{}").value();
  EXPECT_FALSE(none.value || none.label || none.description || none.limit || none.read_only ||
               none.metadata || none.tags);
  const agent::BlockPatch all =
      parse_block_patch(R"({"value":"","label":"l","description":"","limit":1,"read_only":false,)"
                        R"("metadata":{},"tags":[]})")
          .value();
  EXPECT_TRUE(all.value && all.label && all.description && all.limit && all.read_only &&
              all.metadata && all.tags);
  expect_told({{R"({"value":null})", "ok"},
               {R"({"label":""})", "out_of_range: body.label"},
               {R"({"label":"a\rb"})", "out_of_range: body.label"},
               {R"({"limit":0})", "out_of_range: body.limit"},
               {R"({"value":1})", "out_of_range: body.value"},
               {"[]", "out_of_range: body: expected a JSON object"}},
              [](const std::string& body) { return told(parse_block_patch(body)); });
}

TEST(Send, HasDefaultsAndGivesEveryMessageItsRun) {
  const SendRequest made =
      send(R"({"messages":[{"role":"user","content":"a","otid":"o","name":"n","sender_id":"s"},)"
           R"({"type":"message","role":"system","content":"b"}]})")
          .value();
  EXPECT_FALSE(made.streaming);
  EXPECT_FALSE(made.stream_tokens);
  EXPECT_TRUE(made.include_pings);
  EXPECT_TRUE(made.return_types.empty());
  EXPECT_TRUE(agent::is_id(made.run.id, "run"));
  EXPECT_EQ(made.run.steps_max, 50);
  EXPECT_EQ(made.run.status, agent::RunStatus::kQueued);
  ASSERT_EQ(made.run.input.size(), 2U);
  const agent::Message& first = made.run.input[0];
  EXPECT_EQ(first.otid, "o");
  EXPECT_EQ(first.name, "n");
  EXPECT_EQ(first.sender_id, "s");
  EXPECT_EQ(first.run_id, made.run.id);
  const agent::Message& second = made.run.input[1];
  EXPECT_EQ(second.role, agent::MessageRole::kSystem);
  EXPECT_EQ(second.otid, agent::part_otid(second.id, 0));
  EXPECT_EQ(stored_input_bytes(made.run), made.run.encode().size());
}

TEST(Send, TakesEveryMemberThatItKnows) {
  const SendRequest made =
      send(R"({"input":[{"type":"text","text":"hi"}],"max_steps":3,"override_model":"a/b",)"
           R"("streaming":true,"stream_tokens":true,"include_pings":false,"background":false,)"
           R"("include_return_message_types":["assistant_message"]})")
          .value();
  EXPECT_TRUE(made.streaming && made.stream_tokens && !made.include_pings);
  EXPECT_EQ(made.return_types, std::vector<std::string>{"assistant_message"});
  EXPECT_EQ(made.run.steps_max, 3);
  EXPECT_EQ(made.run.model, "a/b");
  ASSERT_EQ(made.run.input.size(), 1U);
  EXPECT_EQ(made.run.input[0].role, agent::MessageRole::kUser);
  EXPECT_EQ(made.run.input[0].text, "hi");
}

TEST(Send, TellsWhatIsWrongAndWhere) {
  const std::string user = R"("messages":[{"role":"user","content":"x"}])";
  expect_told(
      {
          {"{" + user + "}", "ok"},
          {R"({"input":"x"})", "ok"},
          {R"({"input":""})", "ok"},
          {"{}", "out_of_range: body: expected either messages or input"},
          {"{" + user + R"(,"input":"x"})", "expected either messages or input"},
          {R"({"messages":{}})", "out_of_range: body.messages: expected a list"},
          {R"({"messages":[]})", "out_of_range: body.messages: expected at least one"},
          {R"({"messages":[null]})", "out_of_range: body.messages.0: expected an object"},
          {R"({"messages":[{"role":"user"}]})", "body.messages.0.content: is required"},
          {R"({"messages":[{"content":"x"}]})", "body.messages.0.role"},
          {R"({"messages":[{"role":"user","content":{}}]})", "body.messages.0.content"},
          {R"({"messages":[{"role":"user","content":["x"]}]})", "body.messages.0.content"},
          {R"({"messages":[{"role":"user","content":[{"type":"text"}]}]})", "content"},
          {R"({"messages":[{"role":"user","content":[{"text":"x"}]}]})", "ok"},
          {R"({"messages":[{"role":"user","content":[{"type":"image","source":{}}]}]})",
           "invalid_argument: body.messages.0.content: parts of type \"image\""},
          {R"({"messages":[{"type":"approval","approvals":[]}]})",
           "invalid_argument: Cannot process approval response: No tool call is currently"},
          {R"({"messages":[{"type":"poem","role":"user","content":"x"}]})",
           "out_of_range: body.messages.0.type"},
          {R"({"messages":[{"type":7,"role":"user","content":"x"}]})", "body.messages.0.type"},
          {"{" + user + R"(,"max_steps":0})", "out_of_range: body.max_steps"},
          {"{" + user + R"(,"max_steps":1001})", "out_of_range: body.max_steps"},
          {"{" + user + R"(,"override_model":"x"})", "invalid_argument: body.override_model"},
          {"{" + user + R"(,"background":true})", "invalid_argument: body.background"},
          {"{" + user + R"(,"client_tools":[{}]})", "invalid_argument: body.client_tools"},
          {"{" + user + R"(,"client_tools":[]})", "ok"},
          {"{" + user + R"(,"x":)" + nested(70) + "}", "out_of_range: body"},
      },
      [](const std::string& body) { return told(send(body)); });
}

TEST(Page, ReadsCursorsLimitAndOrder) {
  const auto page = [](std::string_view query) {
    return parse_page(codec::parse_query(query), 50, store::Order::kReverse);
  };
  const agent::PageRequest none = page("").value();
  EXPECT_FALSE(none.after || none.before);
  EXPECT_EQ(none.limit, 50U);
  EXPECT_EQ(none.order, store::Order::kReverse);
  const agent::PageRequest all =
      page("after=a&before=b&limit=1000&order=asc&order_by=created_at").value();
  EXPECT_EQ(all.after, "a");
  EXPECT_EQ(all.before, "b");
  EXPECT_EQ(all.limit, 1000U);
  EXPECT_EQ(all.order, store::Order::kForward);
  EXPECT_EQ(page("limit=&after=&order=").value().limit, 50U);
  EXPECT_EQ(page("limit=1&limit=2").value().limit, 2U);
  for (const char* bad : {"limit=0", "limit=1001", "limit=-1", "limit=1x", "limit=+1", "limit= 1",
                          "limit=99999999999999999999", "order=ASC"}) {
    EXPECT_EQ(told(page(bad)).substr(0, 19), "out_of_range: query") << bad;
  }
  EXPECT_EQ(page("order_by=name").error().code, Code::kInvalidArgument);
}

TEST(Query, AListIsEveryValueThatIsNotEmpty) {
  const auto query = codec::parse_query("tags=a&tags=&x=1&tags=b%20c");
  EXPECT_EQ(query_texts(query, "tags"), (std::vector<std::string>{"a", "b c"}));
  EXPECT_EQ(query_text(query, "tags"), "b c");
  EXPECT_FALSE(query_text(query, "y").has_value());
}

}  // namespace
}  // namespace kelpie::api
