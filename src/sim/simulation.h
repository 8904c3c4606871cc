// Simulation: one run from one seed. Hosts, their worlds, the wires between them, and what went
// wrong.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/choices.h"
#include "sim/clock.h"
#include "sim/durable_disk.h"
#include "sim/faults.h"
#include "sim/frozen.h"
#include "sim/log.h"
#include "sim/network.h"
#include "sim/scheduler.h"
#include "sim/swarm.h"
#include "sim/trace.h"
#include "world/world.h"

namespace kelpie::sim {

using MutantSet = std::set<std::string, std::less<>>;

struct SimulationOptions {
  uint64_t seed = 1;
  MutantSet mutants;
  Trace::Sink sink;  // readable lines; none: only the hash
  ChoiceOptions choices = {};
  // The run is left where it is after so many events.
  uint64_t events_until = std::numeric_limits<uint64_t>::max();
};

// What an oracle found: the promise's name (promises.md) and what it saw.
struct Failure {
  std::string oracle;
  std::string message;
};

class Simulation;

// A machine of the simulation. What runs on it is its owner's; a crash is: `crash()`, then
// the owner destroys what ran, then `boot()`.
class SimHost {
 public:
  SimHost(Simulation& simulation, HostId id, std::string name);
  SimHost(const SimHost&) = delete;
  SimHost& operator=(const SimHost&) = delete;
  ~SimHost();

  // A new incarnation and the World of it, which stays until the next boot. The host is down.
  World& boot();
  // The World of one more loop of the same process, under a node name of its own:
  // `<name>/<number>`. The host is up.
  World& add_loop();
  // Stands still, as a machine that swaps or a process that is stopped: time goes on without it.
  void pause();
  void resume();
  [[nodiscard]] bool paused() const { return paused_; }
  // From now on it stands still for so long after each piece of work; zero: no more.
  void slow_down(Duration by);
  // Hears of each site that production code reaches on this host (world/sites.h), besides those
  // who hear of them already, until `nobody_hears`.
  using OnReached = std::function<void(std::string_view site)>;
  void on_reached(OnReached heard) { on_reached_.push_back(std::move(heard)); }
  void nobody_hears() { on_reached_.clear(); }
  // Closes the gate and cuts the connections. Destroys nothing that belongs to the code under test,
  // whose destructors find every effect closed to them.
  void crash();
  // The same for a host whose code has ended in order: nothing of it may be left (S21).
  void stop();

  [[nodiscard]] bool up() const { return !loops_.empty() && loops_.front()->loop.open(); }
  [[nodiscard]] World& world() { return loops_.front()->world; }
  // The first one, as `world`.
  [[nodiscard]] SimLoop& loop() { return loops_.front()->loop; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] SimClock& clock() { return clock_; }

 private:
  struct Running {
    Running(SimHost& host, SimLoop& on, std::string node);
    SimLoop& loop;
    world::Rng rng;
    SimNet net;
    SimLog log;
    SimFaults faults;
    World world;
  };
  void close();
  void on_error_log(const std::string& line);

  Simulation& simulation_;
  HostId id_;
  std::string name_;
  SimClock clock_;
  uint32_t boots_ = 0;
  bool paused_ = false;
  std::vector<OnReached> on_reached_;
  uint64_t disk_errors_before_ = 0;
  std::vector<std::unique_ptr<Running>> loops_;  // of the newest incarnation
};

// Not thread safe. Hosts live as long as it.
class Simulation {
 public:
  Simulation(SimulationOptions options, Swarm swarm);
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  SimHost& add_host(std::string name);

  // The first failure of a run is its failure; the run stops.
  void fail(std::string oracle, std::string message);
  [[nodiscard]] const std::optional<Failure>& failure() const { return failure_; }

  // Destroys what ran on a host that has crashed. A real crash runs no destructor, so one that has
  // an effect fails the run.
  void destroy_crashed(const SimHost& host, const std::function<void()>& destroy);

  // How the clocks of a host of this name run.
  [[nodiscard]] WallClockOptions draw_clock(std::string_view host) const;
  [[nodiscard]] int64_t draw_drift_ppm(std::string_view host) const;

  // The faults of the network end from now on, but for what is frozen: the liveness half of a run.
  // Links of the hosts that are lost are cut; that those which are dead are down is the scenario's
  // part. Without anything frozen all is well again.
  void heal(const Frozen& frozen = {});
  // What was left broken by the last `heal` that left anything so.
  [[nodiscard]] const Frozen& frozen() const { return frozen_; }
  // Whether the faults have ended, and what they may still have brought about.
  [[nodiscard]] bool healed() const { return now_ns() > excused_until_ns_; }
  // Whether an error of a disk may explain what just went wrong in code that started when
  // `before` of them (FaultLedger::disk_errors) had been received; and why a store stopped for
  // good, of FaultLedger::undecided_writes. After `heal` nothing is explained, but for a moment of
  // aftermath.
  [[nodiscard]] bool disk_error_since(uint64_t before) const;
  [[nodiscard]] bool undecided_write_since(uint64_t before) const;

  [[nodiscard]] Choices& choices() { return choices_; }
  [[nodiscard]] Trace& trace() { return trace_; }
  [[nodiscard]] FaultLedger& ledger() { return ledger_; }
  [[nodiscard]] SiteLedger& sites() { return sites_; }
  [[nodiscard]] Scheduler& scheduler() { return scheduler_; }
  [[nodiscard]] Network& network() { return network_; }
  [[nodiscard]] Loop& loop() { return scheduler_.system(); }
  [[nodiscard]] const Swarm& swarm() const { return swarm_; }
  [[nodiscard]] const MutantSet& mutants() const { return options_.mutants; }
  [[nodiscard]] int64_t now_ns() const { return scheduler_.now_ns(); }

  // Runs until `done` is set, a failure, or nothing is left to run (a failure too).
  void run_until(const bool& done);

 private:
  void cut_off(const std::string& host, Lost how);

  SimulationOptions options_;
  Swarm swarm_;
  Choices choices_;
  Trace trace_;
  FaultLedger ledger_;
  SiteLedger sites_;
  Scheduler scheduler_;
  Network network_;
  int64_t excused_until_ns_ = std::numeric_limits<int64_t>::max();
  Frozen frozen_;
  std::optional<Failure> failure_;
  std::vector<std::unique_ptr<SimHost>> hosts_;
};

}  // namespace kelpie::sim
