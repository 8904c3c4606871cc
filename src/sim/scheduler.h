// Scheduler: one thread, simulated time, and the order in which ready work runs. SimLoop: the
// Loop that one incarnation of a host sees of it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/loop.h"
#include "sim/choices.h"
#include "sim/trace.h"

namespace kelpie::sim {

class Scheduler;

using HostId = base::Strong<struct HostIdTag, uint32_t>;
using Incarnation = base::Strong<struct IncarnationTag, uint32_t>;

// A monotonic clock: what it shows at simulated time zero, and how much faster than simulated time
// it runs, in parts per million.
struct LocalTime {
  int64_t origin_ns = 0;
  int64_t drift_ppm = 0;

  [[nodiscard]] int64_t at(int64_t simulated_ns) const {
    // In 128 bits: a timer may be due in days.
    return origin_ns + simulated_ns +
           static_cast<int64_t>(static_cast<__int128>(simulated_ns) * drift_ppm / 1'000'000);
  }
  // The first simulated moment at which it shows `local_ns` or more.
  [[nodiscard]] int64_t when(int64_t local_ns) const;
};

// A Loop with a gate. Once the gate is closed nothing of this incarnation runs any more, and
// what it still posts or starts (from destructors, say) is dropped. Owned by the Scheduler and
// lives as long as it, so that nothing that outlives an incarnation dangles.
class SimLoop final : public async::Loop {
 public:
  // From a piece of work of another loop of the same host it trips the guard: loops of one process
  // share no state.
  void post(async::Work work) override;
  // Joins what is ready, like any other post: the scheduler's policy decides when it arrives.
  void post_from_thread(async::Work work) override;
  [[nodiscard]] Instant now() const override;
  async::TimerId start_timer(Instant due, async::Work work) override;
  void cancel_timer(async::TimerId timer) override;

  [[nodiscard]] bool open() const { return open_; }
  // From now on nothing gets in. A host with several loops shuts all before it drops anything.
  void shut_gate() { open_ = false; }
  // Shuts it and drops all that is queued. The objects that the queued work refers to are still
  // alive.
  void close_gate();
  // Runs what is posted here, and what that posts here in a bounded number of rounds; no timers.
  // For the orderly end of a process whose loop runs no more.
  void run_pending();

  [[nodiscard]] HostId host() const { return host_; }
  // `name#incarnation`, as traces print it.
  [[nodiscard]] const std::string& label() const { return label_; }
  [[nodiscard]] size_t timers() const { return timers_.size(); }
  [[nodiscard]] size_t queued() const;

 private:
  friend class Scheduler;
  using TimerKey = std::pair<int64_t, uint64_t>;  // due in simulated ns, creation order

  SimLoop(Scheduler& scheduler, HostId host, std::string label, LocalTime time)
      : scheduler_(scheduler), host_(host), label_(std::move(label)), time_(time) {}
  void run_due_timer();

  Scheduler& scheduler_;
  HostId host_;
  std::string label_;
  LocalTime time_;
  bool open_ = true;
  std::map<TimerKey, async::Work> timers_;
  std::map<async::TimerId, TimerKey> timer_keys_;
};

enum class Policy : uint8_t {
  kFifo,         // in order of becoming ready
  kUniform,      // any ready piece of work
  kHostUniform,  // any host with ready work; first come first served within it
  kPct,          // by priority of the causal chain, with a few random demotions
};
inline constexpr uint64_t kPolicies = static_cast<uint64_t>(Policy::kPct) + 1;
std::string_view policy_name(Policy policy);

struct SchedulerOptions {
  Policy policy = Policy::kFifo;
  // How far time moves after each event: at least, and how many values above that it may take.
  int64_t tick_min_ns = 50;
  uint64_t tick_spread_ns = 51;
  // Guards: beyond these a run has failed.
  uint64_t events_max = 50'000'000;
  size_t ready_max = 100'000;   // work that could run, and as much that waits for one host
  size_t timers_max = 100'000;  // of one loop
  // Events while time stands still, as it may where ticks are zero.
  uint64_t events_at_instant_max = 1'000'000;
  int64_t simulated_ns_max = 3'600'000'000'000;
  // Work that runs while no timer fires and nothing is delivered: something spins.
  uint64_t events_without_timer_max = 1'000'000;
  // PCT: how many demotions, spread over how many events.
  uint64_t pct_depth = 3;
  uint64_t pct_span_events = 20'000;
};

// A piece of work that could run next. Its sequence number stays the same until it has run.
struct ReadyWork {
  uint64_t sequence = 0;
  HostId host{0};
};

// Hears before each event what may run next, in the order of which "schedule/order" chooses.
class ReadyListener {
 public:
  ReadyListener() = default;
  ReadyListener(const ReadyListener&) = delete;
  ReadyListener& operator=(const ReadyListener&) = delete;
  virtual ~ReadyListener() = default;

