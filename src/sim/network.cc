#include "sim/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "async/sleep.h"
#include "base/check.h"

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

Network::Network(Scheduler& scheduler, Choices& choices, FaultLedger& ledger,
                 NetworkOptions options)
    : scheduler_(scheduler),
      ledger_(ledger),
      options_(options),
      delays_(choices.stream("net/delay")),
      faults_(choices.stream("net/fault")),
      parts_(choices.stream("net/part")),
      crashes_(choices.stream("net/crash")),
      flips_(choices.stream("net/flip")) {}

Network::~Network() = default;

// Where nobody makes a connection its faults cannot strike.
void Network::configure_faults() {
  if (std::exchange(configured_, true)) {
    return;
  }
  // Latencies differ, so one connection may overtake another.
  ledger_.configure(Fault::kNetworkMessageReorder);
  const std::pair<uint64_t, Fault> rates[] = {
      {options_.tail_rate, Fault::kNetworkDelay},
      {options_.clog_rate, Fault::kNetworkClog},
      {options_.reset_rate, Fault::kNetworkPacketLoss},
      {options_.black_hole_rate, Fault::kNetworkBlackHole},
      {options_.partial_rate, Fault::kPartialRead},
      {options_.partial_rate, Fault::kPartialWrite},
  };
  for (const auto& [rate, fault] : rates) {
    if (rate > 0) {
      ledger_.configure(fault);
    }
  }
}

void Network::heal() {
  options_.tail_rate = 0;
  options_.clog_rate = 0;
  options_.reset_rate = 0;
  options_.black_hole_rate = 0;
  bit_flip_rate_ = 0;
  links_.mend_all();
}

void Network::count(std::string_view who, Fault fault) {
  ledger_.receive(fault);
  scheduler_.note(who, "fault", fault_name(fault));
}

void Network::schedule(int64_t at_ns, async::Work work) {
  scheduler_.system().start_timer(Instant::from_nanos(at_ns), std::move(work));
}

void Network::transmit(const Wire& wire, int from, Bytes bytes) {
  End& end = wire->ends[from];
  if (end.hole || end.reset) {
    return;
  }
  const int64_t now_ns = scheduler_.now_ns();
  if (faults_.chance(options_.reset_rate)) {
    ++end.sent_epoch;
    // What is sent before the news arrives would come without what was lost.
    end.reset = true;
    break_later(wire, from, now_ns + latency().nanos(), Fault::kNetworkPacketLoss);
    break_later(wire, 1 - from, now_ns + latency().nanos(), Fault::kNetworkPacketLoss);
    return;
  }
  if (faults_.chance(options_.black_hole_rate)) {
    end.hole = true;
    return;
  }
  Duration delay = latency();
  std::optional<Fault> mark;
  if (faults_.chance(options_.tail_rate)) {
    delay = delays_.between(options_.latency_max, options_.tail_max);
    mark = Fault::kNetworkDelay;
  }
  if (faults_.chance(options_.clog_rate)) {
    delay = delays_.between(Duration::seconds(1), options_.clog_max);
    mark = Fault::kNetworkClog;
  }
  const End& peer = wire->ends[1 - from];
  if (const Duration slow = links_.slowness(end.host, peer.host); slow > Duration()) {
    delay = delay + slow;
    mark = mark ? mark : Fault::kNetworkSlowPair;
  }
  end.clear_at_ns = std::max(end.clear_at_ns, now_ns + delay.nanos());
  wire::Chunk sent{std::move(bytes), 0, mark};
  if (!sent.bytes.empty()) {
    sent.carries = std::exchange(end.next_carries, std::nullopt);
    flip_a_bit(wire, sent);
  }
  const std::pair<uint64_t, uint64_t> ticket(++sent_, wire->id);
  under_way_[{end.host, peer.host}].insert(ticket);
  schedule(end.clear_at_ns, [this, wire, from, ticket, epoch = end.sent_epoch,
                             chunk = std::move(sent)]() mutable {
    End& sender = wire->ends[from];
    const std::string& to = wire->ends[1 - from].host;
    const bool held = links_.is_cut(sender.host, to);
    sender.waiting += held ? 1 : 0;
    links_.pass(sender.host, to,
                [this, wire, from, ticket, epoch, held, chunk = std::move(chunk)]() mutable {
                  End& source = wire->ends[from];
                  std::set<std::pair<uint64_t, uint64_t>>& others =
                      under_way_[{source.host, wire->ends[1 - from].host}];
                  others.erase(ticket);
                  const auto older = [&](const auto& other) {
                    return other.first < ticket.first && other.second != ticket.second;
                  };
                  chunk.overtook = std::ranges::any_of(others, older);
                  if (held) {
                    --source.waiting;
                    chunk.mark = Fault::kNetworkPartition;
                  }
                  if (source.sent_epoch == epoch) {
                    deliver(wire, 1 - from, std::move(chunk));
                  }
                });
  });
}

