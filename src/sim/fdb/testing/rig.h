// A simulation with a cluster and nodes, for tests. Test support.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "async/scope.h"
#include "async/sleep.h"
#include "base/check.h"
#include "sim/fdb/sim_fdb.h"
#include "sim/simulation.h"
#include "store/fdb/fdb_database.h"

namespace kelpie::sim::testing {

inline Swarm swarm_with(Policy policy) {
  Swarm swarm;
  swarm.scheduler.policy = policy;
  return swarm;
}

// Owns what runs on a host: its database and the tasks that use it.
struct FdbNode {
  FdbNode(SimFdb& fdb, SimHost& on)
      : host(on),
        world(host.boot()),
        database(world.loop, fdb.connect(host)),
        scope(std::make_unique<Scope>(world.loop, nullptr)) {}
  // Power off: what ran is destroyed when nothing of it has an effect any more.
  void crash() { host.crash(); }

  SimHost& host;
  World& world;
  store::FdbDatabase database;
  std::unique_ptr<Scope> scope;
};

struct FdbRig {
  explicit FdbRig(uint64_t seed, FdbFaults faults = {}, Policy policy = Policy::kFifo,
                  SimulationOptions options = {})
      : simulation(with_seed(std::move(options), seed), swarm_with(policy)),
        fdb(simulation, {.host = "cluster", .latency = {}, .faults = faults}) {}

  FdbNode& add_node() {
    SimHost& host = simulation.add_host("node-" + std::to_string(nodes.size()));
    nodes.push_back(std::make_unique<FdbNode>(fdb, host));
    return *nodes.back();
  }
  FdbNode& restart(size_t node) {
    SimHost& host = nodes[node]->host;
    nodes[node].reset();
    nodes[node] = std::make_unique<FdbNode>(fdb, host);
    return *nodes[node];
  }

  // Runs the simulation until the task, which runs in steps of whatever loops it names, has ended.
  template <class T>
  Result<T> run(Task<T> task) {
    bool done = false;
    const bool at_once = task.start([](void* flag) { *static_cast<bool*>(flag) = true; }, &done);
    done = done || at_once;
    simulation.run_until(done);
    if (!done) {
      return base::internal(simulation.failure()->oracle + ": " + simulation.failure()->message);
    }
    return task.take();
  }
  void run_for(Duration length) {
    bool over = false;
    simulation.loop().start_timer(simulation.loop().now() + length, [&] { over = true; });
    simulation.run_until(over);
  }
  template <class Condition>
  bool run_until(Condition condition, Duration at_most = Duration::minutes(10)) {
    const int64_t end_ns = simulation.now_ns() + at_most.nanos();
    while (!condition() && simulation.now_ns() < end_ns && !simulation.failure()) {
      run_for(Duration::millis(10));
    }
    return condition();
  }

  static SimulationOptions with_seed(SimulationOptions options, uint64_t seed) {
    options.seed = seed;
    return options;
  }

  Simulation simulation;
  SimFdb fdb;
  std::vector<std::unique_ptr<FdbNode>> nodes;
};

}  // namespace kelpie::sim::testing
