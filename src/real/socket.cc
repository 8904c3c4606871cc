#include "real/socket.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <utility>

#include "async/sleep.h"
#include "real/real_loop_impl.h"

namespace kelpie::real {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using WaitType = asio::socket_base::wait_type;

// After so many transfers without a wait, others on the loop get their turn.
constexpr int kImmediateMax = 16;
// How long accepting rests when the process has no descriptor left.
constexpr Duration kAcceptPause = Duration::millis(50);

bool would_block(const error_code& code) {
  return code == asio::error::would_block || code == asio::error::try_again;
}

Error closed_here() { return base::cancelled("the connection was closed on this side"); }

// Waits until a transfer in that direction is worth another try. `arm` asks the kernel.
Task<void> wait_ready(std::shared_ptr<SocketState> state, Readiness& side, WaitType type) {
  side.immediate = 0;
  side.ready.clear();
  if (!side.armed) {
    side.armed = true;
    state->socket.async_wait(type, [state, &side](const error_code&) {
      side.armed = false;
      side.ready.set();
    });
  }
  co_await side.ready.wait();
  co_return kOk;
}

// A peer that is always ready must not keep the loop for itself.
bool is_greedy(Readiness& side) { return ++side.immediate > kImmediateMax; }

Task<size_t> read_some(std::shared_ptr<SocketState> state, std::span<char> buffer) {
  CHECK(!buffer.empty());
  if (is_greedy(state->readable)) {
    state->readable.immediate = 0;
    co_await async::yield(state->loop);
  }
  while (!state->closed) {
    error_code code;
    const size_t count = state->socket.read_some(asio::buffer(buffer.data(), buffer.size()), code);
    if (!code) {
      co_return count;
    }
    if (code == asio::error::eof) {
      co_return size_t{0};
    }
    if (!would_block(code)) {
      co_return socket_error("read", code);
    }
    co_await wait_ready(state, state->readable, WaitType::wait_read);
  }
  co_return closed_here();
}

Task<size_t> write_some(std::shared_ptr<SocketState> state, ByteView bytes) {
  CHECK(!bytes.empty());
  if (is_greedy(state->writable)) {
    state->writable.immediate = 0;
    co_await async::yield(state->loop);
  }
  while (!state->closed) {
    error_code code;
    const size_t count = state->socket.write_some(asio::buffer(bytes.data(), bytes.size()), code);
    if (!code) {
      co_return count;
    }
    if (!would_block(code)) {
      co_return socket_error("write", code);
    }
    co_await wait_ready(state, state->writable, WaitType::wait_write);
  }
  co_return closed_here();
}

class TcpStream final : public world::ByteStream {
 public:
  TcpStream(std::shared_ptr<SocketState> state, std::string peer)
      : state_(std::move(state)), peer_(std::move(peer)) {}
  ~TcpStream() override { close(); }

  Task<size_t> read(std::span<char> buffer) override { return read_some(state_, buffer); }
  Task<size_t> write(ByteView bytes) override { return write_some(state_, bytes); }
  void shutdown_write() override {
    error_code ignored;  // the peer may be gone already
    state_->socket.shutdown(tcp::socket::shutdown_send, ignored);
  }
  void close() override {
    if (std::exchange(state_->closed, true)) {
      return;
    }
    // Pending notifications end now, and wake whoever waits for them.
    error_code ignored;
    state_->socket.close(ignored);
  }
  [[nodiscard]] std::string peer() const override { return peer_; }

