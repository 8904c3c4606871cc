// Ownership: which node may run an actor. A lease per node (its epoch), a record per actor.
//
// On a store that one process holds alone (embedded, with the directory lock) no owner records are
// needed: the epoch alone fences, and acquiring an actor writes nothing. On a shared store
// an actor is claimed in a transaction that reads, with conflicts, the owner record, the owner's
// epoch, our own epoch and our own state; the claim succeeds only if we are Active and there is no
// owner or the owner's epoch has moved.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "cluster/fence.h"
#include "cluster/node_record.h"
#include "cluster/owner_record.h"
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

// An owner whose epoch stands, and the node that it is.
struct Placement {
  OwnerRecord owner;
  NodeState state = NodeState::kActive;
  std::string address;  // empty: not known
};

struct OwnedActor {
  std::string type;
  std::string ns;
  std::string id;
  Generation generation;
};
struct OwnedActors {
  std::vector<OwnedActor> actors;
  // Where to go on, with fewer than the limit in it or none, too; nullopt: there are no more.
  std::optional<Bytes> next;
};

// One Loop. The database outlives it.
class Ownership {
 public:
  // `address` is where other nodes reach this one, `host:port`; empty: nowhere.
  Ownership(World& world, store::Database& database, OwnerRecords records,
            std::string address = {});

  // In place of `join`, after `take_over`: this node has that epoch. When it loses it, another
  // process has taken the store over: it does not join again, which would fence the other in its
  // turn, but calls this.
  void hold(Epoch epoch, std::function<void()> taken_over);

  // Makes the node Active under a new epoch: fences every earlier incarnation of this node's name.
  // Called before anything else, and again after the fence was lost: `failed_precondition` then for
  // a node that holds its store, or that leaves. `unknown` leaves it to the caller to try again.
  Task<void> join();
  // True after `join` or `hold`.
  [[nodiscard]] bool joined() const { return fence_.has_value(); }
  // The fence of the present epoch.
  [[nodiscard]] const Fence& fence() const;
  [[nodiscard]] OwnerRecords records() const { return records_; }
  // Called on the loop after each `join` that succeeded. At most one.
  void on_joined(std::function<void()> joined) { on_joined_ = std::move(joined); }

  // The two halves of an orderly end. After the first the node claims nothing more, and turns go
  // on: its actors can be given away. After the second its epoch is gone and it never joins again.
  // Both may be repeated after an error; `failed_precondition`: its epoch was replaced before, so
  // that nothing is left to leave.
  Task<void> start_leaving();
  Task<void> leave();
  [[nodiscard]] bool leaving() const { return leaving_; }

  // Makes this node the actor's owner. `unavailable` when another live node owns it (see
  // owner_elsewhere) or this node is not Active; `failed_precondition` when our own fence is lost.
  Task<Generation> acquire(store::keys::ActorName actor);
  // Gives an actor away; only the owner's own fenced commit does.
  Task<void> release(store::keys::ActorName actor);
  // The same for many, in transactions of kReleasedAtOnce. What the names refer to outlives it.
  static constexpr size_t kReleasedAtOnce = 100;
  Task<void> release_all(std::vector<store::keys::ActorName> actors);

  // The owner whose epoch still stands.
  Task<std::optional<Placement>> placement(store::keys::ActorName actor);
  // Actors whose owner is the node under its present epoch, in the order of their keys: at most
  // `limit`, after the place where the last page ended (empty: from the first). Walks all owner
  // records, a bounded part of them for each page.
  Task<OwnedActors> list_actors_on_node(std::string node, Bytes after, size_t limit);

 private:
  enum class Written : uint8_t { kNow, kBefore };

  Task<void> commit_join(store::Transaction& transaction);
  Task<void> change_state(NodeState to);
  Task<Written> write_state(store::Transaction& transaction, Fence fence, NodeState to);
  Task<void> guard_active(store::Transaction& transaction, Fence fence);
  Task<Generation> claim(store::Transaction& transaction, Fence fence, Bytes key);
  Task<OwnerPlace> place_of(store::Transaction& transaction, std::string owner);
  Task<bool> taken_for_dead(store::Transaction& transaction, std::string node);
  Task<bool> write_release(store::Transaction& transaction, Fence fence, std::vector<Bytes> keys);
  Task<void> release_keys(std::vector<Bytes> keys);

  World& world_;
  store::Database& database_;
  OwnerRecords records_;
  std::string address_;
  std::function<void()> taken_over_;
  std::function<void()> on_joined_;
  std::optional<Fence> fence_;
  bool leaving_ = false;
};

}  // namespace kelpie::cluster
