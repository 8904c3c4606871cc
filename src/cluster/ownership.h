// Ownership: which node may run an actor. A lease per node (its epoch), a record per actor.
//
// On a store that one process holds alone (embedded, with the directory lock) no owner records are
// needed: the epoch alone fences, and acquiring an actor writes nothing. On a shared store
// an actor is claimed in a transaction that reads, with conflicts, the owner record, the owner's
// epoch and our own epoch; the claim succeeds only if there is no owner or the owner's epoch has
// moved.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "async/task.h"
#include "cluster/fence.h"
#include "store/database.h"
#include "store/keys.h"
#include "world/world.h"

namespace kelpie::cluster {

enum class OwnerRecords : uint8_t { kNone, kPerActor };

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

  // Writes the node's record as Active and a new epoch: fences every earlier incarnation of this
  // node's name. Called before anything else, and again after the fence was lost.
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
  std::optional<Fence> fence_;
};

}  // namespace kelpie::cluster
