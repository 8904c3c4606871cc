// How a serving process ends: the first signal closes the listener and drains, the second exits.
#pragma once

#include <csignal>
#include <string>

#include "async/event.h"
#include "async/task.h"
#include "base/time.h"
#include "real/process.h"
#include "real/real_loop.h"
#include "world/log.h"
#include "world/net.h"

namespace kelpie::app {

// Serving that ends while nobody asked for it is an error.
template <class Server>
Task<void> serve_and_drain(Server& server, world::Listener& listener, const bool& asked,
                           Duration drain_timeout) {
  const auto served = co_await server.serve(listener).result();
  if (!asked) {
    co_return served.ok() ? base::internal("serving ended without being asked to")
                          : Error(served.error()).with_context("serving failed");
  }
  co_await server.drain(drain_timeout);
  co_return kOk;
}

// `Server` has `Task<void> serve(Listener&)`, until the listener is closed, and
// `Task<void> drain(Duration)`. Blocks; runs the loop.
template <class Server>
Result<void> run_until_asked(real::RealLoop& loop, world::Log& log, world::Listener& listener,
                             Server& server, Duration drain_timeout) {
  bool asked = false;
  const real::ShutdownSignals signals(loop, [&](int signal) {
    asked = true;
    log.info("stopping: finishing what is in flight; a second signal exits at once",
             {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"},
              {"drain_timeout_ms", drain_timeout.millis()}});
    listener.close();
  });
  return loop.run(serve_and_drain(server, listener, asked, drain_timeout));
}

}  // namespace kelpie::app
