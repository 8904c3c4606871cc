#include "api/render.h"

#include <algorithm>
#include <boost/json/value.hpp>
#include <utility>

#include "agent/ids.h"
#include "agent/memory_tools.h"
#include "api/requests.h"
#include "codec/datetime.h"

namespace kelpie::api {
namespace {

namespace json = boost::json;

std::string date_seconds(int64_t micros) {
  return codec::format_seconds(WallTime::from_nanos(micros * 1'000));
}
std::string date_micros(int64_t micros) {
  return codec::format_micros(WallTime::from_nanos(micros * 1'000));
}

json::array array_of(const std::vector<std::string>& texts) {
  json::array array;
  for (const std::string& text : texts) {
    array.emplace_back(text);
  }
  return array;
}

json::value optional_text(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

json::value member_or_null(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value == nullptr ? json::value(nullptr) : *value;
}

json::object render_tool(const std::string& name) {
  const llm::ToolSpec spec = agent::builtin_tool_spec(name);
  return json::object{{"id", builtin_tool_id(name)},
                      {"tool_type", "letta_sleeptime_core"},
                      {"name", spec.name},
                      {"description", spec.description},
                      {"source_type", nullptr},
                      {"source_code", nullptr},
                      {"json_schema", json::object{{"name", spec.name},
                                                   {"description", spec.description},
                                                   {"parameters", spec.parameters}}},
                      {"tags", json::array{"letta_sleeptime_core"}},
                      {"return_char_limit", agent::kToolReturnCharactersMax}};
}

json::object render_llm_config(const agent::Config& config) {
  const size_t slash = config.model.find('/');
  return json::object{{"model", config.model.substr(slash + 1)},
                      {"model_endpoint_type", "openai"},
                      {"model_endpoint", nullptr},
                      {"provider_name", config.model.substr(0, slash)},
                      {"provider_category", "base"},
                      {"context_window", config.context_window},
                      {"put_inner_thoughts_in_kwargs", false},
                      {"handle", config.model},
                      {"parallel_tool_calls", config.parallel_tool_calls},
                      {"enable_reasoner", true},
                      {"max_reasoning_tokens", 0}};
}

json::object tool_call_object(const llm::ToolCall& call) {
  return json::object{
      {"name", call.name}, {"arguments", call.arguments}, {"tool_call_id", call.id}};
}

bool selected(const std::vector<std::string>& types, std::string_view type) {
  return types.empty() || std::ranges::find(types, type) != types.end();
}

void add_origin(json::object& frame, const agent::Message& message) {
  if (!message.run_id.empty()) {
    frame["run_id"] = message.run_id;
  }
  if (!message.step_id.empty()) {
    frame["step_id"] = message.step_id;
  }
}

json::object input_frame(const agent::Message& message, std::string_view type) {
  json::object frame = message_frame(type, message.id, message.created_micros, 0);
  if (!message.otid.empty()) {
    frame["otid"] = message.otid;
  }
  if (!message.name.empty()) {
    frame["name"] = message.name;
  }
  if (!message.sender_id.empty()) {
    frame["sender_id"] = message.sender_id;
  }
  add_origin(frame, message);
  frame["content"] = message.text;
  return frame;
}

json::object tool_return_frame(const agent::Message& message) {
  json::object frame = message_frame("tool_return_message", message.id, message.created_micros, 0);
  add_origin(frame, message);
  json::array returns;
  for (const agent::ToolReturn& item : message.tool_returns) {
    returns.push_back(json::object{{"type", "tool"},
                                   {"tool_return", item.content},
                                   {"status", item.status},
                                   {"tool_call_id", item.tool_call_id},
                                   {"stdout", nullptr},
                                   {"stderr", nullptr}});
  }
  if (!message.tool_returns.empty()) {
    const agent::ToolReturn& first = message.tool_returns.front();
    frame["name"] = first.name;
    frame["tool_return"] = first.content;
    frame["status"] = first.status;
    frame["tool_call_id"] = first.tool_call_id;
  }
  frame["tool_returns"] = std::move(returns);
  return frame;
}

void render_assistant(const agent::Message& message, const std::vector<std::string>& types,
                      json::array& out) {
  size_t part = 0;
  if (!message.reasoning.empty()) {
    json::object frame =
        message_frame("reasoning_message", message.id, message.created_micros, part++);
    add_origin(frame, message);
    frame["source"] = "reasoner_model";
    frame["reasoning"] = message.reasoning;
    if (selected(types, "reasoning_message")) {
      out.push_back(std::move(frame));
    }
  }
  if (!message.text.empty()) {
    json::object frame =
        message_frame("assistant_message", message.id, message.created_micros, part++);
    add_origin(frame, message);
    frame["content"] = message.text;
    if (selected(types, "assistant_message")) {
      out.push_back(std::move(frame));
    }
  }
  if (!message.tool_calls.empty() && selected(types, "tool_call_message")) {
    json::object frame =
        message_frame("tool_call_message", message.id, message.created_micros, part);
    add_origin(frame, message);
    frame["tool_call"] = tool_call_object(message.tool_calls.front());
    json::array calls;
    for (const llm::ToolCall& call : message.tool_calls) {
      calls.push_back(tool_call_object(call));
    }
    frame["tool_calls"] = std::move(calls);
    out.push_back(std::move(frame));
  }
}

}  // namespace

json::object message_frame(std::string_view type, std::string_view message_id,
                           int64_t created_micros, size_t part) {
  return json::object{{"id", message_id},
                      {"date", date_seconds(created_micros)},
                      {"message_type", type},
                      {"otid", agent::part_otid(message_id, part)}};
}

json::object render_agent(const agent::AgentView& view) {
  const agent::Config& config = view.config;
  json::array blocks;
  for (const agent::Block& block : view.blocks) {
    blocks.push_back(render_block(block));
  }
  json::array tools;
  for (const std::string& name : config.tools) {
    tools.push_back(render_tool(name));
  }
  json::value settings = member_or_null(config.extra, "model_settings");
  const json::value metadata = member_or_null(config.extra, "metadata");
  return json::object{{"id", config.id},
                      {"name", config.name},
                      {"agent_type", config.agent_type},
                      {"description", optional_text(config.description)},
                      {"system", config.system},
                      {"model", config.model},
                      {"model_settings", std::move(settings)},
                      {"embedding", member_or_null(config.extra, "embedding")},
                      {"embedding_config", nullptr},
                      {"llm_config", render_llm_config(config)},
                      {"compaction_settings", member_or_null(config.extra, "compaction_settings")},
                      {"response_format", nullptr},
                      {"memory", json::object{{"agent_type", config.agent_type},
                                              {"git_enabled", false},
                                              {"blocks", blocks},
                                              {"file_blocks", json::array()},
                                              {"prompt_template", ""}}},
                      {"blocks", blocks},
                      {"tools", std::move(tools)},
                      {"tool_rules", json::array()},
                      {"sources", json::array()},
                      {"tags", array_of(config.tags)},
                      {"secrets", json::array()},
                      {"tool_exec_environment_variables", json::array()},
                      {"identity_ids", json::array()},
                      {"identities", json::array()},
                      {"message_ids", array_of(view.message_ids)},
                      {"metadata", metadata},
                      {"message_buffer_autoclear", false},
                      {"enable_sleeptime", false},
                      {"multi_agent_group", nullptr},
                      {"managed_group", nullptr},
                      {"pending_approval", nullptr},
                      {"timezone", member_or_null(config.extra, "timezone")},
                      {"max_files_open", member_or_null(config.extra, "max_files_open")},
                      {"per_file_view_window_char_limit",
                       member_or_null(config.extra, "per_file_view_window_char_limit")},
                      {"hidden", member_or_null(config.extra, "hidden")},
                      {"created_at", date_micros(config.created_micros)},
                      {"updated_at", date_micros(config.updated_micros)}};
}

json::object render_block(const agent::Block& block) {
  return json::object{{"id", block.id},
                      {"label", block.label},
                      {"value", block.value},
                      {"limit", block.limit},
                      {"description", block.has_description ? json::value(block.description)
                                                            : json::value(nullptr)},
                      {"read_only", block.read_only},
                      {"metadata", block.metadata},
                      {"tags", array_of(block.tags)},
                      {"is_template", false}};
}

json::object render_model(const llm::ModelInfo& model) {
  return json::object{{"handle", model.handle},
                      {"name", model.name},
                      {"display_name", model.name},
                      {"model", model.name},
                      {"model_type", "llm"},
                      {"provider_type", model.provider_type},
                      {"provider_name", model.provider},
                      {"provider_category", "base"},
                      {"model_endpoint_type", model.endpoint_type},
                      {"model_endpoint", optional_text(model.endpoint)},
                      {"context_window", model.context_window},
                      {"max_context_window", model.context_window}};
}

void render_message(const agent::Message& message, const std::vector<std::string>& types,
                    json::array& out) {
  switch (message.role) {
    case agent::MessageRole::kSystem:
      if (selected(types, "system_message")) {
        out.push_back(input_frame(message, "system_message"));
      }
      return;
    case agent::MessageRole::kUser:
      if (selected(types, "user_message")) {
        out.push_back(input_frame(message, "user_message"));
      }
      return;
    case agent::MessageRole::kAssistant:
      render_assistant(message, types, out);
      return;
    case agent::MessageRole::kTool:
      if (selected(types, "tool_return_message")) {
        out.push_back(tool_return_frame(message));
      }
      return;
  }
}

json::object render_stop_reason(std::string_view stop_reason) {
  return json::object{{"message_type", "stop_reason"}, {"stop_reason", stop_reason}};
}

json::object render_usage(const agent::Run& run) {
  return json::object{{"message_type", "usage_statistics"},
                      {"completion_tokens", run.usage.completion},
                      {"prompt_tokens", run.usage.prompt},
                      {"total_tokens", run.usage.prompt + run.usage.completion},
                      {"step_count", run.steps},
                      {"run_ids", nullptr},
                      {"cached_input_tokens", run.usage.cached},
                      {"cache_write_tokens", nullptr},
                      {"reasoning_tokens", run.usage.reasoning},
                      {"context_tokens", run.usage.context}};
}

}  // namespace kelpie::api
