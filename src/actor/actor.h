// Actors: each has a type, a namespace and an id; it exists always and is active sometimes. Its
// turns never overlap; what a turn writes is committed as one, under the fence, and only then
// answered.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "async/loop.h"
#include "async/scope.h"
#include "async/task.h"
#include "base/time.h"
#include "cluster/fence.h"
#include "store/database.h"
#include "store/keys.h"
#include "world/world.h"

namespace kelpie::actor {

class Runtime;

// Type and namespace at most kActorNamespaceBytesMax bytes, id at most kActorIdBytesMax, none
// empty.
struct ActorRef {
  std::string type;
  std::string ns;
  std::string id;

  [[nodiscard]] store::keys::ActorName name() const { return {type, ns, id}; }
  // `type/ns/id`, for logs.
  [[nodiscard]] std::string to_string() const { return type + "/" + ns + "/" + id; }
  auto operator<=>(const ActorRef&) const = default;
};

// One attempt at one turn. A turn may be attempted several times (a conflict is tried again), so
// its body is a function of its arguments and of what it reads; ids are made outside of it. Lives
// as long as the body's task.
class Turn {
 public:
  Turn(store::Transaction& transaction, int64_t number, WallTime now)
      : transaction_(transaction), number_(number), now_(now) {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  // Everything read and written through it belongs to the turn.
  [[nodiscard]] store::Transaction& transaction() { return transaction_; }
  // Grows by at least one with each committed turn of this actor, over all its activations.
  [[nodiscard]] int64_t number() const { return number_; }
  // The time of day when this attempt began; for records, never for safety.
  [[nodiscard]] WallTime now() const { return now_; }

  // Runs on the loop after the commit and before the reply; never if the turn does not commit.
  void after_commit(async::Work work) { after_commit_.push_back(std::move(work)); }
  // The turn only reads: nothing is committed. What it read was true at one moment after the call.
  void read_only() { read_only_ = true; }
  // The turn ends the actor: its own keys are cleared in the same commit, and it is deactivated.
  void destroy_actor() { destroys_ = true; }

 private:
  friend class Activation;
  store::Transaction& transaction_;
  int64_t number_;
  WallTime now_;
  bool read_only_ = false;
  bool destroys_ = false;
  std::vector<async::Work> after_commit_;
};

// What an actor is given when it is activated; outlives it.
struct ActorServices {
  World& world;
  store::Database& database;
  Runtime& runtime;
  ActorRef self;
  // Work that goes on between turns. Cancelled, wherever it stands, when the activation ends.
  Scope& background;
};

// The code of one activation. Its members are a cache: durable truth is in the store.
class Actor {
 public:
  Actor() = default;
  Actor(const Actor&) = delete;
  Actor& operator=(const Actor&) = delete;
  virtual ~Actor() = default;

  // Reads what it needs, under the fence, before the first turn. An error fails the calls that
  // wait; it never becomes an empty state.
  virtual Task<void> activate(store::Transaction& transaction) = 0;
  // While true the activation is not ended for idleness.
  [[nodiscard]] virtual bool busy() const { return false; }
};

using ActorFactory = std::function<std::unique_ptr<Actor>(ActorServices)>;
// See Turn for what a body may do.
using TurnBody = std::function<Task<void>(Actor&, Turn&)>;

}  // namespace kelpie::actor
