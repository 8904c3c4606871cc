// Ownership: which node may run an actor. A lease per node (its epoch), a record per actor.
//
// On a store that one process holds alone (embedded, with the directory lock) no owner records are
// needed: the epoch alone fences, and acquiring an actor writes nothing. On a shared store
// an actor is claimed in a transaction that reads, with conflicts, the owner record, the owner's
// epoch and our own epoch; the claim succeeds only if there is no owner or the owner's epoch has
// moved.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "async/task.h"
#include "cluster/fence.h"
#include "store/database.h"
#include "store/keys.h"
#include "world/world.h"

namespace kelpie::cluster {

enum class OwnerRecords : uint8_t { kNone, kPerActor };

// Before the first loop of a process joins a store that other processes can reach: moves the epoch
// of every node that ever joined. So whatever ran on this store before, on however many loops, is
// fenced, and this process holds the store alone, as if it had a lock.
Task<void> fence_all_nodes(World& world, store::Database& database);

struct OwnerRecord {
  std::string node;
  Epoch epoch;
  Generation generation;
};

// What a claim does with what it read. Pure; explored exhaustively by its test.
enum class ClaimDecision : uint8_t { kTake, kAlreadyOurs, kOwnedElsewhere };
ClaimDecision decide_claim(const std::optional<OwnerRecord>& record,
                           const std::optional<Epoch>& owner_epoch, const Fence& self);

// One Loop. The database outlives it.
class Ownership {
 public:
  Ownership(World& world, store::Database& database, OwnerRecords records);

  // From now on a lost fence means that another process took the store over (fence_all_nodes):
  // this node does not join again, which would fence the other in its turn, but calls this.
  void join_once(std::function<void()> taken_over) { taken_over_ = std::move(taken_over); }

  // Writes the node's record as Active and a new epoch: fences every earlier incarnation of this
  // node's name. Called before anything else, and again after the fence was lost:
  // `failed_precondition` then if it may join only once.
  Task<void> join();
  // True after `join`.
  [[nodiscard]] bool joined() const { return fence_.has_value(); }
  // The fence of the present epoch.
  [[nodiscard]] const Fence& fence() const;

  // Makes this node the actor's owner. `failed_precondition` when another live node owns it (its
  // name is in the message) or our own fence is lost.
  Task<Generation> acquire(store::keys::ActorName actor);
  // Gives an actor away; only the owner's own fenced commit does.
  Task<void> release(store::keys::ActorName actor);
  // The owner whose epoch still stands.
  Task<std::optional<OwnerRecord>> placement(store::keys::ActorName actor);

 private:
  Task<Generation> claim(store::Transaction& transaction, Fence fence, Bytes key);

  World& world_;
  store::Database& database_;
  OwnerRecords records_;
  std::function<void()> taken_over_;
  std::optional<Fence> fence_;
};

}  // namespace kelpie::cluster