 private:
  std::shared_ptr<SocketState> state_;
  std::string peer_;
};

struct AcceptorState {
  AcceptorState(RealLoop& owner, world::Log& events)
      : loop(owner), log(events), acceptor(owner.impl().io), ready(owner) {}
  RealLoop& loop;
  world::Log& log;
  tcp::acceptor acceptor;
  async::Event ready;
  bool armed = false;
  bool closed = false;
};

Task<void> wait_acceptable(std::shared_ptr<AcceptorState> state) {
  state->ready.clear();
  if (!state->armed) {
    state->armed = true;
    state->acceptor.async_wait(tcp::acceptor::wait_read, [state](const error_code&) {
      state->armed = false;
      state->ready.set();
    });
  }
  co_await state->ready.wait();
  co_return kOk;
}

bool out_of_descriptors(const error_code& code) {
  return code == asio::error::no_descriptors || code == asio::error::no_buffer_space ||
         code == asio::error::no_memory ||
         code == boost::system::errc::too_many_files_open_in_system;
}

Task<std::unique_ptr<world::ByteStream>> accept_one(std::shared_ptr<AcceptorState> state) {
  while (!state->closed) {
    auto connection = std::make_shared<SocketState>(state->loop);
    tcp::endpoint peer;
    error_code code;
    state->acceptor.accept(connection->socket, peer, code);
    if (!code) {
      error_code ignored;
      connection->socket.set_option(tcp::no_delay(true), ignored);
      connection->socket.non_blocking(true, code);
    }
    if (!code) {
      co_return make_stream(std::move(connection), endpoint_text(peer));
    }
    if (would_block(code)) {
      co_await wait_acceptable(state);
    } else if (out_of_descriptors(code)) {
      // The connection stays in the kernel's queue; without a rest this loop would spin.
      state->log.warn("cannot accept a connection", {{"reason", code.message()}});
      co_await async::sleep_for(state->loop, kAcceptPause);
    } else {
      // That one connection broke before it was taken.
      state->log.debug("a connection broke before it was accepted", {{"reason", code.message()}});
      co_await async::yield(state->loop);
    }
  }
  co_return base::cancelled("the listener was closed");
}

class TcpListener final : public world::Listener {
 public:
  TcpListener(std::shared_ptr<AcceptorState> state, world::Address address)
      : state_(std::move(state)), address_(std::move(address)) {}
  ~TcpListener() override { close(); }

  Task<std::unique_ptr<world::ByteStream>> accept() override { return accept_one(state_); }
  [[nodiscard]] world::Address address() const override { return address_; }
  void close() override {
    if (std::exchange(state_->closed, true)) {
      return;
    }
    error_code ignored;
    state_->acceptor.close(ignored);
    state_->ready.set();
  }

 private:
  std::shared_ptr<AcceptorState> state_;
  world::Address address_;
};

}  // namespace

SocketState::SocketState(RealLoop& owner)
    : loop(owner), socket(owner.impl().io), readable(owner), writable(owner) {}

Error socket_error(std::string what, const error_code& code) {
  return base::unavailable(std::move(what) + ": " + code.message());
}

std::string endpoint_text(const tcp::endpoint& endpoint) {
  return world::Address{endpoint.address().to_string(), endpoint.port()}.to_string();
}

std::unique_ptr<world::ByteStream> make_stream(std::shared_ptr<SocketState> state,
                                               std::string peer) {
  return std::make_unique<TcpStream>(std::move(state), std::move(peer));
}

Result<std::unique_ptr<world::Listener>> make_listener(RealLoop& loop, world::Log& log,
                                                       const tcp::endpoint& endpoint) {
  auto state = std::make_shared<AcceptorState>(loop, log);
  tcp::endpoint bound;
  error_code code;
  state->acceptor.open(endpoint.protocol(), code);
  if (!code) {
    state->acceptor.set_option(tcp::acceptor::reuse_address(true), code);
  }
  if (!code) {
    state->acceptor.bind(endpoint, code);
  }
  if (!code) {
    state->acceptor.listen(asio::socket_base::max_listen_connections, code);
  }
  if (!code) {
    state->acceptor.non_blocking(true, code);
  }
  if (!code) {
    bound = state->acceptor.local_endpoint(code);
  }
  if (code) {
    return socket_error("cannot listen on " + endpoint_text(endpoint), code);
  }
  return std::unique_ptr<world::Listener>(std::make_unique<TcpListener>(
      std::move(state), world::Address{bound.address().to_string(), bound.port()}));
}

}  // namespace kelpie::real
