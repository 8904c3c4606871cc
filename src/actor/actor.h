// Actors: each has a type, a namespace and an id; it exists always and is active sometimes. Its
// turns never overlap; what a turn writes is committed as one, under the fence, and only then
// answered.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "actor/call.h"
#include "actor/ref.h"
#include "actor/turn.h"
#include "async/scope.h"
#include "async/task.h"
#include "store/database.h"
#include "world/world.h"

namespace kelpie::actor {

class Runtime;

// Where an activation's work between turns lives. Most activations never have any.
class Background {
 public:
  Background() = default;
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;
  virtual ~Background() = default;
  // Cancelled, wherever it stands, when the activation ends.
  virtual void spawn(Task<void> work) = 0;
};

// What an actor is given when it is activated; what it refers to outlives it.
struct ActorServices {
  World& world;
  store::Database& database;
  Runtime& runtime;
  ActorRef self;
  Background& background;
};

// The code of one activation. Its members are a cache: durable truth is in the store.
class Actor {
 public:
  Actor() = default;
  Actor(const Actor&) = delete;
  Actor& operator=(const Actor&) = delete;
  virtual ~Actor() = default;

  // Reads what it needs, under the fence, before the first turn. An error fails the calls that
  // wait; it never becomes an empty state. May be called again after it failed.
  virtual Task<void> activate(store::Transaction& transaction) = 0;
  // The activation ends in order: it was idle, memory is short, or it is asked to. No turn runs and
  // none will. Not called after a crash, nor when the fence is lost.
  virtual void deactivate() {}
  // While true the activation is not ended for idleness.
  [[nodiscard]] virtual bool busy() const { return false; }
};

enum class MethodKind : uint8_t {
  kTurn,
  kReadOnly,  // answers from what is committed and in memory, beside the turns
  // May run inside a turn of the same actor that waits for its caller: it sees what that turn has
  // done so far and commits, or fails, with it.
  kReentrant,
};

// An actor whose methods have names, and so can be sent messages and reminded.
class MethodActor : public Actor {
 public:
  // Runs a method in this turn; yields its reply. `not_found` for a method that it does not have.
  virtual Task<Bytes> invoke(Turn& turn, std::shared_ptr<const Invocation> what) = 0;
  // Runs a kReadOnly one, at once, on committed state.
  [[nodiscard]] virtual Result<Bytes> read(const Invocation& what) const = 0;
};

using ActorFactory = std::function<std::unique_ptr<Actor>(ActorServices)>;
// See Turn for what a body may do.
using TurnBody = std::function<Task<void>(Actor&, Turn&)>;

}  // namespace kelpie::actor
