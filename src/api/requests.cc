#include "api/requests.h"

#include <algorithm>
#include <boost/json/value.hpp>
#include <charconv>
#include <utility>

#include "agent/ids.h"
#include "agent/memory_tools.h"
#include "agent/prompt.h"
#include "api/fields.h"
#include "base/hash.h"
#include "codec/json.h"

namespace kelpie::api {
namespace {

namespace json = boost::json;

constexpr int64_t kBlockLimitDefault = 100'000;
constexpr int64_t kBlockLimitMax = 2'000'000;
constexpr int64_t kStepsMaxDefault = 50;
constexpr int64_t kStepsMaxMax = 1'000;
constexpr int64_t kContextWindowMax = 100'000'000;
constexpr size_t kNameBytesMax = 256;
constexpr size_t kLabelBytesMax = 256;
constexpr size_t kPageLimitMax = 1'000;

// Stored as they are and given back; docs/guides/api.md says which have an effect.
constexpr std::string_view kStoredMembers[] = {
    "metadata",       "model_settings", "compaction_settings",
    "embedding",      "timezone",       "hidden",
    "max_files_open", "max_tokens",     "per_file_view_window_char_limit"};

// What this server does not do yet; asking for it is an error, not a silent nothing.
constexpr std::string_view kRefusedMembers[] = {
    "tool_rules",       "source_ids",
    "folder_ids",       "block_ids",
    "identity_ids",     "secrets",
    "enable_sleeptime", "tool_exec_environment_variables",
    "message_ids",      "from_template",
    "memory_variables", "include_multi_agent_tools",
    "response_format",  "message_buffer_autoclear"};

// A record nests what it stores a little deeper than the body did: a body at the parser's own limit
// would be stored and could never be read again.
constexpr size_t kBodyDepthMax = codec::kJsonDepthMax - 8;

bool deeper_than(const json::value& value, size_t levels) {
  if (!value.is_structured()) {
    return false;
  }
  if (levels == 0) {
    return true;
  }
  if (value.is_array()) {
    return std::ranges::any_of(value.get_array(), [levels](const json::value& item) {
      return deeper_than(item, levels - 1);
    });
  }
  return std::ranges::any_of(value.get_object(), [levels](const json::key_value_pair& member) {
    return deeper_than(member.value(), levels - 1);
  });
}

Result<json::object> parse_object(std::string_view body) {
  auto value = codec::parse_json(body);
  if (!value.ok()) {
    return base::out_of_range("body: not valid JSON: " + value.error().message);
  }
  if (deeper_than(*value, kBodyDepthMax)) {
    return base::out_of_range("body: nested deeper than " + std::to_string(kBodyDepthMax) +
                              " levels");
  }
  if (!value->is_object()) {
    return base::out_of_range("body: expected a JSON object");
  }
  return std::move(value->get_object());
}

// A name on the wire: letters, digits, `_`, space, `'` and `-`; other bytes of UTF-8 pass.
Result<void> check_name(const std::string& name) {
  const bool good =
      !name.empty() && name.size() <= kNameBytesMax && std::ranges::all_of(name, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte >= 0x80 || std::isalnum(byte) != 0 || c == '_' || c == ' ' || c == '\'' ||
               c == '-';
      });
  if (!good) {
    return base::out_of_range("body.name: expected 1 to " + std::to_string(kNameBytesMax) +
                              " letters, digits, spaces, or _ ' -");
  }
  return kOk;
}

Result<void> check_model(const std::string& handle, std::string_view where) {
  const size_t slash = handle.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == handle.size()) {
    return base::invalid_argument(
        std::string(where) + ": expected a handle like provider/model, got \"" + handle + "\"");
  }
  return kOk;
}

// Labels are part of keys, and element names in the prompt.
Result<void> check_label(const std::string& label, const std::string& where) {
  const bool good = !label.empty() && label.size() <= kLabelBytesMax &&
                    label.find_first_of("<>\n\r/") == std::string::npos;
  if (!good) {
    return base::out_of_range(where + ": expected a label of 1 to " +
                              std::to_string(kLabelBytesMax) + " bytes without < > / or newlines");
  }
  return kOk;
}

Result<void> check_block_length(const agent::Block& block, const std::string& where) {
  const int64_t length = agent::characters(block.value);
  if (length > block.limit) {
    return base::out_of_range(where + ".value: has " + std::to_string(length) +
                              " characters, the block's limit is " + std::to_string(block.limit));
  }
  return kOk;
}

