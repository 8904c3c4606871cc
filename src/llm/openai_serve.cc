#include "llm/openai_serve.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "codec/json.h"
#include "llm/json_fields.h"
#include "llm/offline_text.h"
#include "llm/openai_fields.h"

namespace kelpie::llm {
namespace {

constexpr size_t kArgumentPieceBytes = 16;

std::optional<Role> role_of(std::string_view name) {
  if (name == "system" || name == "developer") {
    return Role::kSystem;
  }
  if (name == "user") {
    return Role::kUser;
  }
  if (name == "assistant") {
    return Role::kAssistant;
  }
  if (name == "tool" || name == "function") {
    return Role::kTool;
  }
  return std::nullopt;
}

// Reads a request field by field; the first thing that is wrong ends it.
class RequestReader {
 public:
  DecodedRequest read(ByteView body) {
    auto parsed = codec::parse_json(body);
    if (!parsed.ok()) {
      wrong("We could not parse the JSON body of your request: " + parsed.error().message, "");
    } else if (!parsed->is_object()) {
      wrong("The body of a request is a JSON object", "");
    } else {
      read_object(parsed->get_object());
    }
    if (failed_) {
      result_.request.reset();
    }
    return std::move(result_);
  }

 private:
  void wrong(std::string message, std::string param) {
    failed_ = true;
    result_.error = {.message = std::move(message), .param = std::move(param)};
  }

  void read_object(const boost::json::object& object) {
    CompletionRequest& request = result_.request.emplace();
    const auto model = string_field(object, "model");
    if (!model || model->empty()) {
      return wrong("you must provide a model parameter", "model");
    }
    request.chat.model = *model;
    const boost::json::array* messages = array_field(object, "messages");
    if (messages == nullptr || messages->empty()) {
      return wrong("'messages' must be an array of at least one message", "messages");
    }
    for (size_t i = 0; i < messages->size() && !failed_; ++i) {
      read_message((*messages)[i], "messages[" + std::to_string(i) + "]");
    }
    if (const boost::json::array* tools = array_field(object, "tools")) {
      for (size_t i = 0; i < tools->size() && !failed_; ++i) {
        read_tool((*tools)[i], "tools[" + std::to_string(i) + "]");
      }
    }
    if (!failed_) {
      read_settings(object);
    }
  }

  void read_settings(const boost::json::object& object) {
    CompletionRequest& request = *result_.request;
    if (string_field(object, "tool_choice") == "none") {
      request.chat.tools.clear();
    }
    request.chat.parallel_tool_calls = bool_field(object, "parallel_tool_calls").value_or(true);
    request.streaming =
        bool_field(object, "stream").value_or(false) ? Streaming::kYes : Streaming::kNo;
    const boost::json::object* options = object_field(object, "stream_options");
    if (options != nullptr && bool_field(*options, "include_usage").value_or(false)) {
      request.usage_chunk = UsageChunk::kYes;
    }
    if (int_field(object, "n").value_or(1) != 1) {
      return wrong("this server gives one choice: 'n' must be 1", "n");
    }
    for (const std::string_view name : {"max_tokens", "max_completion_tokens"}) {
      if (const auto tokens = int_field(object, name)) {
        if (*tokens < 1) {
          return wrong("'" + std::string(name) + "' must be at least 1", std::string(name));
        }
        request.chat.max_tokens = tokens;
      }
    }
  }

  void read_message(const boost::json::value& value, const std::string& where) {
    const boost::json::object* object = value.if_object();
    if (object == nullptr) {
      return wrong("'" + where + "' must be an object", where);
    }
    const auto role = role_of(string_field(*object, "role").value_or(""));
    if (!role) {
      return wrong("'" + where + ".role' must be system, developer, user, assistant or tool",
                   where + ".role");
    }
    ChatMessage message{.role = *role};
    const boost::json::value* content = field(*object, "content");
    if (content != nullptr && !content->is_null()) {
      auto text = text_of(*content);
      if (!text) {
        return wrong("'" + where + ".content' must be a string or an array of parts",
                     where + ".content");
      }
      message.content = *std::move(text);
    }
    if (*role == Role::kTool) {
      const auto id = string_field(*object, "tool_call_id");
      if (!id) {
        return wrong("'" + where + ".tool_call_id' is missing", where + ".tool_call_id");
      }
      message.tool_call_id = *id;
    }
    if (const boost::json::array* calls = array_field(*object, "tool_calls")) {
      for (const boost::json::value& call : *calls) {
        read_call(call, where + ".tool_calls", &message);
      }
    }
    result_.request->chat.messages.push_back(std::move(message));
  }

