// Runtime: the actors of one loop. Finds or makes an actor's activation, and queues turns for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "actor/actor.h"
#include "async/scope.h"
#include "async/semaphore.h"
#include "async/task.h"
#include "base/limits.h"
#include "base/time.h"
#include "cluster/ownership.h"
#include "store/database.h"
#include "world/rng.h"
#include "world/world.h"

namespace kelpie::actor {

class Activation;
struct PendingTurn;

struct RuntimeOptions {
  Duration idle_timeout = base::kActorIdleTimeout;
  size_t pending_calls_max = base::kPendingCallsPerActorMax;
};

struct RuntimeCounters {
  uint64_t activations = 0;
  uint64_t turns_committed = 0;
  uint64_t turns_retried = 0;
  uint64_t turns_undecided = 0;
  uint64_t fences_lost = 0;
};

// One Loop. World, database and ownership outlive it. Destroying it drops every activation where it
// stands: what was not committed did not happen.
class Runtime {
 public:
  Runtime(World& world, store::Database& database, cluster::Ownership& ownership,
          RuntimeOptions options);
  ~Runtime();

  // Before the first call to an actor of the type; once.
  void register_type(std::string type, ActorFactory factory);

  // Called on the loop when an activation that had work in the background ended without its actor's
  // doing (the fence was lost, a commit stayed undecided): somebody has to activate it again.
  void on_orphan(std::function<void()> orphaned) { orphaned_ = std::move(orphaned); }

  // Queues a turn and waits for it. The turn runs even if the waiting task is dropped. Errors: the
  // body's own (nothing was written then), `resource_exhausted` when too many calls wait,
  // `unavailable` when the store cannot be used, `unknown` when the commit stays undecided.
  Task<void> run_turn(ActorRef actor, TurnBody body);

  // The same with a typed actor and a value. `body(A&, Turn&)` returns a Task<R>; it is a plain
  // function or lambda that calls a coroutine, never a capturing coroutine lambda itself.
  template <class A, class Fn>
  auto call(ActorRef actor, Fn body)
      -> Task<typename std::invoke_result_t<Fn, A&, Turn&>::value_type>;

  [[nodiscard]] size_t active() const { return active_.size(); }
  [[nodiscard]] const RuntimeCounters& counters() const { return counters_; }

 private:
  friend class Activation;

  std::shared_ptr<Activation> activation_of(const ActorRef& actor);
  // Takes the activation out of the directory; its waiting turns go to the next one.
  void retire(Activation& activation);
  void deliver(const ActorRef& actor, std::shared_ptr<PendingTurn> pending);
  // Joins again under a new epoch, unless another has done so since; ends all that the old one
  // owned.
  Task<void> rejoin(cluster::Epoch lost);
  // The same for a turn that found the fence lost; it does not wait for it.
  Task<void> rejoin_and_log(cluster::Epoch lost);

  World& world_;
  store::Database& database_;
  cluster::Ownership& ownership_;
  RuntimeOptions options_;
  RuntimeCounters counters_;
  world::Rng nonces_;
  std::function<void()> orphaned_;
  std::map<std::string, ActorFactory> types_;
  std::map<ActorRef, std::shared_ptr<Activation>> active_;
  // Nonces of turns that were undecided under the present epoch and that nobody could settle. They
  // may land yet, so the actor's next activation settles them before it reads anything.
  std::map<ActorRef, Bytes> unsettled_;
  async::Semaphore joining_;
  Scope workers_;
};

namespace detail {

template <class R>
Task<void> keep(std::shared_ptr<std::optional<R>> slot, Task<R> task) {
  slot->emplace(co_await std::move(task));
  co_return kOk;
}
// What the turn kept, once it has been answered.
template <class R>
Task<R> kept(std::shared_ptr<std::optional<R>> slot, Task<void> turn) {
  co_await std::move(turn);
  CHECK(slot->has_value());
  co_return std::move(**slot);
}

}  // namespace detail

template <class A, class Fn>
auto Runtime::call(ActorRef actor, Fn body)
    -> Task<typename std::invoke_result_t<Fn, A&, Turn&>::value_type> {
  using R = typename std::invoke_result_t<Fn, A&, Turn&>::value_type;
  if constexpr (std::is_void_v<R>) {
    return run_turn(std::move(actor), [body = std::move(body)](Actor& a, Turn& turn) -> Task<void> {
      return body(static_cast<A&>(a), turn);
    });
  } else {
    auto slot = std::make_shared<std::optional<R>>();
    return detail::kept<R>(
        slot, run_turn(std::move(actor),
                       [slot, body = std::move(body)](Actor& a, Turn& turn) -> Task<void> {
                         return detail::keep<R>(slot, body(static_cast<A&>(a), turn));
                       }));
  }
}

}  // namespace kelpie::actor
