#include "llm/openai_model.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <utility>

#include "async/loop.h"
#include "async/select.h"
#include "async/sleep.h"
#include "codec/sse.h"
#include "llm/offline_rules.h"
#include "llm/offline_text.h"
#include "llm/openai_stream.h"
#include "world/log.h"

namespace kelpie::llm {
namespace {

constexpr size_t kErrorBodyBytesMax = 64 * 1024;
constexpr size_t kModelsBodyBytesMax = 8 * 1024 * 1024;

bool is_success(int status) { return status >= 200 && status < 300; }

// A limit of ours that the server's bytes went over is a reply that we cannot read; `out_of_range`
// is the context window's.
Error unreadable(Error error) {
  if (error.code == Code::kOutOfRange || error.code == Code::kInvalidArgument) {
    error.code = Code::kDataLoss;
  }
  return std::move(error).with_context("reading the model's answer");
}

int64_t estimated_completion(const ChatReply& reply) {
  int64_t tokens = estimate_tokens(reply.content) + estimate_tokens(reply.reasoning);
  for (const ToolCall& call : reply.tool_calls) {
    tokens += estimate_tokens(call.name) + estimate_tokens(call.arguments);
  }
  return tokens;
}

// Without a count an agent's context would seem to stay empty, and never be compacted.
void fill_usage(const ChatRequest& request, ChatReply* reply) {
  if (reply->usage.prompt_tokens == 0 && reply->usage.completion_tokens == 0) {
    reply->usage.prompt_tokens = estimate_prompt_tokens(request);
    reply->usage.completion_tokens = estimated_completion(*reply);
  }
}

void tell_whole(const ChatReply& reply, DeltaSink& sink) {
  if (!reply.reasoning.empty()) {
    sink.on_reasoning(reply.reasoning);
  }
  if (!reply.content.empty()) {
    sink.on_text(reply.content);
  }
  for (size_t i = 0; i < reply.tool_calls.size(); ++i) {
    const ToolCall& call = reply.tool_calls[i];
    sink.on_tool_call(i, call.id, call.name, call.arguments);
  }
}

bool is_json(const net::Headers& headers) {
  const std::string* type = net::find_header(headers, "content-type");
  return type != nullptr && ascii_lower(*type).starts_with("application/json");
}

}  // namespace

enum class Again : uint8_t { kNo, kYes };

struct OpenAiModel::Attempt {
  std::optional<ChatReply> reply;
  Error error;  // when there is no reply
  Again again = Again::kNo;
  std::optional<Duration> retry_after;
};

OpenAiModel::OpenAiModel(World& world, net::HttpClient& client, OpenAiOptions options)
    : world_(world), client_(client), options_(std::move(options)), rng_(world.rng.fork("llm")) {
  while (options_.base_url.ends_with('/')) {
    options_.base_url.pop_back();
  }
}

Task<ChatReply> OpenAiModel::complete(ChatRequest request, DeltaSink* sink) {
  const bool is_openai = options_.base_url.starts_with("https://api.openai.com");
  const std::string body =
      encode_request(request, {.streaming = sink == nullptr ? Streaming::kNo : Streaming::kYes,
                               .token_limit = is_openai ? TokenLimitField::kMaxCompletionTokens
                                                        : TokenLimitField::kMaxTokens});
  for (int attempts = 1;; ++attempts) {
    Attempt outcome = co_await bounded_attempt(body, sink);
    if (outcome.reply) {
      fill_usage(request, &*outcome.reply);
      co_return *std::move(outcome.reply);
    }
    outcome.error = scrub(std::move(outcome.error));
    const std::optional<Duration> wait = wait_before(attempts + 1, outcome);
    if (!wait) {
      co_return std::move(outcome.error);
    }
    world_.log.warn("asking a model again", {{"error", outcome.error.to_string()},
                                             {"attempts", attempts},
                                             {"wait_ms", wait->millis()}});
    co_await async::sleep_for(world_.loop, *wait);
  }
}

// nullopt: the error is final.
std::optional<Duration> OpenAiModel::wait_before(int next_attempt, const Attempt& failed) {
  if (failed.again == Again::kNo || next_attempt > options_.attempts_max) {
    return std::nullopt;
  }
  if (failed.retry_after) {
    if (*failed.retry_after > options_.retry_after_max) {
      return std::nullopt;
    }
    return failed.retry_after;
  }
  Duration backoff = options_.backoff_first;
  for (int i = 2; i < next_attempt && backoff < options_.backoff_max; ++i) {
    backoff = backoff * 2;
  }
  const int64_t nanos = std::min(backoff, options_.backoff_max).nanos();
  return Duration::nanos(rng_.between(nanos / 2, nanos));
}

Task<OpenAiModel::Attempt> OpenAiModel::bounded_attempt(const std::string& body, DeltaSink* sink) {
  const Duration bound = sink == nullptr ? options_.request_timeout : options_.stream_timeout;
  auto outcome = co_await async::timeout(world_.loop, bound, attempt(body, sink)).result();
  if (!outcome.ok()) {
    co_return Attempt{.error = std::move(outcome).error().with_context("waiting for the model")};
  }
  co_return std::move(outcome).value();
}

Task<OpenAiModel::Attempt> OpenAiModel::attempt(const std::string& body, DeltaSink* sink) {
  auto request = prepare("POST", "/chat/completions");
  if (!request.ok()) {
    co_return Attempt{.error = std::move(request).error()};
  }
  request->headers.emplace_back("content-type", "application/json");
  request->headers.emplace_back("accept",
                                sink == nullptr ? "application/json" : "text/event-stream");
  request->body = body;
  auto response = co_await client_.send(std::move(request).value()).result();
  if (!response.ok()) {
    const Again again = response.error().code == Code::kUnavailable ? Again::kYes : Again::kNo;
    co_return Attempt{.error = std::move(response).error().with_context("asking the model"),
                      .again = again};
  }
  if (!is_success(response->status)) {
    co_return co_await read_error(std::move(response).value());
  }
  if (sink == nullptr || is_json(response->headers)) {
    co_return co_await read_whole(std::move(response).value(), sink);
  }
  co_return co_await read_stream(std::move(response).value(), *sink);
}

Task<OpenAiModel::Attempt> OpenAiModel::read_error(net::ClientResponse response) {
  const int status = response.status;
  // An error's body that does not come whole takes nothing from what the status says.
  auto body = co_await net::read_all(*response.body, kErrorBodyBytesMax).result();
  const std::string text = body.ok() ? std::move(body).value() : std::string();
  const bool later = status == 408 || status >= 500 || (status == 429 && !is_quota_error(text));
  co_return Attempt{.error = decode_error(status, text),
                    .again = later ? Again::kYes : Again::kNo,
                    .retry_after = retry_after(response.headers)};
}

Task<OpenAiModel::Attempt> OpenAiModel::read_whole(net::ClientResponse response, DeltaSink* sink) {
  auto body = co_await net::read_all(*response.body, options_.reply_bytes_max).result();
  if (!body.ok()) {
    const Again again = body.error().code == Code::kUnavailable ? Again::kYes : Again::kNo;
    co_return Attempt{.error = unreadable(std::move(body).error()), .again = again};
  }
  auto reply = decode_reply(*body, new_id_prefix());
  if (!reply.ok()) {
    const Again again = reply.error().code == Code::kUnavailable ? Again::kYes : Again::kNo;
    co_return Attempt{.error = std::move(reply).error(), .again = again};
  }
  if (sink != nullptr) {
    tell_whole(*reply, *sink);
  }
  co_return Attempt{.reply = std::move(reply).value()};
}

Task<OpenAiModel::Attempt> OpenAiModel::read_stream(net::ClientResponse response, DeltaSink& sink) {
  StreamAssembler assembler(sink, new_id_prefix());
  codec::SseDecoder decoder(options_.reply_bytes_max);
  size_t bytes = 0;
  std::optional<Error> broken;
  while (!broken && !assembler.ended()) {
    auto piece = co_await response.body->next().result();
    if (!piece.ok()) {
      broken = std::move(piece).error().with_context("reading the model's answer");
      break;
    }
    if (!piece->has_value()) {
      break;
    }
    bytes += (*piece)->size();
    if (bytes > options_.reply_bytes_max) {
      broken = base::data_loss("the model's answer is larger than " +
                               std::to_string(options_.reply_bytes_max) + " bytes");
      break;
    }
    decoder.feed(**piece);
    while (!broken && !assembler.ended()) {
      auto event = decoder.next();
      if (!event.ok()) {
        broken = unreadable(std::move(event).error());
      } else if (!event->has_value()) {
        break;
      } else if (auto taken = assembler.on_data((*event)->data); !taken.ok()) {
        broken = std::move(taken).error();
      }
    }
  }
  // A connection that breaks after the reason for the end has cost us the count of tokens, no more.
  const bool lost = broken && (!assembler.complete() || broken->code == Code::kDataLoss);
  Result<ChatReply> reply = lost ? Result<ChatReply>(*std::move(broken)) : assembler.finish();
  if (reply.ok()) {
    co_return Attempt{.reply = std::move(reply).value()};
  }
  const bool later = !assembler.emitted() && (reply.error().code == Code::kUnavailable ||
                                              reply.error().code == Code::kResourceExhausted);
  co_return Attempt{.error = std::move(reply).error(), .again = later ? Again::kYes : Again::kNo};
}

Task<std::vector<ListedModel>> OpenAiModel::list() {
  if (!models_ || world_.loop.now() >= models_until_) {
    auto fetched =
        co_await async::timeout(world_.loop, options_.list_timeout, fetch_models()).result();
    if (!fetched.ok()) {
      fetched = scrub(std::move(fetched).error());
    }
    models_until_ =
        world_.loop.now() + (fetched.ok() ? options_.models_kept : options_.models_error_kept);
    models_ = std::move(fetched);
  }
  co_return *models_;
}

Task<std::vector<ListedModel>> OpenAiModel::fetch_models() {
  net::ClientRequest request = co_await prepare("GET", "/models");
  net::ClientResponse response = co_await client_.send(std::move(request));
  if (!is_success(response.status)) {
    Attempt failed = co_await read_error(std::move(response));
    co_return std::move(failed.error);
  }
  const std::string body = co_await net::read_all(*response.body, kModelsBodyBytesMax);
  co_return decode_models(body, options_.models_max);
}

Result<net::ClientRequest> OpenAiModel::prepare(std::string_view method,
                                                std::string_view path) const {
  net::ClientRequest request;
  request.method = method;
  request.url = options_.base_url + std::string(path);
  request.connect_timeout = options_.connect_timeout;
  request.read_timeout = options_.request_timeout;
  if (!options_.api_key.empty()) {
    const auto unfit = [](char c) { return c < '!' || c > '~'; };
    if (std::ranges::any_of(options_.api_key, unfit)) {
      return Error{
          .code = Code::kUnauthenticated,
          .message = "the model provider's API key has characters that no header may hold"};
    }
    request.headers.emplace_back("authorization", "Bearer " + options_.api_key);
  }
  return request;
}

std::string OpenAiModel::new_id_prefix() {
  std::string uuid = rng_.uuid();
  std::erase(uuid, '-');
  return "call_" + uuid;
}

Error OpenAiModel::scrub(Error error) const {
  error.message = without_key(error.message, options_.api_key);
  return error;
}

std::optional<Duration> retry_after(const net::Headers& headers) {
  // 10^9 seconds: far beyond any wait that is granted, far below what overflows.
  constexpr double kSecondsMax = 1e9;
  for (const auto& [name, unit] : {std::pair("retry-after-ms", 0.001), {"retry-after", 1.0}}) {
    const std::string* value = net::find_header(headers, name);
    if (value == nullptr || value->empty()) {
      continue;
    }
    char* end = nullptr;
    const double number = std::strtod(value->c_str(), &end);
    if (end == value->c_str() + value->size() && number >= 0 && number <= kSecondsMax) {
      return Duration::nanos(static_cast<int64_t>(number * unit * 1e9));
    }
  }
  return std::nullopt;
}

std::string without_key(std::string_view text, std::string_view key) {
  std::string clean(text);
  for (const std::string_view secret : {key, std::string_view("sk-")}) {
    // A key of a few bytes would match ordinary words; it is no secret either.
    const bool is_prefix = secret == "sk-";
    if (secret.size() < 8 && !is_prefix) {
      continue;
    }
    size_t at = 0;
    while ((at = clean.find(secret, at)) != std::string::npos) {
      const bool mid_word =
          is_prefix && at > 0 && std::isalnum(static_cast<unsigned char>(clean[at - 1])) != 0;
      const size_t end = is_prefix
                             ? std::min(clean.find_first_of(" \t\r\n\"'.,;)", at), clean.size())
                             : at + secret.size();
      if (mid_word) {
        at = end;
        continue;
      }
      clean.replace(at, end - at, "[key]");
      at += 5;
    }
  }
  return clean;
}

}  // namespace kelpie::llm
