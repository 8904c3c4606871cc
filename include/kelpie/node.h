// Node: the actors of one program.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "async/task.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "base/result.h"
#include "base/time.h"
#include "kelpie/actor.h"
#include "kelpie/handle.h"
#include "kelpie/types.h"

namespace kelpie {

namespace world {
struct World;
}
namespace store {
class Database;
}
namespace actor {
class Runtime;
}

struct NodeSettings {
  // Whether other nodes use the same store: then actors are claimed one by one, and what others
  // write is looked for. If not, this process is the only one on its store.
  enum class Store : uint8_t { kOwn, kShared };
  Store store = Store::kOwn;
  // An actor that nobody calls for so long is no longer active.
  Duration idle_timeout = base::kActorIdleTimeout;
};

// Made by `kelpie::run`; programs that have a loop of their own make it themselves. Types are added
// before `start`, calls come between `start` and `stop`. One Loop; world and database outlive it.
// Destroying it drops everything where it stands: what was not committed did not happen.
class Node final : public Caller {
 public:
  Node(world::World& world, store::Database& database, NodeSettings settings);
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node();

  // A type of actors, once, before `start`. What `make` refers to outlives the node.
  template <class A>
    requires std::default_initializable<A>
  void add() {
    add<A>([] { return std::make_unique<A>(); });
  }
  template <class A>
  void add(std::function<std::unique_ptr<A>()> make) {
    add_type(detail::actor_type<A>(std::move(make)));
  }

  // Joins; from now on messages and reminders are served too. Errors: the store's.
  Task<void> start();
  // In order: nothing new is begun, what was begun ends, actors are given away. Once.
  Task<void> stop();

  // `co_await node.actor<Counter>("shop", "hits").call<&Counter::add>(2)`
  template <class A>
  [[nodiscard]] Handle<A> actor(std::string ns, std::string id) {
    return Handle<A>(*this, ActorRef{std::string(A::kType), std::move(ns), std::move(id)});
  }
  // In the namespace `default`.
  template <class A>
  [[nodiscard]] Handle<A> actor(std::string id) {
    return actor<A>(std::string(kDefaultNamespace), std::move(id));
  }
  Task<Bytes> call_raw(ActorRef actor, std::string method, Bytes arguments,
                       CallOptions options) override;

  // Runs beside the caller until it ends; what is left when the node stops is dropped. Errors are
  // logged.
  void spawn(Task<void> work);
  Task<void> sleep(Duration length);
  [[nodiscard]] WallTime now() const;

  // Ends when the process was asked to end (SIGTERM, SIGINT). A program that never waits for it is
  // dropped where it stands instead; either way the node then stops in order.
  Task<void> asked_to_end();
  void ask_to_end();
  // Whether somebody waits, or has waited, in `asked_to_end`.
  [[nodiscard]] bool listens() const;

  // What lies under this API, for what it does not have.
  [[nodiscard]] kelpie::actor::Runtime& runtime();

 private:
  void add_type(detail::ActorType type);
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace kelpie
