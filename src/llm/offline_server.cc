#include "llm/offline_server.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <memory>
#include <utility>

#include "async/loop.h"
#include "async/sleep.h"
#include "base/hash.h"
#include "codec/json.h"
#include "codec/sse.h"
#include "codec/url.h"
#include "llm/offline_rules.h"
#include "world/clock.h"

namespace kelpie::llm {
namespace {

// `fail with timeout`: longer than any client waits.
constexpr Duration kSilence = Duration::hours(1);

net::Response json_response(int status, std::string body) {
  return {
      .status = status, .headers = {{"content-type", "application/json"}}, .body = std::move(body)};
}

net::Response error_response(const ServedError& error) {
  return json_response(error.status, encode_served_error(error));
}

net::Response model_not_found(std::string_view name) {
  return error_response({.status = 404,
                         .message = "The model `" + std::string(name) +
                                    "` does not exist or you do not have access to it.",
                         .param = "model",
                         .code = "model_not_found"});
}

boost::json::object model_object() {
  boost::json::object model;
  model["id"] = kOfflineModelName;
  model["object"] = "model";
  model["created"] = 1'700'000'000;
  model["owned_by"] = kOfflineProvider;
  model["context_window"] = kOfflineContextWindow;
  return model;
}

bool is_offline(std::string_view name) {
  return name == kOfflineModelName || name == kOfflineHandle;
}

// A list of pieces, one at a time; then the end, or a cut.
class PieceSource final : public net::BodySource {
 public:
  enum class End { kClean, kCut };
  PieceSource(async::Loop& loop, std::deque<std::string> pieces, End end)
      : loop_(loop), pieces_(std::move(pieces)), end_(end) {}

  Task<std::optional<std::string>> next() override {
    co_await async::yield(loop_);
    if (pieces_.empty()) {
      if (end_ == End::kCut) {
        co_return base::unavailable("cut on purpose");
      }
      co_return std::optional<std::string>();
    }
    std::optional<std::string> piece(std::move(pieces_.front()));
    pieces_.pop_front();
    co_return std::move(piece);
  }

