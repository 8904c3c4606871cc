// HttpExchange: one request and its response on one connection, from the client's side.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "async/scope.h"
#include "async/task.h"
#include "base/time.h"
#include "codec/http1.h"
#include "net/http.h"
#include "net/read_ahead.h"

namespace kelpie::net {

struct HttpExchangeOptions {
  codec::ResponseTo request = codec::ResponseTo::kOther;
  size_t header_bytes_max = 64 * 1024;
  // The longest that the peer may be silent, or take nothing of what we send.
  Duration silence_max = Duration::seconds(300);
};

// One Loop. The response's body; dropping it early closes the connection. Sends and receives at
// the same time, so that an early answer is read while a large body is still on its way.
class HttpExchange final : public BodySource {
 public:
  // Called once, when the response is whole and the connection can serve another request.
  using Release = std::move_only_function<void(std::unique_ptr<ReadAhead>)>;

  HttpExchange(Loop& loop, std::unique_ptr<ReadAhead> connection, HttpExchangeOptions options,
               Release release);

  // Begins to send; once.
  void send(std::string bytes);
  // Until the response's head is there. `unavailable` when the connection ended before it,
  // `deadline_exceeded` when the peer is silent.
  Task<codec::ResponseHead> head();
  Task<std::optional<std::string>> next() override;

  // Did the connection end before the peer said anything at all?
  [[nodiscard]] bool ended_unanswered() const {
    return connection_ != nullptr && connection_->ended() && !parser_.started();
  }
  [[nodiscard]] bool sent_nothing() const { return bytes_sent_ == 0; }

 private:
  Task<void> write(std::string bytes);
  Task<void> write_pieces(std::string_view rest);
  Task<void> more();
  void release_if_done();

  Loop& loop_;
  std::unique_ptr<ReadAhead> connection_;
  HttpExchangeOptions options_;
  Release release_;
  codec::ResponseParser parser_;
  size_t bytes_sent_ = 0;
  bool sent_all_ = false;
  // Last, so that the writer is gone before what it uses.
  Scope scope_;
};

}  // namespace kelpie::net
