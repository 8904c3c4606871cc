#include "agent/record_json.h"

#include <utility>

#include "codec/json.h"

namespace kelpie::agent {

namespace json = boost::json;

Result<json::object> parse_record(ByteView bytes, std::string_view kind) {
  auto value = codec::parse_json(bytes);
  if (!value.ok() || !value->is_object()) {
    return base::data_loss("a stored " + std::string(kind) + " is not a JSON object");
  }
  json::object object = std::move(value->get_object());
  const int64_t format = number_of(object, "format");
  if (format != kRecordFormat) {
    return base::data_loss("a stored " + std::string(kind) + " has format " +
                           std::to_string(format) + ", expected " + std::to_string(kRecordFormat) +
                           (format > kRecordFormat ? ": a newer version wrote it" : ""));
  }
  return object;
}

std::string text_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

int64_t number_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

bool flag_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_bool() && value->get_bool();
}

json::object object_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_object() ? value->get_object() : json::object();
}

const json::array& array_of(const json::object& object, std::string_view name) {
  static const json::array kEmpty;
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_array() ? value->get_array() : kEmpty;
}

std::vector<std::string> texts_of(const json::object& object, std::string_view name) {
  std::vector<std::string> texts;
  for (const json::value& item : array_of(object, name)) {
    if (item.is_string()) {
      texts.emplace_back(item.get_string());
    }
  }
  return texts;
}

json::array array_from(const std::vector<std::string>& texts) {
  json::array array;
  for (const std::string& text : texts) {
    array.emplace_back(text);
  }
  return array;
}

void put_text(json::object& object, std::string_view name, const std::string& text) {
  if (!text.empty()) {
    object[name] = text;
  }
}

json::array array_from(const std::vector<llm::ToolCall>& calls) {
  json::array array;
  for (const llm::ToolCall& call : calls) {
    array.push_back(
        json::object{{"id", call.id}, {"name", call.name}, {"arguments", call.arguments}});
  }
  return array;
}

json::array array_from(const std::vector<ToolReturn>& returns) {
  json::array array;
  for (const ToolReturn& item : returns) {
    array.push_back(json::object{{"id", item.tool_call_id},
                                 {"name", item.name},
                                 {"status", item.status},
                                 {"content", item.content}});
  }
  return array;
}

Result<std::vector<llm::ToolCall>> tool_calls_of(const json::object& object,
                                                 std::string_view name) {
  std::vector<llm::ToolCall> calls;
  for (const json::value& item : array_of(object, name)) {
    if (!item.is_object()) {
      return base::data_loss("a stored tool call is not a JSON object");
    }
    const json::object& call = item.get_object();
    calls.push_back({text_of(call, "id"), text_of(call, "name"), text_of(call, "arguments")});
  }
  return calls;
}

Result<std::vector<ToolReturn>> tool_returns_of(const json::object& object, std::string_view name) {
  std::vector<ToolReturn> returns;
  for (const json::value& item : array_of(object, name)) {
    if (!item.is_object()) {
      return base::data_loss("a stored tool return is not a JSON object");
    }
    const json::object& part = item.get_object();
    returns.push_back({text_of(part, "id"), text_of(part, "name"), text_of(part, "status"),
                       text_of(part, "content")});
  }
  return returns;
}

}  // namespace kelpie::agent