  void read_call(const boost::json::value& value, const std::string& where, ChatMessage* message) {
    const boost::json::object* call = value.if_object();
    const boost::json::object* function =
        call == nullptr ? nullptr : object_field(*call, "function");
    const auto id = call == nullptr ? std::nullopt : string_field(*call, "id");
    const auto name = function == nullptr ? std::nullopt : string_field(*function, "name");
    if (!id || !name) {
      return wrong("each of '" + where + "' must have an id and a function with a name", where);
    }
    message->tool_calls.push_back({.id = std::string(*id),
                                   .name = std::string(*name),
                                   .arguments = read_arguments(*function)});
  }

  void read_tool(const boost::json::value& value, const std::string& where) {
    const boost::json::object* tool = value.if_object();
    const boost::json::object* function =
        tool == nullptr ? nullptr : object_field(*tool, "function");
    const auto name = function == nullptr ? std::nullopt : string_field(*function, "name");
    if (!name || name->empty()) {
      return wrong("'" + where + "' must have a function with a name", where + ".function.name");
    }
    ToolSpec spec{.name = std::string(*name)};
    spec.description = string_field(*function, "description").value_or("");
    if (const boost::json::object* parameters = object_field(*function, "parameters")) {
      spec.parameters = *parameters;
    }
    result_.request->chat.tools.push_back(std::move(spec));
  }

  bool failed_ = false;
  DecodedRequest result_;
};

boost::json::value text_or_null(const std::string& text) {
  return text.empty() ? boost::json::value(nullptr) : boost::json::value(text);
}

boost::json::object encode_usage(const Usage& usage) {
  boost::json::object object;
  object["prompt_tokens"] = usage.prompt_tokens;
  object["completion_tokens"] = usage.completion_tokens;
  object["total_tokens"] = usage.prompt_tokens + usage.completion_tokens;
  object["prompt_tokens_details"] =
      boost::json::object({{"cached_tokens", usage.cached_input_tokens}});
  object["completion_tokens_details"] =
      boost::json::object({{"reasoning_tokens", usage.reasoning_tokens}});
  return object;
}

boost::json::object encode_head(const CompletionHead& head, std::string_view kind) {
  boost::json::object object;
  object["id"] = head.id;
  object["object"] = kind;
  object["created"] = head.created;
  object["model"] = head.model;
  return object;
}

boost::json::object call_fragment(size_t index, std::string_view arguments) {
  boost::json::object function;
  function["arguments"] = arguments;
  boost::json::object fragment;
  fragment["index"] = index;
  fragment["function"] = std::move(function);
  return fragment;
}

// Writes the chunks of one answer; all but the last carry a null usage when one was asked for.
class ChunkWriter {
 public:
  ChunkWriter(const CompletionHead& head, UsageChunk usage) : head_(head), usage_(usage) {}

  void delta(boost::json::object delta) { choice(std::move(delta), nullptr); }
  void text(std::string_view name, const std::string& text) {
    for (const std::string_view piece : word_pieces(text)) {
      boost::json::object object;
      object[name] = piece;
      delta(std::move(object));
    }
  }
  void call(size_t index, const ToolCall& call) {
    boost::json::object first = call_fragment(index, "");
    first["id"] = call.id;
    first["type"] = "function";
    first["function"].as_object()["name"] = call.name;
    fragment(std::move(first));
    for (const std::string_view piece : word_pieces(call.arguments, kArgumentPieceBytes)) {
      fragment(call_fragment(index, piece));
    }
  }
  void finish(const ChatReply& reply) {
    choice(boost::json::object(), boost::json::value(finish_reason_name(reply.finish_reason)));
    if (usage_ == UsageChunk::kYes) {
      boost::json::object chunk = encode_head(head_, "chat.completion.chunk");
      chunk["choices"] = boost::json::array();
      chunk["usage"] = encode_usage(reply.usage);
      chunks_.push_back(codec::write_json(chunk));
    }
  }
  std::vector<std::string> take() { return std::move(chunks_); }

