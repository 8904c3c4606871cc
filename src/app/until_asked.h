// How a serving process ends: the first signal closes the listener and drains, the second exits.
#pragma once

#include <csignal>
#include <utility>

#include "async/task.h"
#include "base/time.h"
#include "real/process.h"
#include "real/real_loop.h"
#include "world/log.h"
#include "world/net.h"

namespace kelpie::app {

// Hears signals from its construction: make it before anybody is told that the server is ready.
// What it is given outlives it.
class UntilAsked {
 public:
  UntilAsked(real::RealLoop& loop, world::Log& log, world::Listener& listener,
             Duration drain_timeout)
      : loop_(loop),
        listener_(listener),
        drain_timeout_(drain_timeout),
        signals_(loop, [this, &log](int signal) {
          asked_ = true;
          log.info("stopping: finishing what is in flight; a second signal exits at once",
                   {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"},
                    {"drain_timeout_ms", drain_timeout_.millis()}});
          listener_.close();
        }) {}

  // Serves, and drains once it was asked to end. Blocks; runs the loop. Serving that ends while
  // nobody asked is an error. `Server` has `Task<void> serve(Listener&)`, until the listener is
  // closed, and `Task<void> drain(Duration)`.
  template <class Server>
  Result<void> run(Server& server) {
    return loop_.run(serve_and_drain(server));
  }

 private:
  template <class Server>
  Task<void> serve_and_drain(Server& server) {
    auto served = co_await server.serve(listener_).result();
    if (!asked_) {
      co_return served.ok() ? base::internal("serving ended without being asked to")
                            : std::move(served).error().with_context("serving failed");
    }
    co_await server.drain(drain_timeout_);
    co_return kOk;
  }

  real::RealLoop& loop_;
  world::Listener& listener_;
  Duration drain_timeout_;
  bool asked_ = false;
  real::ShutdownSignals signals_;
};

}  // namespace kelpie::app
