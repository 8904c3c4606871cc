// The parts of chat completions that whole answers and chunks share. Internal to the codec.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "llm/model.h"

namespace kelpie::llm {

// nullopt while the field is null or missing; a reason that we do not know counts as `stop`.
std::optional<FinishReason> read_finish_reason(const boost::json::object& choice);
std::string_view finish_reason_name(FinishReason reason);

// Numbers that are missing or negative count as 0.
Usage read_usage(const boost::json::object& usage);

// `reasoning_content` (vLLM, DeepSeek) or `reasoning` (Ollama, OpenRouter).
std::string_view read_reasoning(const boost::json::object& message);

// A call's arguments as text: some servers send an object instead.
std::string read_arguments(const boost::json::object& function);

// Reasons and calls that contradict each other are set right: a reply with calls ends for them,
// unless it was cut.
void settle_finish_reason(ChatReply* reply);

// An `error` object inside a 200 answer or a stream.
Error error_in_reply(const boost::json::value& error);

}  // namespace kelpie::llm
