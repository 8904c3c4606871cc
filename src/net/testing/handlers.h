// Handlers and body sources for tests of servers and clients.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "async/channel.h"
#include "async/event.h"
#include "net/http.h"

namespace kelpie::net::testing {

// A stream that the test feeds piece by piece; an error piece cuts it.
struct Tap {
  explicit Tap(Loop& loop) : pieces(loop, 1'000) {}
  async::Channel<Result<std::string>> pieces;
  int sources = 0;  // how many are alive
};

class TapSource final : public BodySource {
 public:
  explicit TapSource(Tap& tap) : tap_(tap) { ++tap_.sources; }
  ~TapSource() override { --tap_.sources; }
  Task<std::optional<std::string>> next() override {
    std::optional<Result<std::string>> piece = co_await tap_.pieces.receive();
    if (!piece.has_value()) {
      co_return std::optional<std::string>();
    }
    co_return std::optional<std::string>(co_await std::move(*piece));
  }

 private:
  Tap& tap_;
};

// /forbidden: refused by its head with 401. /echo: method, path, query, body. /tap: what the test
// feeds. /fail: an error. /wait: after `gate`. /big: a body of a million bytes. /inject: a header
// that must not reach the wire. /empty: 204.
class TestHandler final : public Handler {
 public:
  explicit TestHandler(Loop& loop) : gate(loop), tap(loop) {}

  std::optional<Response> admit(const RequestHead& head) override {
    if (head.path != "/forbidden") {
      return std::nullopt;
    }
    Response response;
    response.status = 401;
    response.body = "not you";
    return response;
  }
  Task<Response> handle(Request request) override {
    seen.push_back(request.method + " " + request.path);
    Response response;
    response.headers.emplace_back("content-type", "text/plain");
    if (request.path == "/fail") {
      co_return base::internal("it went wrong");
    }
    if (request.path == "/tap") {
      response.stream = std::make_unique<TapSource>(tap);
    } else if (request.path == "/wait") {
      co_await gate.wait();
      response.body = "waited";
    } else if (request.path == "/big") {
      response.body.assign(1'000'000, 'b');
    } else if (request.path == "/inject") {
      response.headers.emplace_back("x", "a\r\ny: z");
    } else if (request.path == "/empty") {
      response.status = 204;
    } else {
      response.body =
          request.method + " " + request.path + "?" + request.query + " " + request.body;
    }
    co_return std::move(response);
  }
  Response reject(int status, std::string_view reason) override {
    Response response;
    response.status = status;
    response.body = "rejected: " + std::string(reason);
    return response;
  }

  async::Event gate;
  Tap tap;
  std::vector<std::string> seen;
};

}  // namespace kelpie::net::testing
