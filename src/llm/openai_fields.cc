#include "llm/openai_fields.h"

#include <algorithm>
#include <boost/json/value.hpp>

#include "codec/json.h"
#include "llm/json_fields.h"
#include "llm/openai_codec.h"

namespace kelpie::llm {

std::optional<FinishReason> read_finish_reason(const boost::json::object& choice) {
  const auto reason = string_field(choice, "finish_reason");
  if (!reason || reason->empty()) {
    return std::nullopt;
  }
  if (*reason == "length" || *reason == "max_tokens") {
    return FinishReason::kLength;
  }
  if (*reason == "tool_calls" || *reason == "function_call") {
    return FinishReason::kToolCalls;
  }
  return *reason == "content_filter" ? FinishReason::kContentFilter : FinishReason::kStop;
}

std::string_view finish_reason_name(FinishReason reason) {
  switch (reason) {
    case FinishReason::kLength:
      return "length";
    case FinishReason::kToolCalls:
      return "tool_calls";
    case FinishReason::kContentFilter:
      return "content_filter";
    case FinishReason::kStop:
      break;
  }
  return "stop";
}

Usage read_usage(const boost::json::object& usage) {
  const auto count = [](const boost::json::object* object, std::string_view name) -> int64_t {
    return object == nullptr ? 0 : std::max<int64_t>(int_field(*object, name).value_or(0), 0);
  };
  return {
      .prompt_tokens = count(&usage, "prompt_tokens"),
      .completion_tokens = count(&usage, "completion_tokens"),
      .cached_input_tokens = count(object_field(usage, "prompt_tokens_details"), "cached_tokens"),
      .reasoning_tokens =
          count(object_field(usage, "completion_tokens_details"), "reasoning_tokens")};
}

std::string_view read_reasoning(const boost::json::object& message) {
  const auto reasoning = string_field(message, "reasoning_content");
  return reasoning ? *reasoning : string_field(message, "reasoning").value_or("");
}

std::string read_arguments(const boost::json::object& function) {
  const boost::json::value* arguments = field(function, "arguments");
  if (arguments == nullptr || arguments->is_null()) {
    return "";
  }
  if (const boost::json::string* text = arguments->if_string()) {
    return std::string(std::string_view(*text));
  }
  return codec::write_json(*arguments);
}

void settle_finish_reason(ChatReply* reply) {
  const bool has_calls = !reply->tool_calls.empty();
  if (has_calls && reply->finish_reason == FinishReason::kStop) {
    reply->finish_reason = FinishReason::kToolCalls;
  } else if (!has_calls && reply->finish_reason == FinishReason::kToolCalls) {
    reply->finish_reason = FinishReason::kStop;
  }
}

Error error_in_reply(const boost::json::value& error) {
  int status = 500;
  if (const boost::json::object* object = error.if_object()) {
    const int64_t code = int_field(*object, "code").value_or(0);
    const std::string_view type = string_field(*object, "type").value_or("");
    if (code >= 400 && code <= 599) {
      status = static_cast<int>(code);
    } else if (type == "invalid_request_error") {
      status = 400;
    } else if (type.starts_with("rate_limit")) {
      status = 429;
    }
  }
  boost::json::object body;
  body["error"] = error;
  return decode_error(status, codec::write_json(body));
}

}  // namespace kelpie::llm
