// Sockets of this floor: what a ByteStream and a Listener stand on. Brings in Boost.Asio; for the
// .cc files of this floor only.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "async/event.h"
#include "async/task.h"
#include "real/real_loop.h"
#include "world/log.h"
#include "world/net.h"

namespace kelpie::real {

// Readiness of one direction of a socket. Shared between the stream, the task that waits and the
// kernel's pending notification, whichever goes last.
struct Readiness {
  explicit Readiness(Loop& loop) : ready(loop) {}
  async::Event ready;
  // A notification is on its way: a dropped task leaves it there for the next one.
  bool armed = false;
  // Transfers that went through at once, one after the other.
  int immediate = 0;
};

struct SocketState {
  explicit SocketState(RealLoop& owner);
  RealLoop& loop;
  boost::asio::ip::tcp::socket socket;
  Readiness readable;
  Readiness writable;
  bool closed = false;
};

// `host: what went wrong`, with the code that callers act on.
Error socket_error(std::string what, const boost::system::error_code& code);

std::string endpoint_text(const boost::asio::ip::tcp::endpoint& endpoint);

// Takes over a connected, non-blocking socket.
std::unique_ptr<world::ByteStream> make_stream(std::shared_ptr<SocketState> state,
                                               std::string peer);

// Opens, binds and listens. The log hears of accepting that fails for want of descriptors.
Result<std::unique_ptr<world::Listener>> make_listener(
    RealLoop& loop, world::Log& log, const boost::asio::ip::tcp::endpoint& endpoint);

}  // namespace kelpie::real
