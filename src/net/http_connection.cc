#include "net/http_connection.h"

#include <optional>
#include <string_view>
#include <utility>

#include "async/select.h"
#include "codec/datetime.h"
#include "world/clock.h"
#include "world/log.h"

namespace kelpie::net {
namespace {

// How long a peer may take to read our last words before the connection is closed under it.
constexpr Duration kLingerTime = Duration::seconds(2);

// Bodies up to this size leave in one write with their head.
constexpr size_t kJoinedBytesMax = 64 * 1024;

Task<void> until_set(async::Event& event) {
  co_await event.wait();
  co_return kOk;
}

bool has_no_body(int status) { return status / 100 == 1 || status == 204 || status == 304; }

// What is ours to say about the message's framing and the connection.
bool is_framing(std::string_view name) {
  return name == "content-length" || name == "transfer-encoding" || name == "connection";
}

}  // namespace

HttpConnection::HttpConnection(HttpConnectionContext context,
                               std::unique_ptr<world::ByteStream> stream)
    : context_(context), loop_(context.world.loop), input_(context.world.loop, std::move(stream)) {}

Task<void> HttpConnection::run() {
  Duration idle_limit = context_.options.header_timeout;
  while (true) {
    codec::RequestParser parser({.header_bytes_max = context_.options.header_bytes_max,
                                 .body_bytes_max = context_.options.body_bytes_max});
    BodyShare share(context_.bodies);
    const Next next = co_await next_request(parser, share, idle_limit);
    if (next == Next::kEnd) {
      co_return kOk;
    }
    if (next == Next::kRefusal) {
      // Not while a peer that was refused takes its time to read that.
      std::string().swap(parser.body());
      share.release();
      co_await send_refusal(
          Asked{.head_only = parser.head_done() && parser.head().method == "HEAD"});
      co_return kOk;
    }
    const After after = co_await answer(parser, share);
    if (after == After::kClose) {
      co_await linger();
      co_return kOk;
    }
    idle_limit = context_.options.idle_timeout;
  }
}

Task<void> HttpConnection::refuse(int status, std::string reason) {
  refuse_with(status, reason);
  co_await send_refusal(Asked{});
  co_return kOk;
}

Task<bool> HttpConnection::wait_for_first_byte(Duration limit) {
  if (input_.buffered().empty() && !input_.ended() && !context_.draining.is_set()) {
    auto woken = co_await async::timeout(
                     loop_, limit, async::select(input_.readable(), until_set(context_.draining)))
                     .result();
    static_cast<void>(woken);
  }
  co_return !input_.buffered().empty();
}

Task<bool> HttpConnection::input_before(Instant deadline) {
  if (!input_.buffered().empty() || input_.ended()) {
    co_return true;
  }
  if (deadline <= loop_.now()) {
    co_return false;
  }
  const Result<void> came =
      co_await async::timeout(loop_, deadline - loop_.now(), input_.readable()).result();
  co_return came.ok();
}

HttpConnection::Next HttpConnection::refuse_with(int status, std::string_view reason) {
  refusal_ = context_.handler.reject(status, reason);
  return Next::kRefusal;
}

HttpConnection::Next HttpConnection::refuse_for_room() {
  refuse_with(503, "the server holds all the bytes of request bodies that it allows; try again");
  refusal_.headers.emplace_back("retry-after", "1");
  return Next::kRefusal;
}

bool HttpConnection::refuses(const RequestHead& head) {
  std::optional<Response> refusal = context_.handler.admit(head);
  if (refusal.has_value()) {
    refusal_ = std::move(*refusal);
    return true;
  }
  if (!context_.bodies.has_room(head.framing.length)) {
    refuse_for_room();
    return true;
  }
  return false;
}

Task<HttpConnection::Next> HttpConnection::next_request(codec::RequestParser& parser,
                                                        BodyShare& share, Duration idle_limit) {
  const bool begun = co_await wait_for_first_byte(idle_limit);
  if (!begun) {
    co_return Next::kEnd;
  }
  Instant deadline = loop_.now() + context_.options.header_timeout;
  while (true) {
    const bool in_head = !parser.head_done();
    const std::string_view bytes = input_.buffered();
    input_.consume(in_head ? parser.feed_head(bytes) : parser.feed(bytes));
    if (parser.failure().has_value()) {
      co_return refuse_with(parser.failure()->status, parser.failure()->reason);
    }
    const bool head_came = in_head && parser.head_done();
    if (head_came && refuses(parser.head())) {
      co_return Next::kRefusal;
    }
    if (!share.grow_to(parser.body().size())) {
      co_return refuse_for_room();
    }
    if (parser.done()) {
      co_return Next::kRequest;
    }
    if (head_came) {
      deadline = loop_.now() + context_.options.body_timeout;
      if (parser.head().expects_continue && input_.buffered().empty()) {
        co_await write("HTTP/1.1 100 Continue\r\n\r\n");
      }
    }
    if (input_.ended() && input_.buffered().empty()) {
      if (input_.broken() || !parser.started()) {
        co_return Next::kEnd;
      }
      co_return refuse_with(400, "the connection ended within the request");
    }
    const bool came = co_await input_before(deadline);
    if (!came) {
      co_return refuse_with(408, parser.head_done()
                                     ? "the request's body did not arrive in time"
                                     : "the request's header did not arrive in time");
    }
  }
}

Task<HttpConnection::After> HttpConnection::answer(codec::RequestParser& parser, BodyShare& share) {
  codec::RequestHead& head = parser.head();
  const Asked asked{.head_only = head.method == "HEAD",
                    .keep_alive = head.keep_alive,
                    .version_minor = head.version_minor};
  Request request{.method = std::move(head.method),
                  .path = std::move(head.path),
                  .query = std::move(head.query),
                  .headers = std::move(head.headers),
                  .body = std::move(parser.body()),
                  .peer = input_.stream().peer()};
  // Runs to its end even if the peer is gone by then: what it is about to commit is worth having.
  Result<Response> response = co_await context_.handler.handle(std::move(request)).result();
  // Until then the handler may keep the body.
  share.release();
  if (!response.ok()) {
    context_.world.log.warn("a request's handler failed",
                            {{"error", response.error().to_string()}});
    response = context_.handler.reject(500, response.error().message);
  }
  co_return co_await send(std::move(response).value(), asked);
}

Result<std::string> HttpConnection::response_head(const Response& response, Asked asked) const {
  Headers headers;
  for (const auto& header : response.headers) {
    if (!is_framing(header.first)) {
      headers.push_back(header);
    }
  }
  if (find_header(headers, "date") == nullptr) {
    headers.emplace_back("date", codec::format_http_date(context_.world.clock.wall()));
  }
  if (response.stream == nullptr) {
    if (!has_no_body(response.status)) {
      headers.emplace_back("content-length", std::to_string(response.body.size()));
    }
  } else if (asked.version_minor >= 1 && !has_no_body(response.status)) {
    headers.emplace_back("transfer-encoding", "chunked");
  }
  if (!asked.keep_alive) {
    headers.emplace_back("connection", "close");
  } else if (asked.version_minor == 0) {
    headers.emplace_back("connection", "keep-alive");
  }
  return codec::write_response_head(response.status, headers);
}

Task<HttpConnection::After> HttpConnection::send(Response response, Asked asked) {
  const bool bodiless = asked.head_only || has_no_body(response.status);
  // Without chunks only the end of the connection can end a body of unknown length.
  const bool ends_with_connection =
      response.stream != nullptr && !bodiless && asked.version_minor == 0;
  asked.keep_alive = asked.keep_alive && !ends_with_connection && !context_.draining.is_set();
  Result<std::string> head = response_head(response, asked);
  if (!head.ok()) {
    context_.world.log.warn("a response could not be written",
                            {{"error", head.error().to_string()}});
    response = context_.handler.reject(500, "the response could not be written");
    response.stream.reset();
    head = response_head(response, asked);
  }
  std::string bytes = co_await std::move(head);
  const bool whole = response.stream == nullptr && !bodiless;
  const bool joined = whole && response.body.size() <= kJoinedBytesMax;
  if (joined) {
    bytes.append(response.body);
  }
  co_await write(std::move(bytes));
  if (whole && !joined) {
    co_await write(std::move(response.body));
  }
  if (response.stream != nullptr && !bodiless) {
    co_await send_stream(std::move(response.stream), asked);
  }
  co_return asked.keep_alive ? After::kNextRequest : After::kClose;
}

Task<void> HttpConnection::send_stream(std::unique_ptr<BodySource> source, Asked asked) {
  const bool chunked = asked.version_minor >= 1;
  while (true) {
    // A broken connection ends the wait for a piece, which may be minutes away, and with the wait
    // the source. A peer that has merely ended its direction still listens.
    async::Either<std::optional<std::string>, void> either =
        co_await async::select(source->next(), input_.until_broken());
    if (!either.first.has_value()) {
      co_return base::unavailable("the peer went away within the response");
    }
    std::optional<std::string> piece = co_await std::move(*either.first);
    if (!piece.has_value()) {
      break;
    }
    if (!piece->empty()) {
      co_await write(chunked ? codec::write_chunk(*piece) : std::move(*piece));
    }
  }
  if (chunked) {
    co_await write(std::string(codec::kLastChunk));
  }
  co_return kOk;
}

Task<void> HttpConnection::send_refusal(Asked asked) {
  asked.keep_alive = false;
  co_await send(std::move(refusal_), asked);
  co_await linger();
  co_return kOk;
}

Task<void> HttpConnection::write(std::string bytes) {
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const size_t taken =
        co_await async::timeout(loop_, context_.options.write_timeout, input_.stream().write(rest));
    rest.remove_prefix(taken);
  }
  co_return kOk;
}

// Closing while the peer still sends would reset the connection, and a reset takes back what the
// peer has not read yet: our answer. So its bytes are read over until it ends, for a while.
Task<void> HttpConnection::linger() {
  input_.stream().shutdown_write();
  input_.discard();
  const Result<void> ended =
      co_await async::timeout(loop_, kLingerTime, input_.until_ended()).result();
  static_cast<void>(ended);
  co_return kOk;
}

}  // namespace kelpie::net
