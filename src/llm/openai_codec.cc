#include "llm/openai_codec.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "codec/json.h"
#include "llm/json_fields.h"
#include "llm/offline_text.h"
#include "llm/openai_fields.h"

namespace kelpie::llm {
namespace {

constexpr size_t kQuotedErrorBytesMax = 500;

std::string_view role_name(Role role) {
  switch (role) {
    case Role::kSystem:
      return "system";
    case Role::kAssistant:
      return "assistant";
    case Role::kTool:
      return "tool";
    case Role::kUser:
      break;
  }
  return "user";
}

boost::json::object encode_call(const ToolCall& call) {
  boost::json::object function;
  function["name"] = call.name;
  // Some servers parse the history's arguments and refuse an empty text.
  function["arguments"] = call.arguments.empty() ? "{}" : call.arguments;
  boost::json::object object;
  object["id"] = call.id;
  object["type"] = "function";
  object["function"] = std::move(function);
  return object;
}

boost::json::object encode_message(const ChatMessage& message) {
  boost::json::object object;
  object["role"] = role_name(message.role);
  if (message.content.empty() && !message.tool_calls.empty()) {
    object["content"] = nullptr;
  } else {
    object["content"] = message.content;
  }
  if (!message.tool_calls.empty()) {
    boost::json::array calls;
    for (const ToolCall& call : message.tool_calls) {
      calls.push_back(encode_call(call));
    }
    object["tool_calls"] = std::move(calls);
  }
  if (message.role == Role::kTool) {
    object["tool_call_id"] = message.tool_call_id;
  }
  return object;
}

boost::json::object encode_tool(const ToolSpec& tool) {
  boost::json::object function;
  function["name"] = tool.name;
  if (!tool.description.empty()) {
    function["description"] = tool.description;
  }
  function["parameters"] = tool.parameters;
  if (tool.parameters.empty()) {
    function["parameters"] =
        boost::json::object({{"type", "object"}, {"properties", boost::json::object()}});
  }
  boost::json::object object;
  object["type"] = "function";
  object["function"] = std::move(function);
  return object;
}

Result<boost::json::object> parse_object(ByteView body, std::string_view what) {
  auto parsed = codec::parse_json(body);
  if (!parsed.ok()) {
    return base::data_loss(std::string(what) + " is not JSON: " + parsed.error().message);
  }
  if (!parsed->is_object()) {
    return base::data_loss(std::string(what) + " is not a JSON object");
  }
  return std::move(parsed->get_object());
}

std::vector<ToolCall> read_calls(const boost::json::object& message, std::string_view id_prefix) {
  std::vector<ToolCall> calls;
  const auto add = [&](const boost::json::object& function, std::string_view id) {
    ToolCall call{.id = std::string(id),
                  .name = std::string(string_field(function, "name").value_or("")),
                  .arguments = read_arguments(function)};
    if (call.id.empty()) {
      call.id = std::string(id_prefix) + "_" + std::to_string(calls.size());
    }
    calls.push_back(std::move(call));
  };
  if (const boost::json::array* listed = array_field(message, "tool_calls")) {
    for (const boost::json::value& value : *listed) {
      const boost::json::object* call = value.if_object();
      const boost::json::object* function =
          call == nullptr ? nullptr : object_field(*call, "function");
      if (function != nullptr) {
        add(*function, string_field(*call, "id").value_or(""));
      }
    }
  }
  const boost::json::object* legacy = object_field(message, "function_call");
  if (legacy != nullptr && calls.empty()) {
    add(*legacy, "");
  }
  return calls;
}

// What the server says went wrong; the text itself when it is no JSON that we know.
struct ServerError {
  std::string message;
  std::string type;
  std::string code;
};

ServerError read_error(ByteView body) {
  ServerError error;
  auto parsed = codec::parse_json(body);
  const boost::json::object* object = parsed.ok() ? parsed->if_object() : nullptr;
  if (object == nullptr) {
    error.message = std::string(trimmed(body));
    return error;
  }
  const boost::json::object* inner = object_field(*object, "error");
  const boost::json::object& from = inner == nullptr ? *object : *inner;
  error.message = string_field(from, "message").value_or("");
  error.type = string_field(from, "type").value_or("");
  error.code = string_field(from, "code").value_or("");
  if (error.message.empty()) {
    // `{"error": "..."}` (Ollama) and `{"detail": "..."}` (FastAPI).
    error.message = string_field(*object, "error")
                        .value_or(string_field(*object, "detail").value_or(trimmed(body)));
  }
  return error;
}

bool is_context_error(const ServerError& error) {
  if (error.code == "context_length_exceeded") {
    return true;
  }
  const std::string message = ascii_lower(error.message);
  const auto says = [&](std::string_view text) { return message.find(text) != std::string::npos; };
  return says("maximum context length") || says("context length exceeded") ||
         says("context window") || says("exceeds the available context size") ||
         says("context_length_exceeded") || says("longer than the maximum model length");
}

}  // namespace

std::string encode_request(const ChatRequest& request, const EncodeOptions& options) {
  boost::json::object object;
  object["model"] = request.model;
  boost::json::array messages;
  for (const ChatMessage& message : request.messages) {
    messages.push_back(encode_message(message));
  }
  object["messages"] = std::move(messages);
  if (!request.tools.empty()) {
    boost::json::array tools;
    for (const ToolSpec& tool : request.tools) {
      tools.push_back(encode_tool(tool));
    }
    object["tools"] = std::move(tools);
    // Several calls are everyone's default, and some models refuse the field.
    if (!request.parallel_tool_calls) {
      object["parallel_tool_calls"] = false;
    }
  }
  if (request.max_tokens) {
    object[options.token_limit == TokenLimitField::kMaxTokens ? "max_tokens"
                                                              : "max_completion_tokens"] =
        *request.max_tokens;
  }
  if (request.temperature) {
    object["temperature"] = *request.temperature;
  }
  if (options.streaming == Streaming::kYes) {
    object["stream"] = true;
    object["stream_options"] = boost::json::object({{"include_usage", true}});
  }
  return codec::write_json(object);
}

Result<ChatReply> decode_reply(ByteView body, std::string_view id_prefix) {
  const boost::json::object object = TRY(parse_object(body, "the model's answer"));
  const boost::json::array* choices = array_field(object, "choices");
  if (const boost::json::value* error = field(object, "error");
      error != nullptr && !error->is_null() && choices == nullptr) {
    return error_in_reply(*error);
  }
  const boost::json::object* choice =
      choices == nullptr || choices->empty() ? nullptr : choices->front().if_object();
  const boost::json::object* message =
      choice == nullptr ? nullptr : object_field(*choice, "message");
  if (message == nullptr) {
    return base::data_loss("the model's answer has no choices[0].message");
  }
  ChatReply reply;
  if (const boost::json::value* content = field(*message, "content")) {
    reply.content = text_of(*content).value_or("");
  }
  if (reply.content.empty()) {
    reply.content = string_field(*message, "refusal").value_or("");
  }
  reply.reasoning = read_reasoning(*message);
  reply.tool_calls = read_calls(*message, id_prefix);
  reply.finish_reason = read_finish_reason(*choice).value_or(FinishReason::kStop);
  settle_finish_reason(&reply);
  if (const boost::json::object* usage = object_field(object, "usage")) {
    reply.usage = read_usage(*usage);
  }
  return reply;
}

Error decode_error(int status, ByteView body) {
  const ServerError error = read_error(body);
  std::string message = "the model's server answered " + std::to_string(status);
  if (!error.message.empty()) {
    message.append(": ").append(utf8_prefix(error.message, kQuotedErrorBytesMax));
  }
  if (status == 401 || status == 403) {
    return {.code = Code::kUnauthenticated, .message = std::move(message)};
  }
  if (status == 402 || status == 429) {
    return base::resource_exhausted(std::move(message));
  }
  if (is_context_error(error)) {
    return base::out_of_range(std::move(message));
  }
  if (status >= 500 || status == 408) {
    return base::unavailable(std::move(message));
  }
  return base::invalid_argument(std::move(message));
}

bool is_quota_error(ByteView body) {
  const ServerError error = read_error(body);
  return error.code == "insufficient_quota" || error.type == "insufficient_quota";
}

Result<std::vector<ListedModel>> decode_models(ByteView body, size_t count_max) {
  const boost::json::object object = TRY(parse_object(body, "the list of models"));
  const boost::json::array* data = array_field(object, "data");
  if (data == nullptr) {
    return base::data_loss("the list of models has no `data`");
  }
  std::vector<ListedModel> models;
  for (const boost::json::value& value : *data) {
    const boost::json::object* model = value.if_object();
    const auto id = model == nullptr ? std::nullopt : string_field(*model, "id");
    if (!id || id->empty()) {
      continue;
    }
    ListedModel listed{.name = std::string(*id)};
    // vLLM, Groq and OpenRouter each have a name of their own for it.
    for (const std::string_view name : {"max_model_len", "context_window", "context_length"}) {
      if (listed.context_window <= 0) {
        listed.context_window = int_field(*model, name).value_or(0);
      }
    }
    listed.context_window = std::max<int64_t>(listed.context_window, 0);
    models.push_back(std::move(listed));
  }
  std::ranges::sort(models, {}, &ListedModel::name);
  const auto twins = std::ranges::unique(models, {}, &ListedModel::name);
  models.erase(twins.begin(), twins.end());
  if (models.size() > count_max) {
    models.resize(count_max);
  }
  return models;
}

}  // namespace kelpie::llm
