// HttpServer: HTTP/1.1 over any ByteStream: keep-alive, pipelining in order, chunked bodies in and
// out.
#pragma once

#include <cstddef>
#include <memory>

#include "async/scope.h"
#include "async/task.h"
#include "base/limits.h"
#include "base/time.h"
#include "net/http.h"
#include "world/net.h"
#include "world/world.h"

namespace kelpie::net {

struct HttpServerOptions {
  size_t header_bytes_max = base::kHttpHeaderBytesMax;
  size_t body_bytes_max = base::kHttpBodyBytesMax;
  // The bytes of bodies that all requests hold together; a request beyond it gets 503. At least
  // `body_bytes_max` counts, so that a body of the largest size can come at all.
  size_t buffered_body_bytes_max = size_t{256} * 1024 * 1024;
  size_t connections_max = 10'000;
  // A request's header, then its body, must arrive within these; a slow sender gets 408.
  Duration header_timeout = Duration::seconds(30);
  Duration body_timeout = Duration::seconds(120);
  Duration idle_timeout = Duration::seconds(75);
  // A peer that takes nothing for so long is cut.
  Duration write_timeout = Duration::seconds(60);
};

// One Loop. Outlives its connections; the handler outlives it.
class HttpServer {
 public:
  HttpServer(World& world, Handler& handler, HttpServerOptions options);
  ~HttpServer();

  // Accepts until the listener is closed. The listener outlives the task.
  Task<void> serve(world::Listener& listener);
  // Ends idle connections now, lets requests in flight end (their responses say `connection:
  // close`), cuts what is left after `bound`.
  Task<void> drain(Duration bound);
  [[nodiscard]] size_t connections() const;
  // Of requests that are being read or answered.
  [[nodiscard]] size_t buffered_body_bytes() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kelpie::net