Result<agent::Block> parse_block(const json::value& value, const std::string& where,
                                 world::Rng& rng) {
  if (!value.is_object()) {
    return base::out_of_range(where + ": expected an object");
  }
  Fields fields(value.get_object(), where);
  agent::Block block;
  block.id = agent::new_id(rng, "block");
  auto label = fields.text("label");
  auto text = fields.text("value");
  auto description = fields.text("description");
  block.limit = fields.integer("limit", 1, kBlockLimitMax).value_or(kBlockLimitDefault);
  block.read_only = fields.flag("read_only").value_or(false);
  if (const json::object* metadata = fields.object("metadata")) {
    block.metadata = *metadata;
  }
  block.tags = fields.texts("tags").value_or(std::vector<std::string>());
  TRY(fields.check());
  if (!label.has_value() || !text.has_value()) {
    return base::out_of_range(where + ": label and value are required");
  }
  TRY(check_label(*label, where + ".label"));
  block.label = std::move(*label);
  block.value = std::move(*text);
  block.has_description = description.has_value();
  block.description = std::move(description).value_or("");
  TRY(check_block_length(block, where));
  return block;
}

Result<std::vector<agent::Block>> parse_blocks(Fields& fields, world::Rng& rng) {
  std::vector<agent::Block> blocks;
  const json::array* items = fields.array("memory_blocks");
  TRY(fields.check());
  if (items == nullptr) {
    return blocks;
  }
  for (size_t i = 0; i < items->size(); ++i) {
    const std::string where = "body.memory_blocks." + std::to_string(i);
    agent::Block block = TRY(parse_block((*items)[i], where, rng));
    block.position = static_cast<int64_t>(i);
    for (const agent::Block& other : blocks) {
      if (other.label == block.label) {
        return base::out_of_range(where + ".label: \"" + block.label + "\" is there twice");
      }
    }
    blocks.push_back(std::move(block));
  }
  return blocks;
}

void add_tool(std::vector<std::string>& tools, const std::string& name) {
  if (std::ranges::find(tools, name) == tools.end()) {
    tools.push_back(name);
  }
}

Result<std::vector<std::string>> tools_by_id(const std::vector<std::string>& ids) {
  std::vector<std::string> tools;
  for (const std::string& id : ids) {
    bool known = false;
    for (const std::string& name : agent::builtin_tool_names()) {
      if (builtin_tool_id(name) == id) {
        add_tool(tools, name);
        known = true;
      }
    }
    if (!known) {
      return base::not_found("NOT_FOUND: no tool has the id " + id);
    }
  }
  return tools;
}

Result<std::vector<std::string>> parse_tools(Fields& fields) {
  const auto names = fields.texts("tools");
  const auto ids = fields.texts("tool_ids");
  const bool base_tools = fields.flag("include_base_tools").value_or(true);
  TRY(fields.check());
  std::vector<std::string> tools;
  if (base_tools) {
    tools = agent::builtin_tool_names();
  }
  if (ids.has_value()) {
    for (const std::string& name : TRY(tools_by_id(*ids))) {
      add_tool(tools, name);
    }
  }
  std::string unknown;
  for (const std::string& name : names.value_or(std::vector<std::string>())) {
    if (agent::is_builtin_tool(name)) {
      add_tool(tools, name);
    } else {
      unknown += (unknown.empty() ? "" : ", ") + name;
    }
  }
  if (!unknown.empty()) {
    return base::invalid_argument("Tools not found by name: " + unknown);
  }
  return tools;
}

// `model`, or the handle of a deprecated `llm_config`.
std::optional<std::string> parse_model(Fields& fields) {
  auto model = fields.text("model");
  if (!model.has_value()) {
    if (const json::object* config = fields.object("llm_config")) {
      model = Fields(*config, fields.path("llm_config")).text("handle");
    }
  }
  return model;
}

void read_stored_members(Fields& fields, json::object& extra) {
  for (std::string_view name : kStoredMembers) {
    if (const json::value* value = fields.any(name)) {
      extra[name] = *value;
    }
  }
}

void refuse_members(Fields& fields) {
  for (std::string_view name : kRefusedMembers) {
    fields.refuse(name);
  }
}

// The text of `content`: a string, or a list of text parts.
Result<std::string> parse_content(const json::value* content, const std::string& where) {
  if (content == nullptr) {
    return base::out_of_range(where + ": is required");
  }
  if (content->is_string()) {
    return std::string(content->get_string());
  }
  if (!content->is_array()) {
    return base::out_of_range(where + ": expected a string or a list of parts");
  }
  std::string text;
  for (const json::value& part : content->get_array()) {
    const json::value* kind = part.is_object() ? part.get_object().if_contains("type") : nullptr;
    const json::value* words = part.is_object() ? part.get_object().if_contains("text") : nullptr;
    if (kind != nullptr && kind->is_string() && kind->get_string() != "text") {
      return base::invalid_argument(where + ": parts of type \"" + std::string(kind->get_string()) +
                                    "\" are not supported by this server yet");
    }
    if (words == nullptr || !words->is_string()) {
      return base::out_of_range(where + ": expected parts like {\"type\":\"text\",\"text\":...}");
    }
    if (!text.empty()) {
      text += "\n";
    }
    text += std::string_view(words->get_string());
  }
  return text;
}

