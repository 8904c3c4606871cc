// HttpConnection: the server's end of one HTTP/1.1 connection.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "async/event.h"
#include "async/task.h"
#include "codec/http1.h"
#include "net/body_budget.h"
#include "net/http.h"
#include "net/http_server.h"
#include "net/read_ahead.h"
#include "world/net.h"
#include "world/world.h"

namespace kelpie::net {

// What a connection is given by its server, and what outlives it.
struct HttpConnectionContext {
  World& world;
  Handler& handler;
  const HttpServerOptions& options;
  BodyBudget& bodies;
  // Set once the server drains: finish the request at hand, begin no other.
  async::Event& draining;
};

// One Loop. Requests are answered one after the other, in the order in which they came.
class HttpConnection {
 public:
  HttpConnection(HttpConnectionContext context, std::unique_ptr<world::ByteStream> stream);

  // Answers requests until the connection ends. An error says how it broke; nobody needs to act.
  Task<void> run();
  // Answers whatever was asked with this status, and ends.
  Task<void> refuse(int status, std::string reason);

 private:
  enum class Next : uint8_t { kRequest, kRefusal, kEnd };
  enum class After : uint8_t { kNextRequest, kClose };
  // How the response depends on the request it answers.
  struct Asked {
    bool head_only = false;
    bool keep_alive = false;
    int version_minor = 1;
  };

  // With kRefusal, `refusal_` is the answer.
  Task<Next> next_request(codec::RequestParser& parser, BodyShare& share, Duration idle_limit);
  Task<bool> wait_for_first_byte(Duration limit);
  Task<bool> input_before(Instant deadline);
  // Does the handler, or the budget of bodies, refuse it on its head alone?
  bool refuses(const RequestHead& head);
  Next refuse_with(int status, std::string_view reason);
  Next refuse_for_room();
  Task<After> answer(codec::RequestParser& parser, BodyShare& share);
  Task<After> send(Response response, Asked asked);
  Task<void> send_stream(std::unique_ptr<BodySource> source, Asked asked);
  Result<std::string> response_head(const Response& response, Asked asked) const;
  Task<void> send_refusal(Asked asked);
  Task<void> write(std::string bytes);
  Task<void> linger();

  HttpConnectionContext context_;
  Loop& loop_;
  ReadAhead input_;
  Response refusal_;
};

}  // namespace kelpie::net