 private:
  void fragment(boost::json::object fragment) {
    boost::json::array fragments;
    fragments.push_back(std::move(fragment));
    boost::json::object object;
    object["tool_calls"] = std::move(fragments);
    delta(std::move(object));
  }
  void choice(boost::json::object delta, boost::json::value reason) {
    boost::json::object choice;
    choice["index"] = 0;
    choice["delta"] = std::move(delta);
    choice["logprobs"] = nullptr;
    choice["finish_reason"] = std::move(reason);
    boost::json::array choices;
    choices.push_back(std::move(choice));
    boost::json::object chunk = encode_head(head_, "chat.completion.chunk");
    chunk["choices"] = std::move(choices);
    if (usage_ == UsageChunk::kYes) {
      chunk["usage"] = nullptr;
    }
    chunks_.push_back(codec::write_json(chunk));
  }

  const CompletionHead& head_;
  UsageChunk usage_;
  std::vector<std::string> chunks_;
};

}  // namespace

DecodedRequest decode_completion_request(ByteView body) { return RequestReader().read(body); }

std::string encode_served_error(const ServedError& error) {
  boost::json::object inner;
  inner["message"] = error.message;
  inner["type"] = error.type;
  inner["param"] = text_or_null(error.param);
  inner["code"] = text_or_null(error.code);
  boost::json::object object;
  object["error"] = std::move(inner);
  return codec::write_json(object);
}

std::string encode_completion(const CompletionHead& head, const ChatReply& reply) {
  boost::json::object message;
  message["role"] = "assistant";
  message["content"] =
      reply.tool_calls.empty() ? boost::json::value(reply.content) : text_or_null(reply.content);
  message["refusal"] = nullptr;
  if (!reply.reasoning.empty()) {
    message["reasoning_content"] = reply.reasoning;
  }
  if (!reply.tool_calls.empty()) {
    boost::json::array calls;
    for (const ToolCall& call : reply.tool_calls) {
      boost::json::object function;
      function["name"] = call.name;
      function["arguments"] = call.arguments;
      boost::json::object object;
      object["id"] = call.id;
      object["type"] = "function";
      object["function"] = std::move(function);
      calls.push_back(std::move(object));
    }
    message["tool_calls"] = std::move(calls);
  }
  boost::json::object choice;
  choice["index"] = 0;
  choice["message"] = std::move(message);
  choice["logprobs"] = nullptr;
  choice["finish_reason"] = finish_reason_name(reply.finish_reason);
  boost::json::array choices;
  choices.push_back(std::move(choice));
  boost::json::object object = encode_head(head, "chat.completion");
  object["choices"] = std::move(choices);
  object["usage"] = encode_usage(reply.usage);
  return codec::write_json(object);
}

std::vector<std::string> encode_chunks(const CompletionHead& head, const ChatReply& reply,
                                       UsageChunk usage_chunk) {
  ChunkWriter writer(head, usage_chunk);
  boost::json::object first;
  first["role"] = "assistant";
  first["content"] =
      reply.tool_calls.empty() ? boost::json::value("") : boost::json::value(nullptr);
  writer.delta(std::move(first));
  writer.text("reasoning_content", reply.reasoning);
  writer.text("content", reply.content);
  for (size_t i = 0; i < reply.tool_calls.size(); ++i) {
    writer.call(i, reply.tool_calls[i]);
  }
  writer.finish(reply);
  return writer.take();
}

}  // namespace kelpie::llm