Result<agent::MessageRole> parse_role(const std::optional<std::string>& role,
                                      const std::string& where) {
  if (role == "user") {
    return agent::MessageRole::kUser;
  }
  if (role == "system") {
    return agent::MessageRole::kSystem;
  }
  if (role == "assistant") {
    return agent::MessageRole::kAssistant;
  }
  return base::out_of_range(where + ".role: expected user, system or assistant");
}

Result<agent::Message> parse_message(const json::value& value, const std::string& where,
                                     world::Rng& rng) {
  if (!value.is_object()) {
    return base::out_of_range(where + ": expected an object");
  }
  Fields fields(value.get_object(), where);
  const std::string kind = fields.text("type").value_or("message");
  if (kind == "approval" || kind == "tool_return") {
    return base::invalid_argument(
        "Cannot process approval response: No tool call is currently awaiting approval. Please "
        "send a regular message to interact with the agent.");
  }
  if (kind != "message") {
    return base::out_of_range(where + ".type: expected \"message\"");
  }
  agent::Message message;
  message.id = agent::new_id(rng, "message");
  message.otid = fields.text("otid").value_or("");
  message.name = fields.text("name").value_or("");
  message.sender_id = fields.text("sender_id").value_or("");
  const auto role = fields.text("role");
  TRY(fields.check());
  message.role = TRY(parse_role(role, where));
  message.text = TRY(parse_content(fields.any("content"), where + ".content"));
  if (message.otid.empty()) {
    message.otid = agent::part_otid(message.id, 0);
  }
  return message;
}

Result<std::vector<agent::Message>> parse_messages(const json::array& items,
                                                   const std::string& where, world::Rng& rng) {
  std::vector<agent::Message> messages;
  for (size_t i = 0; i < items.size(); ++i) {
    messages.push_back(TRY(parse_message(items[i], where + "." + std::to_string(i), rng)));
  }
  return messages;
}

}  // namespace

std::string builtin_tool_id(std::string_view name) {
  world::Rng rng(base::hash64(name));
  return agent::new_id(rng, "tool");
}

Result<agent::NewAgent> parse_new_agent(std::string_view body, world::Rng& rng,
                                        const std::function<bool(std::string_view)>& lives_here) {
  const json::object object = TRY(parse_object(body));
  Fields fields(object, "body");
  agent::NewAgent agent;
  agent::Config& config = agent.config;
  do {
    config.id = agent::new_id(rng, "agent");
  } while (lives_here && !lives_here(config.id));
  config.name = fields.text("name").value_or("Agent " + config.id.substr(6, 8));
  config.description = fields.text("description").value_or("");
  config.system = fields.text("system").value_or(agent::default_instructions());
  config.agent_type = fields.text("agent_type").value_or("letta_v1_agent");
  config.tags = fields.texts("tags").value_or(std::vector<std::string>());
  config.context_window = fields.integer("context_window_limit", 1, kContextWindowMax).value_or(0);
  config.parallel_tool_calls = fields.flag("parallel_tool_calls").value_or(true);
  config.model = parse_model(fields).value_or("");
  read_stored_members(fields, config.extra);
  refuse_members(fields);
  const json::array* first = fields.array("initial_message_sequence");
  TRY(fields.check());
  TRY(check_name(config.name));
  if (config.agent_type != "letta_v1_agent") {
    return base::invalid_argument("body.agent_type: \"" + config.agent_type +
                                  "\" is not supported by this server yet; expected "
                                  "letta_v1_agent");
  }
  if (config.model.empty()) {
    return base::invalid_argument(
        "body.model is required: a handle like kelpie/offline or openai/gpt-4o-mini");
  }
  TRY(check_model(config.model, "body.model"));
  config.tools = TRY(parse_tools(fields));
  agent.blocks = TRY(parse_blocks(fields, rng));
  if (first != nullptr) {
    agent.first_messages = TRY(parse_messages(*first, "body.initial_message_sequence", rng));
  }
  agent.system_message_id = agent::new_id(rng, "message");
  return agent;
}

Result<agent::AgentPatch> parse_agent_patch(std::string_view body) {
  const json::object object = TRY(parse_object(body));
  Fields fields(object, "body");
  agent::AgentPatch patch;
  patch.name = fields.text("name");
  patch.description = fields.text("description");
  patch.system = fields.text("system");
  patch.tags = fields.texts("tags");
  patch.context_window = fields.integer("context_window_limit", 1, kContextWindowMax);
  patch.parallel_tool_calls = fields.flag("parallel_tool_calls");
  patch.model = parse_model(fields);
  const auto tool_ids = fields.texts("tool_ids");
  read_stored_members(fields, patch.extra);
  refuse_members(fields);
  TRY(fields.check());
  if (patch.name.has_value()) {
    TRY(check_name(*patch.name));
  }
  if (patch.model.has_value()) {
    TRY(check_model(*patch.model, "body.model"));
  }
  if (tool_ids.has_value()) {
    patch.tools = TRY(tools_by_id(*tool_ids));
  }
  return patch;
}

