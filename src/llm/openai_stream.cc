#include "llm/openai_stream.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "codec/json.h"
#include "llm/json_fields.h"
#include "llm/offline_text.h"
#include "llm/openai_fields.h"

namespace kelpie::llm {

Result<void> StreamAssembler::on_data(ByteView data) {
  data = trimmed(data);
  if (ended_ || data.empty()) {
    return kOk;
  }
  if (data == "[DONE]") {
    ended_ = true;
    return kOk;
  }
  auto parsed = codec::parse_json(data);
  if (!parsed.ok()) {
    return base::data_loss("a chunk of the model's answer is not JSON: " + parsed.error().message);
  }
  const boost::json::object* chunk = parsed->if_object();
  if (chunk == nullptr) {
    return base::data_loss("a chunk of the model's answer is not a JSON object");
  }
  if (const boost::json::value* error = field(*chunk, "error");
      error != nullptr && !error->is_null()) {
    return error_in_reply(*error);
  }
  if (const boost::json::object* usage = object_field(*chunk, "usage")) {
    reply_.usage = read_usage(*usage);
    has_usage_ = true;
  }
  const boost::json::array* choices = array_field(*chunk, "choices");
  if (choices == nullptr || choices->empty() || !choices->front().is_object()) {
    return kOk;  // usage alone, or a sign of life
  }
  const boost::json::object& choice = choices->front().get_object();
  if (const boost::json::object* delta = object_field(choice, "delta")) {
    on_delta(*delta);
  }
  if (const auto reason = read_finish_reason(choice)) {
    finish_reason_ = reason;
  }
  return kOk;
}

void StreamAssembler::on_delta(const boost::json::object& delta) {
  if (const std::string_view reasoning = read_reasoning(delta); !reasoning.empty()) {
    emitted_ = true;
    reply_.reasoning.append(reasoning);
    sink_.on_reasoning(reasoning);
  }
  std::string text;
  if (const boost::json::value* content = field(delta, "content")) {
    text = text_of(*content).value_or("");
  }
  text.append(string_field(delta, "refusal").value_or(""));
  if (!text.empty()) {
    emitted_ = true;
    reply_.content.append(text);
    sink_.on_text(text);
  }
  if (const boost::json::array* fragments = array_field(delta, "tool_calls")) {
    for (const boost::json::value& fragment : *fragments) {
      if (const boost::json::object* object = fragment.if_object()) {
        on_call_fragment(*object);
      }
    }
  }
  if (const boost::json::object* legacy = object_field(delta, "function_call")) {
    boost::json::object fragment;
    fragment["index"] = 0;
    fragment["function"] = *legacy;
    on_call_fragment(fragment);
  }
}

// Which call a fragment belongs to. By the server's index; but Ollama has given every call index 0,
// so another id under the same index begins another call. Without an index an id or a name begins
// one.
size_t StreamAssembler::call_index(const boost::json::object& fragment) {
  const auto index = int_field(fragment, "index");
  const std::string_view id = string_field(fragment, "id").value_or("");
  const boost::json::object* function = object_field(fragment, "function");
  const bool named = function != nullptr && !string_field(*function, "name").value_or("").empty();
  for (size_t i = calls_.size(); i-- > 0;) {
    const Partial& partial = calls_[i];
    const bool same_index = index ? partial.index == index : i + 1 == calls_.size();
    if (!same_index) {
      continue;
    }
    const bool other_id = !id.empty() && !partial.call.id.empty() && partial.call.id != id;
    const bool begins = !index && id.empty() && named && !partial.call.name.empty();
    if (!other_id && !begins) {
      return i;
    }
    break;
  }
  calls_.push_back({.index = index});
  return calls_.size() - 1;
}

void StreamAssembler::on_call_fragment(const boost::json::object& fragment) {
  const size_t at = call_index(fragment);
  Partial& partial = calls_[at];
  if (partial.call.id.empty()) {
    partial.call.id = string_field(fragment, "id").value_or("");
  }
  std::string arguments;
  if (const boost::json::object* function = object_field(fragment, "function")) {
    arguments = read_arguments(*function);
    if (partial.call.name.empty()) {
      partial.call.name = string_field(*function, "name").value_or("");
    }
  }
  partial.call.arguments.append(arguments);
  if (partial.announced) {
    if (!arguments.empty()) {
      sink_.on_tool_call(at, "", "", arguments);
    }
    return;
  }
  if (partial.call.name.empty()) {
    return;  // announced with its name, and with the arguments that came before it
  }
  if (partial.call.id.empty()) {
    partial.call.id = id_prefix_ + "_" + std::to_string(at);
  }
  partial.announced = true;
  emitted_ = true;
  sink_.on_tool_call(at, partial.call.id, partial.call.name, partial.call.arguments);
}

Result<ChatReply> StreamAssembler::finish() {
  if (!complete()) {
    return base::unavailable("the model's answer broke off before its end");
  }
  for (Partial& partial : calls_) {
    if (partial.announced) {
      reply_.tool_calls.push_back(std::move(partial.call));
    }
  }
  reply_.finish_reason = finish_reason_.value_or(FinishReason::kStop);
  settle_finish_reason(&reply_);
  return std::move(reply_);
}

}  // namespace kelpie::llm
