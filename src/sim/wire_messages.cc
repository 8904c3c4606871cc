#include "sim/wire_messages.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <utility>

#include "codec/json.h"

namespace kelpie::sim {
namespace {

std::string text_member(const boost::json::object& object, std::string_view name) {
  const boost::json::value* member = object.if_contains(name);
  return member != nullptr && member->is_string() ? std::string(member->get_string())
                                                  : std::string();
}

// `content` is a string, or parts of which those of type text have one.
std::string content_of(const boost::json::object& message) {
  const boost::json::value* content = message.if_contains("content");
  if (content == nullptr || !content->is_array()) {
    return text_member(message, "content");
  }
  std::string text;
  for (const boost::json::value& part : content->get_array()) {
    if (part.is_object()) {
      text += text_member(part.get_object(), "text");
    }
  }
  return text;
}

// The ids in a list member; if there is none, the one of the single form.
std::vector<std::string> call_ids(const boost::json::object& message, std::string_view list,
                                  const boost::json::object* single) {
  std::vector<std::string> ids;
  if (const auto* many = message.if_contains(list); many != nullptr && many->is_array()) {
    for (const boost::json::value& each : many->get_array()) {
      if (each.is_object()) {
        ids.push_back(text_member(each.get_object(), "tool_call_id"));
      }
    }
  }
  if (ids.empty() && single != nullptr) {
    ids.push_back(text_member(*single, "tool_call_id"));
  }
  return ids;
}

void append(const boost::json::object& message, std::vector<SeenMessage>& out) {
  const SeenMessage seen{text_member(message, "id"), text_member(message, "message_type"),
                         content_of(message), ""};
  std::vector<std::string> ids;
  if (seen.type == "tool_call_message") {
    const boost::json::value* call = message.if_contains("tool_call");
    ids = call_ids(message, "tool_calls",
                   call != nullptr && call->is_object() ? &call->get_object() : nullptr);
  } else if (seen.type == "tool_return_message") {
    ids = call_ids(message, "tool_returns", &message);
  } else {
    out.push_back(seen);
    return;
  }
  for (std::string& id : ids) {
    out.push_back(seen);
    out.back().tool_call_id = std::move(id);
  }
}

}  // namespace

Result<std::vector<SeenMessage>> read_messages(std::string_view json) {
  const boost::json::value document = TRY(codec::parse_json(json));
  const boost::json::value* list = &document;
  if (document.is_object()) {
    list = document.get_object().if_contains("messages");
  }
  if (list == nullptr || !list->is_array()) {
    return base::invalid_argument("expected an array of messages");
  }
  std::vector<SeenMessage> messages;
  for (const boost::json::value& each : list->get_array()) {
    if (!each.is_object()) {
      return base::invalid_argument("expected a message to be an object");
    }
    append(each.get_object(), messages);
    if (!messages.empty() && (messages.back().id.empty() || messages.back().type.empty())) {
      return base::invalid_argument("a message has no id or no message_type");
    }
  }
  return messages;
}

std::string read_model_error(std::string_view json) {
  const Result<boost::json::value> document = codec::parse_json(json);
  const boost::json::object* object = document.ok() ? document->if_object() : nullptr;
  const boost::json::value* error = object == nullptr ? nullptr : object->if_contains("error");
  return error != nullptr && error->is_object() ? text_member(error->get_object(), "type") : "";
}

Result<std::string> read_id(std::string_view json) {
  const boost::json::value document = TRY(codec::parse_json(json));
  std::string id = document.is_object() ? text_member(document.get_object(), "id") : "";
  if (id.empty()) {
    return base::invalid_argument("expected an object with an id");
  }
  return id;
}

}  // namespace kelpie::sim
