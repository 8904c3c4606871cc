// Routes for messages: a message starts a run; the answer is the run's outcome or its stream.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <utility>
#include <variant>

#include "api/render.h"
#include "api/respond.h"
#include "api/routes.h"
#include "api/run_stream.h"
#include "base/limits.h"

namespace kelpie::api {

namespace json = boost::json;

Task<net::Response> Routes::list_messages(Call call) {
  const std::string id = co_await agent_id(call);
  agent::PageRequest page = co_await parse_page(call.query, 100, store::Order::kReverse);
  const auto types = query_texts(call.query, "include_return_message_types");
  const auto conversation = query_text(call.query, "conversation_id");
  if (conversation.has_value() && *conversation != "default") {
    co_return base::invalid_argument(
        "query.conversation_id: only \"default\" is supported by this server yet");
  }
  if (query_text(call.query, "group_id").has_value()) {
    co_return base::invalid_argument("query.group_id is not supported by this server yet");
  }
  auto messages = co_await agents_.messages(id, std::move(page));
  json::array list;
  for (const agent::Message& message : messages) {
    render_message(message, types, list);
  }
  co_return json_response(200, list);
}

Task<net::Response> Routes::send_message(Call call) {
  const std::string id = co_await agent_id(call);
  SendRequest request = co_await parse_send(call.request.body, rng_);
  co_return co_await send(id, std::move(request));
}

Task<net::Response> Routes::stream_message(Call call) {
  const std::string id = co_await agent_id(call);
  SendRequest request = co_await parse_send(call.request.body, rng_);
  request.streaming = true;
  co_return co_await send(id, std::move(request));
}

Task<net::Response> Routes::send(std::string agent_id, SendRequest send) {
  const size_t bytes = stored_input_bytes(send.run);
  if (bytes > base::kChunkedValueBytesMax) {
    co_return detail_response(
        413, "the messages take " + std::to_string(bytes) + " bytes as stored; at most " +
                 std::to_string(base::kChunkedValueBytesMax) + " fit into one transaction");
  }
  if (!send.run.model.empty() && models_.find(send.run.model) == nullptr) {
    co_return base::not_found("NOT_FOUND: no provider serves the model handle " + send.run.model);
  }
  const std::string run_id = send.run.id;
  std::shared_ptr<agent::RunWatch> watch = co_await agents_.send(std::move(agent_id), send.run);
  if (!send.streaming) {
    co_return co_await collect(std::move(watch), std::move(send));
  }
  net::Response response;
  response.headers.emplace_back("content-type", "text/event-stream");
  response.headers.emplace_back("cache-control", "no-cache");
  response.headers.emplace_back("x-accel-buffering", "no");
  response.stream = std::make_unique<RunStream>(
      world_, rng_.fork("stream/" + run_id), std::move(watch), run_id,
      RunStreamOptions{send.stream_tokens, send.include_pings, send.return_types});
  co_return std::move(response);
}

Task<net::Response> Routes::collect(std::shared_ptr<agent::RunWatch> watch, SendRequest send) {
  json::array messages;
  for (;;) {
    std::optional<agent::RunEvent> event = co_await watch->next();
    if (!event.has_value()) {
      net::Response response =
          detail_response(503, "run " + send.run.id +
                                   " was accepted, but this connection lost sight of it; the "
                                   "agent's messages show what became of it");
      response.headers.emplace_back("x-should-retry", "false");
      co_return std::move(response);
    }
    if (const auto* committed = std::get_if<agent::MessageCommitted>(&*event)) {
      render_message(committed->message, send.return_types, messages);
    }
    if (const auto* ended = std::get_if<agent::RunEnded>(&*event)) {
      const agent::Run& run = ended->run;
      if (run.status == agent::RunStatus::kFailed) {
        co_return model_error_response(run.error_type, run.error_message);
      }
      co_return json_response(200,
                              json::object{{"messages", std::move(messages)},
                                           {"stop_reason", render_stop_reason(run.stop_reason)},
                                           {"usage", render_usage(run)}});
    }
  }
}

}  // namespace kelpie::api
