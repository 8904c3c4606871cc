#include "api/run_stream.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <utility>
#include <variant>

#include "api/render.h"
#include "async/select.h"
#include "base/limits.h"
#include "codec/datetime.h"
#include "codec/json.h"
#include "codec/sse.h"
#include "world/clock.h"

namespace kelpie::api {
namespace {

namespace json = boost::json;

constexpr std::string_view kDone = "data: [DONE]\n\n";

std::string data_frame(const json::value& value) {
  return codec::sse_data(codec::write_json(value));
}

}  // namespace

bool RunFrames::selected(std::string_view type) const {
  return options_.return_types.empty() ||
         std::ranges::find(options_.return_types, type) != options_.return_types.end();
}

RunFrames::Growing& RunFrames::growing(const std::string& message_id) {
  if (growing_.message_id != message_id) {
    growing_ = Growing{message_id, 0, false, false, {}};
  }
  return growing_;
}

json::object RunFrames::piece(std::string_view type, const std::string& message_id, size_t part,
                              int64_t now_micros) const {
  json::object frame = message_frame(type, message_id, now_micros, part);
  frame["run_id"] = run_id_;
  return frame;
}

std::string RunFrames::frames(const agent::RunEvent& event, int64_t now_micros) {
  if (const auto* committed = std::get_if<agent::MessageCommitted>(&event)) {
    return on(*committed);
  }
  if (const auto* ended = std::get_if<agent::RunEnded>(&event)) {
    return on(*ended);
  }
  if (!options_.stream_tokens) {
    return "";
  }
  // A piece without text makes no part: the stored message will have none either.
  if (const auto* text = std::get_if<agent::TextDelta>(&event)) {
    return text->text.empty() ? "" : on(*text, now_micros);
  }
  if (const auto* reasoning = std::get_if<agent::ReasoningDelta>(&event)) {
    return reasoning->text.empty() ? "" : on(*reasoning, now_micros);
  }
  return on(std::get<agent::ToolCallDelta>(event), now_micros);
}

std::string RunFrames::on(const agent::MessageCommitted& event) {
  // Input is never streamed; what has gone out piece by piece is not repeated whole.
  const bool from_model = event.message.role == agent::MessageRole::kAssistant ||
                          event.message.role == agent::MessageRole::kTool;
  if (!from_model || (options_.stream_tokens && growing_.message_id == event.message.id)) {
    return "";
  }
  json::array messages;
  render_message(event.message, options_.return_types, messages);
  std::string out;
  for (const json::value& message : messages) {
    out += data_frame(message);
  }
  return out;
}

std::string RunFrames::on(const agent::TextDelta& event, int64_t now_micros) {
  Growing& message = growing(event.message_id);
  if (!message.text) {
    message.text = true;
    ++message.parts;
  }
  if (!selected("assistant_message")) {
    return "";
  }
  json::object frame =
      piece("assistant_message", event.message_id, message.reasoning ? 1 : 0, now_micros);
  frame["content"] = event.text;
  return data_frame(frame);
}

std::string RunFrames::on(const agent::ReasoningDelta& event, int64_t now_micros) {
  Growing& message = growing(event.message_id);
  if (!message.reasoning) {
    message.reasoning = true;
    ++message.parts;
  }
  if (!selected("reasoning_message")) {
    return "";
  }
  json::object frame = piece("reasoning_message", event.message_id, 0, now_micros);
  frame["source"] = "reasoner_model";
  frame["reasoning"] = event.text;
  return data_frame(frame);
}

std::string RunFrames::on(const agent::ToolCallDelta& event, int64_t now_micros) {
  Growing& message = growing(event.message_id);
  // Each call is a part of its own, so that pieces of two calls are never joined.
  while (message.calls.size() <= event.index) {
    message.calls.push_back(message.parts++);
  }
  if (!selected("tool_call_message")) {
    return "";
  }
  json::object delta;
  if (!event.name.empty()) {
    delta["name"] = event.name;
  }
  delta["arguments"] = event.arguments;
  if (!event.id.empty()) {
    delta["tool_call_id"] = event.id;
  }
  json::object frame =
      piece("tool_call_message", event.message_id, message.calls[event.index], now_micros);
  frame["tool_call"] = delta;
  frame["tool_calls"] = std::move(delta);
  return data_frame(frame);
}

std::string RunFrames::on(const agent::RunEnded& event) const {
  const agent::Run& run = event.run;
  if (run.status == agent::RunStatus::kFailed) {
    return failed(run.stop_reason, run.error_type, run.error_message);
  }
  std::string out = data_frame(render_stop_reason(run.stop_reason));
  out += data_frame(render_usage(run));
  out += kDone;
  return out;
}

std::string RunFrames::failed(std::string_view stop_reason, std::string_view error_type,
                              std::string_view message) const {
  std::string out = data_frame(render_stop_reason(stop_reason));
  out += codec::sse_event("error", codec::write_json(json::object{{"message_type", "error_message"},
                                                                  {"run_id", run_id_},
                                                                  {"error_type", error_type},
                                                                  {"message", message},
                                                                  {"detail", message},
                                                                  {"seq_id", nullptr}}));
  out += kDone;
  return out;
}

std::string RunFrames::ping(std::string_view uuid, int64_t now_micros) const {
  return data_frame(
      json::object{{"message_type", "ping"},
                   {"id", "ping-" + std::string(uuid)},
                   {"date", codec::format_seconds(WallTime::from_nanos(now_micros * 1'000))},
                   {"run_id", run_id_}});
}

std::string RunFrames::incomplete() const {
  return failed("error", "stream_incomplete",
                "the stream ended before the run did; the agent's messages show what became of it");
}

RunStream::RunStream(World& world, world::Rng rng, std::shared_ptr<agent::RunWatch> watch,
                     std::string run_id, RunStreamOptions options)
    : world_(world),
      rng_(rng),
      watch_(std::move(watch)),
      frames_(std::move(run_id), options),
      pings_(options.include_pings) {}

Task<std::optional<std::string>> RunStream::next() {
  if (pings_ && !begun_) {
    begun_ = true;
    co_return std::optional<std::string>(frames_.ping(rng_.uuid(), world_.clock.wall().micros()));
  }
  while (!ended_) {
    auto event = co_await async::timeout(world_.loop, base::kSseKeepAlive, watch_->next()).result();
    const int64_t now = world_.clock.wall().micros();
    if (!event.ok()) {
      if (event.error().code != Code::kDeadlineExceeded) {
        co_return std::move(event).error();
      }
      if (pings_) {
        co_return std::optional<std::string>(frames_.ping(rng_.uuid(), now));
      }
      continue;
    }
    if (!event->has_value()) {
      ended_ = true;
      co_return std::optional<std::string>(frames_.incomplete());
    }
    ended_ = std::holds_alternative<agent::RunEnded>(**event);
    std::string out = frames_.frames(**event, now);
    if (!out.empty()) {
      co_return std::optional<std::string>(std::move(out));
    }
  }
  co_return std::optional<std::string>();
}

}  // namespace kelpie::api
