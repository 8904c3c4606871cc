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
#include <vector>

#include "async/task.h"
#include "cluster/fence.h"
#include "store/database.h"
#include "store/keys.h"
#include "world/world.h"

namespace kelpie::cluster {

enum class OwnerRecords : uint8_t { kNone, kPerActor };

// Makes this process the only one on a store that others can reach, as if it had a lock: in one
// transaction every node that ever joined gets a new epoch, and so do the nodes of these names, one
// for each loop of this process. What ran there before can commit nothing more, on however many
// loops, and of two processes that do this at once the later one holds the store. Yields the epoch,
// the same for each name; see Ownership::hold.
Task<Epoch> take_over(World& world, store::Database& database, std::vector<std::string> names);

struct OwnerRecord {
  std::string node;
  Epoch epoch;
  Generation generation;
};
// As it is stored; `data_loss` for another format than a claim writes.
Result<OwnerRecord> decode_owner_record(ByteView value);

// What a claim does with what it read. Pure; explored exhaustively by its test.
enum class ClaimDecision : uint8_t { kTake, kAlreadyOurs, kOwnedElsewhere };
ClaimDecision decide_claim(const std::optional<OwnerRecord>& record,
                           const std::optional<Epoch>& owner_epoch, const Fence& self);

// One Loop. The database outlives it.
class Ownership {
 public:
  Ownership(World& world, store::Database& database, OwnerRecords records);

  // In place of `join`, after `take_over`: this node has that epoch. When it loses it, another
  // process has taken the store over: it does not join again, which would fence the other in its
  // turn, but calls this.
  void hold(Epoch epoch, std::function<void()> taken_over);

  // Writes the node's record as Active and a new epoch: fences every earlier incarnation of this
  // node's name. Called before anything else, and again after the fence was lost:
  // `failed_precondition` then for a node that holds its store.
  Task<void> join();
  // True after `join` or `hold`.
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
