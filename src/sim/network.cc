#include "sim/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace kelpie::sim {

using wire::End;

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

void Network::heal(const NetworkOptions& left) {
  options_.tail_rate = left.tail_rate;
  options_.clog_rate = left.clog_rate;
  options_.reset_rate = left.reset_rate;
  options_.black_hole_rate = left.black_hole_rate;
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

}  // namespace kelpie::sim
