#include "net/http_exchange.h"

#include <utility>

#include "async/select.h"
#include "base/check.h"

namespace kelpie::net {
namespace {

// How long an answer may still take once the peer refuses to take more of the request.
constexpr Duration kLastWordsTime = Duration::seconds(1);

}  // namespace

HttpExchange::HttpExchange(Loop& loop, std::unique_ptr<ReadAhead> connection,
                           HttpExchangeOptions options, Release release)
    : loop_(loop),
      connection_(std::move(connection)),
      options_(options),
      release_(std::move(release)),
      parser_(options.request, options.header_bytes_max),
      scope_(loop, nullptr) {
  CHECK(connection_ != nullptr);
}

void HttpExchange::send(std::string bytes) { scope_.spawn(write(std::move(bytes))); }

Task<void> HttpExchange::write(std::string bytes) {
  const Result<void> written = co_await write_pieces(bytes).result();
  if (!written.ok()) {
    // The peer may have answered before it closed; after that nothing more can come.
    const Result<void> ended =
        co_await async::timeout(loop_, kLastWordsTime, connection_->until_ended()).result();
    if (!ended.ok()) {
      connection_->close();
    }
    co_return kOk;
  }
  sent_all_ = true;
  release_if_done();
  co_return kOk;
}

Task<void> HttpExchange::write_pieces(std::string_view rest) {
  while (!rest.empty()) {
    const size_t taken =
        co_await async::timeout(loop_, options_.silence_max, connection_->stream().write(rest));
    bytes_sent_ += taken;
    rest.remove_prefix(taken);
  }
  co_return kOk;
}

Task<void> HttpExchange::more() {
  CHECK(connection_ != nullptr);
  const Result<void> came =
      co_await async::timeout(loop_, options_.silence_max, connection_->readable()).result();
  if (!came.ok()) {
    co_return base::deadline_exceeded("the peer was silent for " +
                                      std::to_string(options_.silence_max.millis()) + " ms");
  }
  if (connection_->buffered().empty()) {
    if (connection_->broken()) {
      co_return base::unavailable("the connection broke within the response: " +
                                  connection_->error()->message);
    }
    co_await parser_.finish();
    co_return kOk;
  }
  connection_->consume(parser_.feed(connection_->buffered()));
  if (parser_.failure().has_value()) {
    co_return base::unavailable("the peer's response is not HTTP/1.1: " +
                                parser_.failure()->reason);
  }
  release_if_done();
  co_return kOk;
}

void HttpExchange::release_if_done() {
  // Bytes after the response would be taken for the answer to the next request.
  const bool reusable = parser_.done() && parser_.head().keep_alive && sent_all_ &&
                        connection_ != nullptr && !connection_->ended() &&
                        connection_->buffered().empty();
  if (reusable && release_) {
    Release release = std::exchange(release_, nullptr);
    release(std::move(connection_));
  }
}

Task<codec::ResponseHead> HttpExchange::head() {
  while (!parser_.head_done()) {
    co_await more();
  }
  co_return std::move(parser_.head());
}

Task<std::optional<std::string>> HttpExchange::next() {
  while (true) {
    std::string piece = parser_.take_body();
    if (!piece.empty()) {
      co_return std::optional<std::string>(std::move(piece));
    }
    if (parser_.done()) {
      co_return std::optional<std::string>();
    }
    co_await more();
  }
}

}  // namespace kelpie::net
