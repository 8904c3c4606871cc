// Keeper: a node's part in the cluster: it joins, beats, watches the others, declares dead who is
// silent, and sweeps what the dead leave behind. One per node name.
//
// Every node watches all others. Several may declare the same node dead: the transaction compares
// the epoch, so it falls once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "async/scope.h"
#include "async/task.h"
#include "cluster/ownership.h"
#include "cluster/watcher.h"
#include "store/database.h"
#include "world/world.h"

namespace kelpie::cluster {

struct KeeperCounters {
  uint64_t beats = 0;
  uint64_t beats_failed = 0;  // the store refused, or did not decide
  uint64_t suspicions = 0;
  uint64_t declared_dead = 0;  // by this node
  uint64_t fences_lost = 0;
  uint64_t records_swept = 0;
};

// One Loop. World, database and ownership outlive it. Destroying it drops everything where it
// stands.
class Keeper {
 public:
  // Called on the loop when this node's epoch was replaced: somebody has declared it dead. All that
  // it owned must be ended, and the node must join again (Runtime::fence_lost). Called again each
  // period until the node has another epoch.
  using Lost = std::function<void(Epoch)>;

  // Takes Ownership::on_joined.
  Keeper(World& world, store::Database& database, Ownership& ownership, WatcherOptions options,
         Lost lost);
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;
  ~Keeper();

  // Joins, again and again until the node is in; then beats and watches, until it has left. Once.
  Task<void> run();

  // One period's work: beats and reads all nodes in one transaction, then judges them. `run` calls
  // it; who explores it calls it alone. Errors are the store's; the node has not beaten then, as
  // far as it knows, and has observed nothing.
  Task<void> beat_and_watch();

  // In order: `start_leaving`, the caller gives its actors away, `leave`. In between the node goes
  // on beating.
  Task<void> start_leaving() { return ownership_.start_leaving(); }
  // `run` ends after it.
  Task<void> leave();

  // All nodes as of the last observation, by name, this one among them. For explanations and
  // addresses: what it says may have passed.
  [[nodiscard]] const std::vector<NodeSeen>& nodes() const { return nodes_; }
  [[nodiscard]] bool suspects(const std::string& node) const { return watcher_.suspects(node); }
  [[nodiscard]] const KeeperCounters& counters() const { return counters_; }

 private:
  Task<void> write_beat(store::Transaction& transaction, Epoch epoch);
  Task<void> commit_beat(std::unique_ptr<store::Transaction> transaction, Epoch epoch);
  [[nodiscard]] bool holds(const std::vector<NodeSeen>& nodes, const Epoch& epoch) const;
  void fence_lost(const Epoch& epoch);
  void act(const WatcherEffect& effect);
  Task<void> bury(std::string node, Epoch epoch);
  // A sweep that is under way is followed by another.
  void sweep_soon();
  Task<void> sweep();

  World& world_;
  store::Database& database_;
  Ownership& ownership_;
  WatcherOptions options_;
  Lost lost_;
  Watcher watcher_;
  KeeperCounters counters_;
  std::vector<NodeSeen> nodes_;
  int64_t counter_ = 0;            // of the last beat
  std::set<std::string> burying_;  // nodes whose declaration is under way
  bool sweeping_ = false;
  bool sweep_due_ = false;
  bool left_ = false;
  async::Scope work_;  // last: its tasks use everything above
};

}  // namespace kelpie::cluster
