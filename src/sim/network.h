// Network: the wires between simulated hosts. Byte streams with latency, partial reads and
// writes, resets, clogs and black holes; bytes of one direction always stay in order.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>

#include "async/event.h"
#include "base/time.h"
#include "sim/choices.h"
#include "sim/faults.h"
#include "sim/links.h"
#include "sim/scheduler.h"
#include "world/net.h"

namespace kelpie::sim {

// What a run's network does, drawn per seed. Rates are per million of the occasion named.
struct NetworkOptions {
  Duration latency_min = Duration::micros(50);
  Duration latency_max = Duration::micros(500);
  uint64_t tail_rate = 0;  // a chunk takes up to tail_max
  Duration tail_max = Duration::millis(400);
  uint64_t clog_rate = 0;  // a chunk, and all behind it, waits up to clog_max
  Duration clog_max = Duration::seconds(20);
  uint64_t reset_rate = 0;       // a chunk breaks its connection instead of arriving
  uint64_t black_hole_rate = 0;  // from this chunk on nothing of its direction arrives
  uint64_t partial_rate = 0;     // a read or a write is cut short
  size_t window_bytes = 64 * 1024;
};

namespace wire {

struct Chunk {
  Bytes bytes;
  size_t taken = 0;
  std::optional<Fault> mark;
  // It has overtaken something older of another connection between the same hosts.
  bool overtook = false;
  // What its bytes mean to whoever reads them.
  std::optional<Fault> carries = std::nullopt;
};

// One side of a connection.
struct End {
  End(SimLoop& on, std::string host_name) : loop(on), host(std::move(host_name)) {}
  SimLoop& loop;
  std::string host;
  std::deque<Chunk> arrived;
  bool end_arrived = false;
  bool end_sent = false;
  bool closed = false;
  bool broken = false;
  std::optional<Fault> broken_by;
  bool hole = false;                  // what we send is swallowed
  bool reset = false;                 // something we sent is lost, and the news is on its way
  size_t waiting = 0;                 // chunks that we sent and that a cut link holds back
  uint64_t sent_epoch = 0;            // what was sent under an older epoch never arrives
  size_t outstanding_bytes = 0;       // sent and not yet taken by the peer
  int64_t clear_at_ns = 0;            // all that we sent has arrived by then
  std::optional<Fault> next_carries;  // what we send next carries it
  std::optional<Fault> silence;       // the peer receives it if it closes now
  async::Event readable{loop};
  async::Event writable{loop};
};

struct Connection {
  Connection(uint64_t number, SimLoop& dialer, std::string dialer_host, SimLoop& acceptor,
             std::string acceptor_host)
      : id(number),
        ends{End(dialer, std::move(dialer_host)), End(acceptor, std::move(acceptor_host))} {}
  uint64_t id;
  End ends[2];
  bool guarded = false;  // what it carries detects damage
};

// A listening address.
struct Port {
  Port(SimLoop& on, world::Address where) : loop(on), address(std::move(where)) {}
  SimLoop& loop;
  world::Address address;
  bool closed = false;
  std::deque<std::shared_ptr<Connection>> backlog;
  async::Event ready{loop};
};

}  // namespace wire

class Network {
 public:
  Network(Scheduler& scheduler, Choices& choices, FaultLedger& ledger, NetworkOptions options);
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;
  ~Network();

  // From now on chunks meet no faults but at the rates of `left`: those that were drawn already
  // still run out, and links that were cut are mended. Slow pairs stay slow.
  void heal(const NetworkOptions& left = {});
  [[nodiscard]] Links& links() { return links_; }

  // A host's incarnation is gone and its gate is closed: its ports close, and each of its
  // connections is reset, is reset after what was under way has arrived, or falls silent until
  // the peer's next packet after `host_is_back`.
  void cut(SimLoop& loop, const std::string& host);
  void host_is_back(const std::string& host);

  // For a host of the outside world that speaks wrongly on purpose. What the accepting side of a
  // connection sends next carries this fault: it is received when the bytes are read. And: that
  // side is silent from now on (or, without a fault, no more), which is received when the dialer
  // gives the connection up.
  void mark_next(uint64_t connection, Fault fault);
  void expect_give_up(uint64_t connection, std::optional<Fault> fault);
  // Connections to this port are protected against damage, so that of their chunks some, per
  // million, get a bit flipped. Before the first of them is made.
  void flip_bits(const world::Address& port, uint64_t per_million);

  // Connections that `loop` holds an end of.
  [[nodiscard]] size_t connections(const SimLoop& loop) const;

  // For SimNet. `loop` is the caller's, `from` and `at` name its host.
  Task<std::unique_ptr<world::ByteStream>> dial(SimLoop& loop, std::string from, world::Address to);
  Result<std::unique_ptr<world::Listener>> listen(SimLoop& loop, world::Address at);

 private:
  friend class SimStream;
  friend class CutDial;
  friend class SimListener;
  using Wire = std::shared_ptr<wire::Connection>;

  Duration latency() { return delays_.between(options_.latency_min, options_.latency_max); }
  // Puts bytes (or the end of the stream, when empty) on the wire from one side.
  void transmit(const Wire& wire, int from, Bytes bytes);
  void deliver(const Wire& wire, int to, wire::Chunk chunk);
  void schedule(int64_t at_ns, async::Work work);
  // The side hears that the connection is gone, by a fault or because the peer closed it.
  void break_end(const Wire& wire, int side, std::optional<Fault> why);
  void break_later(const Wire& wire, int side, int64_t at_ns, std::optional<Fault> why);
  void cut_connection(const Wire& wire, int dead);
  void close_end(const Wire& wire, int side);
  void flip_a_bit(const Wire& wire, wire::Chunk& chunk);
  size_t take(const Wire& wire, int side, std::span<char> buffer);
  size_t put(const Wire& wire, int side, ByteView bytes);
  // Why the side can no longer be used; counts the fault behind it once.
  Error broken(const Wire& wire, int side);
  void count(std::string_view who, Fault fault);
  void configure_faults();

  Scheduler& scheduler_;
  FaultLedger& ledger_;
  NetworkOptions options_;
  ChoiceStream& delays_;
  ChoiceStream& faults_;
  ChoiceStream& parts_;
  ChoiceStream& crashes_;
  ChoiceStream& flips_;
  uint64_t bit_flip_rate_ = 0;
  std::set<std::string> guarded_;
  bool configured_ = false;
  uint64_t last_connection_ = 0;
  uint16_t last_port_ = 49'151;
  std::map<uint64_t, std::weak_ptr<wire::Connection>> connections_;
  std::map<std::string, std::shared_ptr<wire::Port>> ports_;
  std::set<std::string> down_;
  Links links_;
  // Chunks under way from one host to another: when they were sent, and on which connection.
  uint64_t sent_ = 0;
  std::map<std::pair<std::string, std::string>, std::set<std::pair<uint64_t, uint64_t>>> under_way_;
};

// What one incarnation of a host sees of the network.
class SimNet final : public world::Net {
 public:
  SimNet(Network& network, SimLoop& loop, std::string host)
      : network_(network), loop_(loop), host_(std::move(host)) {}
  Task<std::unique_ptr<world::ByteStream>> dial(world::Address to) override;
  Task<std::unique_ptr<world::Listener>> listen(world::Address at) override;

 private:
  Network& network_;
  SimLoop& loop_;
  std::string host_;
};

}  // namespace kelpie::sim
