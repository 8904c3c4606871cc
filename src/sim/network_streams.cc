// What code under test holds of the network: streams and listeners, and how they come about.
#include <fmt/format.h>

#include <utility>

#include "async/sleep.h"
#include "base/check.h"
#include "sim/network.h"

namespace kelpie::sim {

using wire::Connection;
using wire::End;
using wire::Port;

namespace {

// How often a dial over a cut link is sent again.
constexpr Duration kConnectRetry = Duration::millis(500);

}  // namespace

// Counts the cut that a dial has met, when it ends.
class CutDial {
 public:
  CutDial(Network& network, SimLoop& loop) : network_(network), loop_(loop) {}
  CutDial(const CutDial&) = delete;
  CutDial& operator=(const CutDial&) = delete;
  ~CutDial() {
    if (loop_.open()) {
      network_.count(loop_.label(), Fault::kNetworkPartition);
    }
  }

 private:
  Network& network_;
  SimLoop& loop_;
};

// One side's handle of a connection. Holds the connection, so that a pending operation outlives
// the handle.
class SimStream final : public world::ByteStream {
 public:
  SimStream(Network& network, std::shared_ptr<Connection> wire, int side)
      : network_(network), wire_(std::move(wire)), side_(side) {}
  ~SimStream() override { network_.close_end(wire_, side_); }

  Task<size_t> read(std::span<char> buffer) override {
    return read_from(network_, wire_, side_, buffer);
  }
  Task<size_t> write(ByteView bytes) override { return write_to(network_, wire_, side_, bytes); }
  void shutdown_write() override {
    End& end = wire_->ends[side_];
    if (end.loop.open() && !end.closed && !end.end_sent) {
      end.end_sent = true;
      network_.transmit(wire_, side_, Bytes());
    }
  }
  void close() override { network_.close_end(wire_, side_); }
  [[nodiscard]] std::string peer() const override {
    return fmt::format("{}/{}", wire_->ends[1 - side_].host, wire_->id);
  }

 private:
  static Task<size_t> read_from(Network& network, std::shared_ptr<Connection> wire, int side,
                                std::span<char> buffer) {
    CHECK(!buffer.empty());
    End& end = wire->ends[side];
    for (;;) {
      if (end.closed) {
        co_return base::cancelled("the stream was closed");
      }
      if (!end.arrived.empty()) {
        co_return network.take(wire, side, buffer);
      }
      if (end.broken) {
        co_return network.broken(wire, side);
      }
      if (end.end_arrived) {
        co_return size_t{0};
      }
      end.readable.clear();
      co_await end.readable.wait();
    }
  }

  static Task<size_t> write_to(Network& network, std::shared_ptr<Connection> wire, int side,
                               ByteView bytes) {
    CHECK(!bytes.empty());
    End& end = wire->ends[side];
    for (;;) {
      if (end.closed) {
        co_return base::cancelled("the stream was closed");
      }
      if (end.broken) {
        co_return network.broken(wire, side);
      }
      if (end.end_sent) {
        co_return base::failed_precondition("write after the end of the stream was sent");
      }
      if (end.outstanding_bytes < network.options_.window_bytes) {
        co_return network.put(wire, side, bytes);
      }
      end.writable.clear();
      co_await end.writable.wait();
    }
  }

  Network& network_;
  std::shared_ptr<Connection> wire_;
  int side_;
};

class SimListener final : public world::Listener {
 public:
  SimListener(Network& network, std::shared_ptr<Port> port)
      : network_(network), port_(std::move(port)) {}
  ~SimListener() override { close(); }

  Task<std::unique_ptr<world::ByteStream>> accept() override {
    return accept_from(network_, port_);
  }
  [[nodiscard]] world::Address address() const override { return port_->address; }
  void close() override {
    if (port_->closed) {
      return;
    }
    port_->closed = true;
    network_.ports_.erase(port_->address.to_string());
    for (const auto& wire : std::exchange(port_->backlog, {})) {
      network_.close_end(wire, 1);
    }
    port_->ready.set();
  }

 private:
  static Task<std::unique_ptr<world::ByteStream>> accept_from(Network& network,
                                                              std::shared_ptr<Port> port) {
    while (port->backlog.empty() && !port->closed) {
      port->ready.clear();
      co_await port->ready.wait();
    }
    if (port->closed) {
      co_return base::cancelled("the listener was closed");
    }
    std::shared_ptr<Connection> wire = std::move(port->backlog.front());
    port->backlog.pop_front();
    co_return std::make_unique<SimStream>(network, std::move(wire), 1);
  }

  Network& network_;
  std::shared_ptr<Port> port_;
};

Task<std::unique_ptr<world::ByteStream>> Network::dial(SimLoop& loop, std::string from,
                                                       world::Address to) {
  configure_faults();
  co_await async::sleep_for(loop, latency() + links_.slowness(from, to.host));
  if (links_.is_cut(from, to.host) || links_.is_cut(to.host, from)) {
    // Who gives the dial up is who meets the cut.
    const CutDial met(*this, loop);
    while (links_.is_cut(from, to.host) || links_.is_cut(to.host, from)) {
      co_await async::sleep_for(loop, kConnectRetry);
    }
  }
  if (down_.contains(to.host) && crashes_.choose(2) == 0) {
    // A host without power does not even refuse.
    async::Event never(loop);
    co_await never.wait();
  }
  const auto found = ports_.find(to.to_string());
  if (found == ports_.end()) {
    co_await async::sleep_for(loop, latency());
    count(loop.label(), Fault::kConnectionRefused);
    co_return base::unavailable("connection to " + to.to_string() + " refused");
  }
  const std::shared_ptr<Port> port = found->second;
  auto wire = std::make_shared<Connection>(++last_connection_, loop, from, port->loop, to.host);
  wire->guarded = guarded_.contains(to.to_string());
  connections_.emplace(wire->id, wire);
  scheduler_.note(loop.label(), "connect", fmt::format("c{} to {}", wire->id, to.to_string()));
  // From here on dropping this task closes the connection.
  auto stream = std::make_unique<SimStream>(*this, wire, 0);
  port->backlog.push_back(wire);
  port->ready.set();
  co_await async::sleep_for(loop, latency());
  co_return std::move(stream);
}

Result<std::unique_ptr<world::Listener>> Network::listen(SimLoop& loop, world::Address at) {
  if (at.port == 0) {
    at.port = ++last_port_;
  }
  auto port = std::make_shared<Port>(loop, at);
  if (!ports_.emplace(at.to_string(), port).second) {
    return base::already_exists(at.to_string() + " is in use");
  }
  return std::make_unique<SimListener>(*this, std::move(port));
}

Task<std::unique_ptr<world::ByteStream>> SimNet::dial(world::Address to) {
  if (to.host == "127.0.0.1" || to.host == "::1" || to.host == "localhost") {
    to.host = host_;
  }
  return network_.dial(loop_, host_, std::move(to));
}

Task<std::unique_ptr<world::Listener>> SimNet::listen(world::Address at) {
  at.host = host_;
  co_return network_.listen(loop_, std::move(at));
}

}  // namespace kelpie::sim
