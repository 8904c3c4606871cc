#include "agent/records.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "agent/record_json.h"
#include "codec/json.h"

namespace kelpie::agent {
namespace json = boost::json;

std::string legible(std::string_view text) {
  std::string out(text);
  if (!base::is_utf8(text)) {
    for (char& c : out) {
      c = static_cast<unsigned char>(c) < 0x80 ? c : '?';
    }
  }
  return out;
}

Bytes Config::encode() const {
  json::object object{{"format", kRecordFormat},
                      {"id", id},
                      {"name", name},
                      {"agent_type", agent_type},
                      {"system", system},
                      {"model", model},
                      {"tools", array_from(tools)},
                      {"tags", array_from(tags)},
                      {"context_window", context_window},
                      {"parallel_tool_calls", parallel_tool_calls},
                      {"created", created_micros},
                      {"updated", updated_micros},
                      {"extra", extra}};
  put_text(object, "description", description);
  return codec::write_json(object);
}

Result<Config> Config::decode(ByteView bytes) {
  const json::object object = TRY(parse_record(bytes, "agent"));
  Config config;
  config.id = text_of(object, "id");
  config.name = text_of(object, "name");
  config.agent_type = text_of(object, "agent_type");
  config.description = text_of(object, "description");
  config.system = text_of(object, "system");
  config.model = text_of(object, "model");
  config.tools = texts_of(object, "tools");
  config.tags = texts_of(object, "tags");
  config.context_window = number_of(object, "context_window");
  config.parallel_tool_calls = flag_of(object, "parallel_tool_calls");
  config.created_micros = number_of(object, "created");
  config.updated_micros = number_of(object, "updated");
  config.extra = object_of(object, "extra");
  return config;
}

Bytes Block::encode() const {
  json::object object{{"format", kRecordFormat}, {"id", id},
                      {"label", label},          {"value", value},
                      {"limit", limit},          {"position", position},
                      {"read_only", read_only},  {"metadata", metadata},
                      {"tags", array_from(tags)}};
  if (has_description) {
    object["description"] = description;
  }
  return codec::write_json(object);
}

Result<Block> Block::decode(ByteView bytes) {
  const json::object object = TRY(parse_record(bytes, "block"));
  Block block;
  block.id = text_of(object, "id");
  block.label = text_of(object, "label");
  block.value = text_of(object, "value");
  block.description = text_of(object, "description");
  block.has_description = object.contains("description");
  block.limit = number_of(object, "limit");
  block.position = number_of(object, "position");
  block.read_only = flag_of(object, "read_only");
  block.metadata = object_of(object, "metadata");
  block.tags = texts_of(object, "tags");
  return block;
}

std::string_view role_name(MessageRole role) {
  switch (role) {
    case MessageRole::kSystem:
      return "system";
    case MessageRole::kUser:
      return "user";
    case MessageRole::kAssistant:
      return "assistant";
    case MessageRole::kTool:
      return "tool";
  }
  return "user";
}

namespace {

Result<MessageRole> role_from(std::string_view name) {
  for (MessageRole role :
       {MessageRole::kSystem, MessageRole::kUser, MessageRole::kAssistant, MessageRole::kTool}) {
    if (role_name(role) == name) {
      return role;
    }
  }
  return base::data_loss("a stored message has the unknown role \"" + std::string(name) + "\"");
}

json::object message_object(const Message& message) {
  json::object object{{"format", kRecordFormat},
                      {"id", message.id},
                      {"role", role_name(message.role)},
                      {"created", message.created_micros}};
  put_text(object, "text", message.text);
  put_text(object, "reasoning", message.reasoning);
  put_text(object, "run", message.run_id);
  put_text(object, "step", message.step_id);
  put_text(object, "otid", message.otid);
  put_text(object, "name", message.name);
  put_text(object, "sender", message.sender_id);
  if (!message.tool_calls.empty()) {
    object["tool_calls"] = array_from(message.tool_calls);
  }
  if (!message.tool_returns.empty()) {
    object["tool_returns"] = array_from(message.tool_returns);
  }
  return object;
}

Result<Message> message_from(const json::object& object) {
  Message message;
  message.id = text_of(object, "id");
  message.role = TRY(role_from(text_of(object, "role")));
  message.text = text_of(object, "text");
  message.reasoning = text_of(object, "reasoning");
  message.run_id = text_of(object, "run");
  message.step_id = text_of(object, "step");
  message.otid = text_of(object, "otid");
  message.name = text_of(object, "name");
  message.sender_id = text_of(object, "sender");
  message.created_micros = number_of(object, "created");
  message.tool_calls = TRY(tool_calls_of(object, "tool_calls"));
  message.tool_returns = TRY(tool_returns_of(object, "tool_returns"));
  return message;
}

std::string_view status_name(RunStatus status) {
  switch (status) {
    case RunStatus::kQueued:
      return "queued";
    case RunStatus::kRunning:
      return "running";
    case RunStatus::kCompleted:
      return "completed";
    case RunStatus::kFailed:
      return "failed";
  }
  return "failed";
}

// A run in a state that is not known must not be taken for one that has yet to start.
Result<RunStatus> status_from(std::string_view name) {
  for (RunStatus status :
       {RunStatus::kQueued, RunStatus::kRunning, RunStatus::kCompleted, RunStatus::kFailed}) {
    if (status_name(status) == name) {
      return status;
    }
  }
  return base::data_loss("a stored run has the unknown status \"" + std::string(name) + "\"");
}

}  // namespace

Bytes Message::encode() const { return codec::write_json(message_object(*this)); }

Result<Message> Message::decode(ByteView bytes) {
  return message_from(TRY(parse_record(bytes, "message")));
}

Bytes Run::encode() const {
  json::array messages;
  for (const Message& message : input) {
    messages.push_back(message_object(message));
  }
  json::object object{{"format", kRecordFormat},
                      {"id", id},
                      {"status", status_name(status)},
                      {"input", std::move(messages)},
                      {"steps_max", steps_max},
                      {"steps", steps},
                      {"usage", json::object{{"prompt", usage.prompt},
                                             {"completion", usage.completion},
                                             {"cached", usage.cached},
                                             {"reasoning", usage.reasoning},
                                             {"context", usage.context}}},
                      {"created", created_micros},
                      {"ended", ended_micros}};
  put_text(object, "model", model);
  put_text(object, "stop_reason", stop_reason);
  put_text(object, "error_type", error_type);
  put_text(object, "error_message", error_message);
  return codec::write_json(object);
}

Result<Run> Run::decode(ByteView bytes) {
  const json::object object = TRY(parse_record(bytes, "run"));
  Run run;
  run.id = text_of(object, "id");
  run.status = TRY(status_from(text_of(object, "status")));
  for (const json::value& item : array_of(object, "input")) {
    if (!item.is_object()) {
      return base::data_loss("a stored input message is not a JSON object");
    }
    run.input.push_back(TRY(message_from(item.get_object())));
  }
  run.model = text_of(object, "model");
  run.steps_max = number_of(object, "steps_max");
  run.steps = number_of(object, "steps");
  const json::object usage = object_of(object, "usage");
  run.usage = {number_of(usage, "prompt"), number_of(usage, "completion"),
               number_of(usage, "cached"), number_of(usage, "reasoning"),
               number_of(usage, "context")};
  run.stop_reason = text_of(object, "stop_reason");
  run.error_type = text_of(object, "error_type");
  run.error_message = text_of(object, "error_message");
  run.created_micros = number_of(object, "created");
  run.ended_micros = number_of(object, "ended");
  return run;
}

}  // namespace kelpie::agent