 private:
  async::Loop& loop_;
  std::deque<std::string> pieces_;
  End end_;
};

net::Response stream_response(async::Loop& loop, std::deque<std::string> pieces,
                              std::string content_type, PieceSource::End end) {
  return {.status = 200,
          .headers = {{"content-type", std::move(content_type)}, {"cache-control", "no-cache"}},
          .stream = std::make_unique<PieceSource>(loop, std::move(pieces), end)};
}

std::string without_prefix(std::string_view path) {
  if (path == "/v1" || path.starts_with("/v1/")) {
    path.remove_prefix(3);
  }
  while (path.size() > 1 && path.ends_with('/')) {
    path.remove_suffix(1);
  }
  return std::string(path);
}

net::Response list_models() {
  boost::json::object list;
  list["object"] = "list";
  list["data"] = boost::json::array({model_object()});
  return json_response(200, codec::write_json(list));
}

net::Response get_model(std::string_view encoded_name) {
  auto name = codec::percent_decode(encoded_name);
  if (!name.ok() || !is_offline(*name)) {
    return model_not_found(name.ok() ? *name : std::string(encoded_name));
  }
  return json_response(200, codec::write_json(model_object()));
}

net::Response wrong_method(const net::Request& request, std::string_view allowed) {
  net::Response response =
      error_response({.status = 405,
                      .message = "Not allowed to " + request.method + " on " + request.path +
                                 " (allowed: " + std::string(allowed) + ")"});
  response.headers.emplace_back("allow", allowed);
  return response;
}

ServedError status_fault(int status) {
  ServedError error{.status = status,
                    .message = "failing on purpose with status " + std::to_string(status)};
  if (status == 429) {
    error.type = "requests";
    error.code = "rate_limit_exceeded";
  } else if (status == 401) {
    error.code = "invalid_api_key";
  } else if (status >= 500) {
    error.type = "server_error";
  }
  return error;
}

}  // namespace

Task<net::Response> OfflineModelHandler::handle(net::Request request) {
  constexpr std::string_view kModels = "/models";
  const std::string path = without_prefix(request.path);
  const bool is_list = path == kModels;
  if (is_list || path.starts_with("/models/")) {
    if (request.method != "GET") {
      co_return wrong_method(request, "GET");
    }
    co_return is_list ? list_models()
                      : get_model(std::string_view(path).substr(kModels.size() + 1));
  }
  if (path == "/chat/completions") {
    if (request.method != "POST") {
      co_return wrong_method(request, "POST");
    }
    co_return co_await complete(std::move(request));
  }
  co_return error_response({.status = 404,
                            .message = "Invalid URL (" + request.method + " " + request.path + ")",
                            .code = "unknown_url"});
}

net::Response OfflineModelHandler::reject(int status, std::string_view reason) {
  return error_response({.status = status, .message = std::string(reason)});
}

Task<net::Response> OfflineModelHandler::complete(net::Request request) {
  DecodedRequest decoded = decode_completion_request(request.body);
  if (!decoded.request) {
    co_return error_response(decoded.error);
  }
  if (!is_offline(decoded.request->chat.model)) {
    co_return model_not_found(decoded.request->chat.model);
  }
  const FaultScript fault = fault_for(request, decoded.request->chat);
  if (fault.fault != OfflineFault::kNone) {
    co_return co_await fail(fault, *decoded.request);
  }
  co_return answer(*decoded.request);
}

FaultScript OfflineModelHandler::fault_for(const net::Request& request, const ChatRequest& chat) {
  const FaultScript script = parse_fault(last_user_text(chat));
  if (script.fault == OfflineFault::kNone || !script.times) {
    return script;
  }
  const uint64_t key = base::hash64(request.body);
  const auto [found, is_new] = attempts_.try_emplace(key, 0);
  if (is_new) {
    attempt_order_.push_back(key);
  }
  const bool fails = ++found->second <= *script.times;
  if (attempt_order_.size() > kAttemptsKept) {
    attempts_.erase(attempt_order_.front());
    attempt_order_.pop_front();
  }
  return fails ? script : FaultScript();
}

Task<net::Response> OfflineModelHandler::fail(FaultScript script,
                                              const CompletionRequest& request) {
  switch (script.fault) {
    case OfflineFault::kTimeout:
      co_await async::sleep_for(world_.loop, kSilence);
      break;
    case OfflineFault::kMalformed:
      if (request.streaming == Streaming::kYes) {
        co_return stream_response(world_.loop, {codec::sse_data("{\"choices\": [{")},
                                  "text/event-stream", PieceSource::End::kClean);
      }
      co_return json_response(200, "{\"choices\": [{");
    case OfflineFault::kContext:
      co_return error_response({.message = "This model's maximum context length is " +
                                           std::to_string(kOfflineContextWindow) + " tokens.",
                                .param = "messages",
                                .code = "context_length_exceeded"});
    case OfflineFault::kStatus: {
      net::Response response = error_response(status_fault(script.status));
      if (script.retry_after_seconds) {
        response.headers.emplace_back("retry-after", std::to_string(*script.retry_after_seconds));
      }
      co_return response;
    }
    case OfflineFault::kCut: {
      net::Response whole = answer(request);
      if (whole.stream == nullptr) {
        co_return stream_response(world_.loop, {whole.body.substr(0, whole.body.size() / 2)},
                                  "application/json", PieceSource::End::kCut);
      }
      // The role, which no sink hears of, and the first word, which one does.
      std::deque<std::string> pieces;
      for (int i = 0; i < 2; ++i) {
        pieces.push_back((co_await whole.stream->next()).value_or(""));
      }
      co_return stream_response(world_.loop, std::move(pieces), "text/event-stream",
                                PieceSource::End::kCut);
    }
    case OfflineFault::kNone:
      break;
  }
  co_return answer(request);
}

net::Response OfflineModelHandler::answer(const CompletionRequest& request) {
  const ChatReply reply = offline_reply(request.chat);
  const auto hash = static_cast<int64_t>(base::hash64(reply.content) >> 1);
  const CompletionHead head{.id = "chatcmpl-" + std::to_string(hash),
                            .model = std::string(kOfflineModelName),
                            .created = world_.clock.wall().seconds()};
  if (request.streaming == Streaming::kNo) {
    return json_response(200, encode_completion(head, reply));
  }
  std::deque<std::string> pieces;
  for (const std::string& chunk : encode_chunks(head, reply, request.usage_chunk)) {
    pieces.push_back(codec::sse_data(chunk));
  }
  pieces.push_back(codec::sse_data("[DONE]"));
  return stream_response(world_.loop, std::move(pieces), "text/event-stream",
                         PieceSource::End::kClean);
}

}  // namespace kelpie::llm
