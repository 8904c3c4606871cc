// StoreNode: a simulated host whose code uses the store directly: the embedded pipeline over a
// durable disk of its own, or the production FoundationDB adapter over a shared cluster.
#pragma once

#include <functional>
#include <memory>

#include "async/task.h"
#include "sim/durable_disk.h"
#include "sim/fdb/sim_fdb.h"
#include "sim/model/recording_database.h"
#include "sim/simulation.h"
#include "store/database.h"

namespace kelpie::sim {

// What work on a node is given; it lives as long as the incarnation.
struct StoreAccess {
  World& world;
  store::Database& database;
};

// Driven from the simulation's own loop. A process whose store has stopped ends, and is started
// again.
class StoreNode {
 public:
  // Exactly one of the two: a disk, which is the host's alone, or a cluster. `told` hears, on the
  // node's loop, of each transaction that is told that it has committed.
  StoreNode(Simulation& simulation, SimHost& host, DurableDisk* disk, SimFdb* fdb,
            RecordingDatabase::Told told);
  StoreNode(const StoreNode&) = delete;
  StoreNode& operator=(const StoreNode&) = delete;
  ~StoreNode();

  void start();
  // Power off; of a process alone: the system keeps what was written.
  void crash();
  void kill();
  // In order; nothing may be left behind (S21). False: it went down in another way meanwhile.
  Task<bool> stop();
  [[nodiscard]] bool up() const { return parts_ != nullptr; }
  // It carries out work.
  [[nodiscard]] bool busy() const;
  [[nodiscard]] SimHost& host() { return host_; }

  // Runs on the node's loop, if the node is still the one that was asked.
  using Work = std::function<Task<void>(StoreAccess)>;
  void run(Work work);

 private:
  struct Parts;
  static Task<void> end_with_store(StoreNode& node, Parts& parts);
  void died(uint64_t start);

  Simulation& simulation_;
  SimHost& host_;
  DurableDisk* disk_;
  SimFdb* fdb_;
  RecordingDatabase::Told told_;
  uint64_t starts_ = 0;
  uint64_t undecided_writes_before_ = 0;  // received before the last start
  std::unique_ptr<Parts> parts_;
};

}  // namespace kelpie::sim