void Network::deliver(const Wire& wire, int to, wire::Chunk chunk) {
  End& end = wire->ends[to];
  if (!end.loop.open()) {
    // The host that answers now never knew this connection; one that is down says nothing.
    if (!down_.contains(end.host)) {
      break_later(wire, 1 - to, scheduler_.now_ns() + latency().nanos(), Fault::kCrashReset);
    }
    return;
  }
  if (end.closed) {
    break_later(wire, 1 - to, scheduler_.now_ns() + latency().nanos(), std::nullopt);
    return;
  }
  if (end.broken) {
    return;
  }
  const bool fin = chunk.bytes.empty();
  scheduler_.trace().mix(chunk.bytes);
  scheduler_.note(end.loop.label(), fin ? "fin" : "deliver",
                  fmt::format("c{} {} bytes from {}", wire->id, chunk.bytes.size(),
                              wire->ends[1 - to].loop.label()));
  if (fin) {
    end.end_arrived = true;
  } else {
    end.arrived.push_back(std::move(chunk));
  }
  end.readable.set();
}

void Network::break_later(const Wire& wire, int side, int64_t at_ns, std::optional<Fault> why) {
  schedule(at_ns, [this, wire, side, why] {
    links_.pass(wire->ends[1 - side].host, wire->ends[side].host,
                [this, wire, side, why] { break_end(wire, side, why); });
  });
}

void Network::break_end(const Wire& wire, int side, std::optional<Fault> why) {
  End& end = wire->ends[side];
  if (end.broken || end.closed || !end.loop.open()) {
    return;
  }
  end.broken = true;
  end.broken_by = why;
  // Some systems still hand out what had arrived before the reset, some do not.
  if (crashes_.choose(2) == 0) {
    end.arrived.clear();
  }
  scheduler_.note(end.loop.label(), "reset",
                  fmt::format("c{} {}", wire->id, why ? fault_name(*why) : "peer closed"));
  end.readable.set();
  end.writable.set();
}

void Network::close_end(const Wire& wire, int side) {
  End& end = wire->ends[side];
  if (end.closed) {
    return;
  }
  end.closed = true;
  if (!end.loop.open()) {
    return;
  }
  if (end.hole || wire->ends[1 - side].hole) {
    count(end.loop.label(), Fault::kNetworkBlackHole);
  }
  if (end.waiting > 0 || wire->ends[1 - side].waiting > 0) {
    count(end.loop.label(), Fault::kNetworkPartition);
  }
  if (wire->ends[1 - side].silence) {
    count(end.loop.label(), *std::exchange(wire->ends[1 - side].silence, std::nullopt));
  }
  if (!end.broken) {
    if (!end.arrived.empty()) {
      // Closing with unread bytes resets, behind what is still under way.
      break_later(wire, 1 - side,
                  std::max(end.clear_at_ns, scheduler_.now_ns() + latency().nanos()), std::nullopt);
    } else if (!end.end_sent) {
      end.end_sent = true;
      transmit(wire, side, Bytes());
    }
  }
  end.arrived.clear();
  end.readable.set();
  end.writable.set();
}

size_t Network::take(const Wire& wire, int side, std::span<char> buffer) {
  End& end = wire->ends[side];
  size_t available = 0;
  for (const wire::Chunk& chunk : end.arrived) {
    available += chunk.bytes.size() - chunk.taken;
  }
  size_t wanted = std::min(buffer.size(), available);
  if (wanted > 1 && parts_.chance(options_.partial_rate)) {
    wanted = 1 + parts_.choose(wanted - 1);
    count(end.loop.label(), Fault::kPartialRead);
  }
  size_t taken = 0;
  while (taken < wanted) {
    wire::Chunk& chunk = end.arrived.front();
    const size_t piece = std::min(wanted - taken, chunk.bytes.size() - chunk.taken);
    std::memcpy(buffer.data() + taken, chunk.bytes.data() + chunk.taken, piece);
    taken += piece;
    chunk.taken += piece;
    if (chunk.mark) {
      count(end.loop.label(), *std::exchange(chunk.mark, std::nullopt));
    }
    if (chunk.carries) {
      count(end.loop.label(), *std::exchange(chunk.carries, std::nullopt));
    }
    if (std::exchange(chunk.overtook, false)) {
      count(end.loop.label(), Fault::kNetworkMessageReorder);
    }
    if (chunk.taken == chunk.bytes.size()) {
      end.arrived.pop_front();
    }
  }
  End& sender = wire->ends[1 - side];
  CHECK(sender.outstanding_bytes >= taken);
  sender.outstanding_bytes -= taken;
  sender.writable.set();
  return taken;
}