  virtual void ready(std::span<const ReadyWork> works) = 0;
};

// Not thread safe: a simulation has one thread.
class Scheduler {
 public:
  Scheduler(Choices& choices, Trace& trace, SchedulerOptions options);
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  ~Scheduler();

  // The loop of a new incarnation. Its clock starts anywhere: no two hosts' agree; it drifts by so
  // many parts per million.
  SimLoop& add_loop(HostId host, std::string_view name, Incarnation incarnation,
                    int64_t drift_ppm = 0);
  // Another loop of the same incarnation, by the same clock.
  SimLoop& add_loop_beside(const SimLoop& first, std::string_view name, Incarnation incarnation);
  // Host 0: the network, the scenario and whatever else is not under test.
  [[nodiscard]] SimLoop& system() { return *loops_.front(); }

  // A host that stands still: its work and its timers wait, and time goes on. Calls nest.
  void pause(HostId host);
  // Yields how much work had waited when the last pause ended.
  size_t resume(HostId host);
  // From now on the host stands still for so long after each piece of its work; zero: no more.
  // `felt` hears of each time that work had to wait for it.
  void slow_down(HostId host, Duration by, std::function<void()> felt);

  // Under the policies kUniform and kHostUniform; outlives every step.
  void set_ready_listener(ReadyListener& listener) { listener_ = &listener; }

  // Runs one piece of work; after it time has moved by a tick. With nothing ready time jumps to the
  // next timer. False when nothing is left or a guard has tripped.
  bool step();
  // What guard has tripped; empty when none.
  [[nodiscard]] const std::string& tripped() const { return tripped_; }

  // Simulated nanoseconds since the run began.
  [[nodiscard]] int64_t now_ns() const { return now_ns_; }
  [[nodiscard]] uint64_t events() const { return events_; }
  [[nodiscard]] Trace& trace() { return trace_; }
  // An event of `who` at the present moment.
  void note(std::string_view who, std::string_view verb, std::string_view details) {
    trace_.event(now_ns_, who, verb, details);
  }

 private:
  friend class SimLoop;
  struct Item {
    uint64_t sequence = 0;
    SimLoop* loop = nullptr;
    async::Work work;  // empty: the earliest due timer of the loop
    uint64_t priority = 0;
  };

  struct Still {
    int pauses = 0;
    std::vector<Item> waiting;
    Duration slowness;
    std::function<void()> slowness_felt;
  };

  void make_ready(SimLoop& loop, async::Work work);
  void put(Item item);
  void be_slow(HostId host);
  void check_caller(const SimLoop& called, std::string_view what);
  // The first guard that trips is the one that is told.
  void trip(std::string what);
  void run_nested(Item item);
  void release_due_timers();
  size_t pick();
  size_t pick_any();
  size_t pick_host_first();
  size_t choose_among(const std::vector<size_t>& candidates);
  size_t pick_by_priority();
  void run(Item item);
  uint64_t new_priority();
  bool guards_hold();

  Trace& trace_;
  SchedulerOptions options_;
  ReadyListener* listener_ = nullptr;
  ChoiceStream& order_;
  ChoiceStream& ticks_;
  ChoiceStream& priorities_;
  ChoiceStream& origins_;
  std::vector<std::unique_ptr<SimLoop>> loops_;
  std::vector<Item> ready_;
  std::map<HostId, Still> still_;  // hosts that were ever paused or slow
  // Every timer that is not yet due: (due, creation) and whose it is.
  std::map<SimLoop::TimerKey, SimLoop*> waiting_;
  int64_t now_ns_ = 0;
  uint64_t sequence_ = 0;
  uint64_t events_ = 0;
  uint64_t events_without_timer_ = 0;
  int64_t instant_ns_ = 0;  // of the last event, and how many there were at it
  uint64_t events_at_instant_ = 0;
  uint64_t running_priority_ = 0;
  const SimLoop* running_ = nullptr;
  std::set<uint64_t> demotions_;
  std::string tripped_;
};

}  // namespace kelpie::sim
