#include "real/real_net.h"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <string>
#include <utility>
#include <vector>

#include "real/real_loop_impl.h"
#include "real/socket.h"

namespace kelpie::real {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// A look-up that may outlast the task that asked for it.
struct Lookup {
  explicit Lookup(RealLoop& loop) : resolver(loop.impl().io), done(loop) {}
  tcp::resolver resolver;
  async::Event done;
  error_code code;
  std::vector<tcp::endpoint> found;
};

Task<std::vector<tcp::endpoint>> resolve(RealLoop& loop, world::Address address) {
  error_code not_numeric;
  const asio::ip::address numeric = asio::ip::make_address(address.host, not_numeric);
  if (!not_numeric) {
    co_return std::vector<tcp::endpoint>{tcp::endpoint(numeric, address.port)};
  }
  auto lookup = std::make_shared<Lookup>(loop);
  lookup->resolver.async_resolve(
      address.host, std::to_string(address.port), tcp::resolver::numeric_service,
      [lookup](const error_code& code, const tcp::resolver::results_type& results) {
        lookup->code = code;
        for (const auto& entry : results) {
          lookup->found.push_back(entry.endpoint());
        }
        lookup->done.set();
      });
  co_await lookup->done.wait();
  if (lookup->code || lookup->found.empty()) {
    const std::string reason = lookup->code ? lookup->code.message() : "no address";
    co_return base::unavailable("cannot resolve \"" + address.host + "\": " + reason);
  }
  co_return std::move(lookup->found);
}

struct Attempt {
  explicit Attempt(RealLoop& loop) : state(std::make_shared<SocketState>(loop)), done(loop) {}
  std::shared_ptr<SocketState> state;
  async::Event done;
  error_code code;
};

// Closes the socket of an attempt whose task was dropped, so that the kernel stops trying.
class ClosesUnlessTaken {
 public:
  explicit ClosesUnlessTaken(std::shared_ptr<SocketState> state) : state_(std::move(state)) {}
  ClosesUnlessTaken(const ClosesUnlessTaken&) = delete;
  ClosesUnlessTaken& operator=(const ClosesUnlessTaken&) = delete;
  ~ClosesUnlessTaken() {
    if (state_) {
      error_code ignored;
      state_->socket.close(ignored);
    }
  }
  std::shared_ptr<SocketState> take() { return std::exchange(state_, nullptr); }

 private:
  std::shared_ptr<SocketState> state_;
};

Task<std::unique_ptr<world::ByteStream>> connect(RealLoop& loop, tcp::endpoint to) {
  auto attempt = std::make_shared<Attempt>(loop);
  ClosesUnlessTaken guard(attempt->state);
  tcp::socket& socket = attempt->state->socket;
  error_code code;
  socket.open(to.protocol(), code);
  if (code) {
    co_return socket_error("cannot connect to " + endpoint_text(to), code);
  }
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.async_connect(to, [attempt](const error_code& result) {
    attempt->code = result;
    attempt->done.set();
  });
  co_await attempt->done.wait();
  if (!attempt->code) {
    socket.non_blocking(true, attempt->code);
  }
  if (attempt->code) {
    co_return socket_error("cannot connect to " + endpoint_text(to), attempt->code);
  }
  co_return make_stream(guard.take(), endpoint_text(to));
}

}  // namespace

RealNet::RealNet(RealLoop& loop, world::Log& log) : loop_(loop), log_(log) {}

Task<std::unique_ptr<world::ByteStream>> RealNet::dial(world::Address to) {
  const std::vector<tcp::endpoint> endpoints = co_await resolve(loop_, std::move(to));
  Error last = base::unavailable("no address to connect to");
  for (const tcp::endpoint& endpoint : endpoints) {
    auto stream = co_await connect(loop_, endpoint).result();
    if (stream.ok()) {
      co_return std::move(stream).value();
    }
    last = std::move(stream).error();
  }
  co_return last;
}

Task<std::unique_ptr<world::Listener>> RealNet::listen(world::Address at) {
  const std::vector<tcp::endpoint> endpoints = co_await resolve(loop_, std::move(at));
  co_return make_listener(loop_, log_, endpoints.front());
}

}  // namespace kelpie::real