size_t Network::put(const Wire& wire, int side, ByteView bytes) {
  End& end = wire->ends[side];
  size_t size = std::min(bytes.size(), options_.window_bytes - end.outstanding_bytes);
  CHECK(size > 0);
  if (size > 1 && parts_.chance(options_.partial_rate)) {
    size = 1 + parts_.choose(size - 1);
    count(end.loop.label(), Fault::kPartialWrite);
  }
  end.outstanding_bytes += size;
  transmit(wire, side, Bytes(bytes.substr(0, size)));
  return size;
}

Error Network::broken(const Wire& wire, int side) {
  End& end = wire->ends[side];
  if (end.broken_by) {
    count(end.loop.label(), *std::exchange(end.broken_by, std::nullopt));
  }
  return base::unavailable("connection reset by " + wire->ends[1 - side].host);
}

void Network::cut_connection(const Wire& wire, int dead) {
  End& end = wire->ends[dead];
  end.closed = true;
  end.arrived.clear();
  const int64_t now_ns = scheduler_.now_ns();
  switch (crashes_.choose(3)) {
    case 0:  // reset; what was under way is lost
      ++end.sent_epoch;
      break_later(wire, 1 - dead, now_ns + latency().nanos(), Fault::kCrashReset);
      break;
    case 1:  // reset, behind what was under way
      break_later(wire, 1 - dead, std::max(end.clear_at_ns, now_ns + latency().nanos()),
                  Fault::kCrashReset);
      break;
    default:  // silence
      ++end.sent_epoch;
      break;
  }
}

void Network::cut(SimLoop& loop, const std::string& host) {
  CHECK(!loop.open());
  if (configured_) {
    ledger_.configure(Fault::kCrashReset);
    ledger_.configure(Fault::kConnectionRefused);
  }
  down_.insert(host);
  for (auto it = ports_.begin(); it != ports_.end();) {
    if (&it->second->loop == &loop) {
      it->second->closed = true;
      it->second->backlog.clear();
      it = ports_.erase(it);
    } else {
      ++it;
    }
  }
  for (auto it = connections_.begin(); it != connections_.end();) {
    const Wire wire = it->second.lock();
    if (wire == nullptr) {
      it = connections_.erase(it);
      continue;
    }
    for (int side : {0, 1}) {
      if (&wire->ends[side].loop == &loop && !wire->ends[side].closed) {
        cut_connection(wire, side);
      }
    }
    ++it;
  }
}

void Network::mark_next(uint64_t connection, Fault fault) {
  if (const auto found = connections_.find(connection); found != connections_.end()) {
    if (const Wire wire = found->second.lock()) {
      wire->ends[1].next_carries = fault;
    }
  }
}

void Network::expect_give_up(uint64_t connection, std::optional<Fault> fault) {
  if (const auto found = connections_.find(connection); found != connections_.end()) {
    if (const Wire wire = found->second.lock()) {
      wire->ends[1].silence = fault;
    }
  }
}

void Network::flip_bits(const world::Address& port, uint64_t per_million) {
  guarded_.insert(port.to_string());
  bit_flip_rate_ = per_million;
  if (per_million > 0) {
    ledger_.configure(Fault::kNetworkBitFlip);
  }
}

void Network::flip_a_bit(const Wire& wire, wire::Chunk& chunk) {
  if (!wire->guarded || !flips_.chance(bit_flip_rate_)) {
    return;
  }
  const uint64_t bit = flips_.choose(chunk.bytes.size() * 8);
  chunk.bytes[bit / 8] = static_cast<char>(chunk.bytes[bit / 8] ^ (1 << (bit % 8)));
  chunk.carries = Fault::kNetworkBitFlip;
}

void Network::host_is_back(const std::string& host) { down_.erase(host); }

size_t Network::connections(const SimLoop& loop) const {
  size_t count = 0;
  for (const auto& [id, weak] : connections_) {
    const Wire wire = weak.lock();
    for (int side : {0, 1}) {
      count += wire && &wire->ends[side].loop == &loop && !wire->ends[side].closed ? 1 : 0;
    }
  }
  return count;
}

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
