// Fence: the proof, checked inside every commit, that this node still owns what it writes.
//
// A node joins by writing a new epoch. Declaring it dead (or its own next start) overwrites the
// epoch. A transaction that passed `guard` read the epoch with a conflict, so it commits only if no
// such write came before it. A Fence is bound to one epoch when it is made and is dead with it:
// code that wakes up late holds the dead one. An absent epoch is a lost fence.
#pragma once

#include <string>
#include <string_view>

#include "async/task.h"
#include "base/bytes.h"
#include "base/strong.h"
#include "store/database.h"
#include "store/keys.h"
#include "world/world.h"

namespace kelpie::cluster {

// A versionstamp: grows, never reused, whatever is deleted.
using Epoch = base::Strong<struct EpochTag, Bytes>;
// The fencing token of one ownership of one actor. On a store that is exclusive to one process it
// is the node's epoch; else the versionstamp of the claim.
using Generation = base::Strong<struct GenerationTag, Bytes>;

class Fence {
 public:
  Fence(world::NodeName node, Epoch epoch)
      : node_(std::move(node)), epoch_(std::move(epoch)), key_(store::keys::epoch(node_.get())) {}
  // Of this World's node. The World outlives it and its copies.
  Fence(World& world, Epoch epoch)
      : node_(world.self),
        epoch_(std::move(epoch)),
        key_(store::keys::epoch(node_.get())),
        faults_(&world.faults) {}

  // Reads the epoch inside the transaction; `failed_precondition` when it is no longer ours.
  Task<void> guard(store::Transaction& transaction) const;

  [[nodiscard]] const Epoch& epoch() const { return epoch_; }
  [[nodiscard]] const world::NodeName& node() const { return node_; }

 private:
  [[nodiscard]] bool mutant(std::string_view name) const;

  world::NodeName node_;
  Epoch epoch_;
  Bytes key_;                        // where the epoch is stored
  world::Faults* faults_ = nullptr;  // none: no planted bugs
};

}  // namespace kelpie::cluster
