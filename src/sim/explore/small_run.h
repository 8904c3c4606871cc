// SmallRun: what one run of a small scenario works with: hosts, tasks that must end, decisions.
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>

#include "async/task.h"
#include "sim/explore/explorer.h"
#include "sim/simulation.h"

namespace kelpie::sim {

// Not thread safe. Outlives its scenario, and is outlived by its Simulation.
class SmallRun {
 public:
  explicit SmallRun(Simulation& simulation) : simulation_(simulation) {}
  SmallRun(const SmallRun&) = delete;
  SmallRun& operator=(const SmallRun&) = delete;

  [[nodiscard]] Simulation& simulation() { return simulation_; }
  // Booted.
  SimHost& add_host(std::string name);

  // A task that starts on the host's loop, as any other work there, and that must have ended when
  // nothing is left to run (L2), without an error ("scenario").
  void spawn(SimHost& host, std::string name, Task<void> task);
  // The host crashes, and its tasks are no more. The scenario then destroys what else ran there.
  // Called from work of the simulation's own loop.
  void crash(SimHost& host);

  // One of `bound` alternatives, each of which is explored if the scenario names the label.
  uint64_t choose(std::string_view label, uint64_t bound) {
    return simulation_.choices().choose(label, bound);
  }
  // Both are explored. The first is no.
  bool decide(std::string_view label) { return choose(label, 2) == 1; }

  void fail(std::string oracle, std::string message) {
    simulation_.fail(std::move(oracle), std::move(message));
  }
  // What this end is, told apart from others by all that is mixed in.
  void end_in(std::string_view what);
  [[nodiscard]] uint64_t end() const { return end_; }

  // For who drives the run.
  void check_ended();
  void drop_tasks() { tasks_.clear(); }

 private:
  struct Spawned {
    SimHost* host;
    std::string name;
    Task<void> task;
    bool started = false;
    bool done = false;
  };
  void start(Spawned& spawned);

  Simulation& simulation_;
  std::list<Spawned> tasks_;
  uint64_t end_ = 0;
};

}  // namespace kelpie::sim