Result<agent::BlockPatch> parse_block_patch(std::string_view body) {
  const json::object object = TRY(parse_object(body));
  Fields fields(object, "body");
  agent::BlockPatch patch;
  patch.value = fields.text("value");
  patch.label = fields.text("label");
  patch.description = fields.text("description");
  patch.limit = fields.integer("limit", 1, kBlockLimitMax);
  patch.read_only = fields.flag("read_only");
  if (const json::object* metadata = fields.object("metadata")) {
    patch.metadata = *metadata;
  }
  patch.tags = fields.texts("tags");
  TRY(fields.check());
  if (patch.label.has_value()) {
    TRY(check_label(*patch.label, "body.label"));
  }
  return patch;
}

Result<SendRequest> parse_send(std::string_view body, world::Rng& rng) {
  const json::object object = TRY(parse_object(body));
  Fields fields(object, "body");
  SendRequest send;
  send.run.id = agent::new_id(rng, "run");
  send.run.steps_max = fields.integer("max_steps", 1, kStepsMaxMax).value_or(kStepsMaxDefault);
  send.run.model = fields.text("override_model").value_or("");
  send.streaming = fields.flag("streaming").value_or(false);
  send.stream_tokens = fields.flag("stream_tokens").value_or(false);
  send.include_pings = fields.flag("include_pings").value_or(true);
  send.return_types =
      fields.texts("include_return_message_types").value_or(std::vector<std::string>());
  for (std::string_view name : {"background", "client_tools", "client_skills", "override_system",
                                "callback_url", "return_logprobs", "return_token_ids"}) {
    fields.refuse(name);
  }
  const json::array* messages = fields.array("messages");
  const json::value* input = fields.any("input");
  TRY(fields.check());
  if (!send.run.model.empty()) {
    TRY(check_model(send.run.model, "body.override_model"));
  }
  if ((messages == nullptr) == (input == nullptr)) {
    return base::out_of_range("body: expected either messages or input");
  }
  if (messages != nullptr) {
    send.run.input = TRY(parse_messages(*messages, "body.messages", rng));
  } else {
    json::object message{{"role", "user"}, {"content", *input}};
    send.run.input.push_back(TRY(parse_message(message, "body.input", rng)));
  }
  if (send.run.input.empty()) {
    return base::out_of_range("body.messages: expected at least one message");
  }
  for (agent::Message& message : send.run.input) {
    message.run_id = send.run.id;
  }
  return send;
}

size_t stored_input_bytes(const agent::Run& run) { return run.encode().size(); }

std::optional<std::string> query_text(const codec::QueryParameters& query, std::string_view name) {
  std::optional<std::string> found;
  for (const auto& [key, value] : query) {
    if (key == name && !value.empty()) {
      found = value;
    }
  }
  return found;
}

std::vector<std::string> query_texts(const codec::QueryParameters& query, std::string_view name) {
  std::vector<std::string> found;
  for (const auto& [key, value] : query) {
    if (key == name && !value.empty()) {
      found.push_back(value);
    }
  }
  return found;
}

Result<agent::PageRequest> parse_page(const codec::QueryParameters& query, size_t default_limit,
                                      store::Order default_order) {
  agent::PageRequest page;
  page.after = query_text(query, "after");
  page.before = query_text(query, "before");
  page.limit = default_limit;
  page.order = default_order;
  if (const auto limit = query_text(query, "limit")) {
    size_t number = 0;
    const auto [end, code] = std::from_chars(limit->data(), limit->data() + limit->size(), number);
    const bool good = code == std::errc() && end == limit->data() + limit->size() && number >= 1 &&
                      number <= kPageLimitMax;
    if (!good) {
      return base::out_of_range("query.limit: expected an integer from 1 to " +
                                std::to_string(kPageLimitMax) + ", got \"" + *limit + "\"");
    }
    page.limit = number;
  }
  if (const auto order = query_text(query, "order")) {
    if (*order != "asc" && *order != "desc") {
      return base::out_of_range("query.order: expected asc or desc, got \"" + *order + "\"");
    }
    page.order = *order == "asc" ? store::Order::kForward : store::Order::kReverse;
  }
  if (const auto by = query_text(query, "order_by"); by.has_value() && *by != "created_at") {
    return base::invalid_argument("query.order_by: \"" + *by +
                                  "\" is not supported by this server yet; expected created_at");
  }
  return page;
}

}  // namespace kelpie::api
