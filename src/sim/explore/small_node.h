// SmallNode: one node of a cluster over a SharedStore, and an actor that counts its turns.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actor/runtime.h"
#include "cluster/ownership.h"
#include "sim/explore/shared_store.h"
#include "sim/explore/small_run.h"

namespace kelpie::sim {

// A machine, the node's name, and what a server builds on both. Lives as long as its SmallRun.
struct SmallNode {
  SmallNode(SmallRun& run, SharedStore& store, std::string machine, std::string name,
            cluster::OwnerRecords records);
  SimHost& host;
  World world;
  std::unique_ptr<store::Database> database;
  cluster::Ownership ownership;
};

inline const actor::ActorRef kCounted{"counter", "default", "a"};

// The runtime of a node, which knows the counter's type.
struct CountingRuntime {
  CountingRuntime(SmallNode& node, actor::RuntimeOptions options);
  World& world;
  actor::Runtime runtime;
  // Turns of the counter that are running, and whether one ever ran during another.
  int running = 0;
  bool overlapped = false;
};

// What callers of the counter were told, over all nodes. Callers have places of their own, so that
// it does not matter which of two hosts is first.
class Count {
 public:
  explicit Count(size_t callers) : outcomes_(callers) {}

  // Calls the actor; the outcome is kept, whatever it is.
  Task<void> call(size_t caller, CountingRuntime& runtime);

  // Each reply is another number, none beyond the count that is stored (S4); turns that had a reply
  // and turns without one add up to it (S3, S6). Calls whose outcome is `unknown` may have counted.
  Task<void> judge(SmallRun& run, store::Database& database) const;
  // One after the other: the reply or the error of each.
  [[nodiscard]] std::string outcomes() const;
  [[nodiscard]] bool replied(size_t caller) const;

 private:
  std::vector<std::optional<Result<int64_t>>> outcomes_;
};

}  // namespace kelpie::sim
