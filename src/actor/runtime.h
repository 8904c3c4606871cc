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
#include <vector>

#include "actor/actor.h"
#include "actor/kind.h"
#include "actor/read_checks.h"
#include "actor/residents.h"
#include "actor/wait_graph.h"
#include "async/deadline.h"
#include "async/event.h"
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
class DueQueue;
struct PendingTurn;

struct RuntimeOptions {
  Duration idle_timeout = base::kActorIdleTimeout;
  size_t pending_calls_max = base::kPendingCallsPerActorMax;
  // Of all actors together.
  size_t pending_calls_node_max = base::kPendingCallsPerNodeMax;
  // Beyond this the actors used longest ago are deactivated, as far as they are idle.
  size_t resident_max = 1'000'000;
};

struct RuntimeCounters {
  uint64_t activations = 0;
  uint64_t deactivations = 0;
  uint64_t evictions = 0;  // of these, because there were too many
  uint64_t turns_committed = 0;
  uint64_t turns_retried = 0;
  uint64_t turns_undecided = 0;
  uint64_t fences_lost = 0;
  uint64_t repetitions = 0;  // calls that were answered from the record of their key
  uint64_t deadlocks = 0;
  uint64_t overloads = 0;
};

// One Loop. World, database and ownership outlive it. Destroying it drops every activation where it
// stands: what was not committed did not happen.
class Runtime {
 public:
  Runtime(World& world, store::Database& database, cluster::Ownership& ownership,
          RuntimeOptions options);
  ~Runtime();

  // Before the first call to an actor of the type; once.
  void register_type(std::string type, ActorFactory factory, TypeOptions options = {});
  [[nodiscard]] bool has_type(const std::string& type) const { return types_.contains(type); }

  // Called on the loop when an activation that had work in the background ended without its actor's
  // doing (the fence was lost, a commit stayed undecided): somebody has to activate it again.
  void on_orphan(std::function<void()> orphaned) { orphaned_ = std::move(orphaned); }

  // Queues a turn and waits for it; yields the turn's reply. The turn runs even if the waiting task
  // is dropped. Errors: the body's own (nothing was written then), `invalid_argument` for a name
  // that no actor has, `resource_exhausted` when too many calls wait, `unavailable` when the store
  // cannot be used, another node owns the actor, or the actor is paused, `deadline_exceeded`,
  // `unknown` when the commit stays undecided.
  Task<Bytes> run(ActorRef actor, TurnBody body, CallOptions options, Fencing fencing);
  Task<void> run_turn(ActorRef actor, TurnBody body);

  // Calls a method of a MethodActor. Errors as `run`; `failed_precondition` also for a call that
  // would wait for itself.
  Task<Bytes> invoke(ActorRef actor, Invocation what, CallOptions options = {});

  // The same with a typed actor and a value. `body(A&, Turn&)` returns a Task<R>; it is a plain
  // function or lambda that calls a coroutine, never a capturing coroutine lambda itself.
  template <class A, class Fn>
  auto call(ActorRef actor, Fn body)
      -> Task<typename std::invoke_result_t<Fn, A&, Turn&>::value_type>;

  // The node's epoch is no longer this one: it joins again, and all that the old one owned is
  // ended. Whoever hears of it first says so; saying it again does nothing.
  void fence_lost(const cluster::Epoch& lost);

  // Has an actor's activation end once the turn that runs has ended, and does not wait for it;
  // calls that wait go to the next one. False: it was not active here.
  Task<bool> deactivate(ActorRef actor);
  // From now on every new call is refused. Ends when those that were accepted have been answered;
  // what their turns call is accepted until then. A node that leaves its cluster does so before it
  // says that it leaves.
  Task<void> finish_calls();
  // From now on every new call is refused. Ends when those that were accepted have been answered
  // and every actor has been given away.
  Task<void> stop();

  // Whether a kReadOnly method is answered from memory now, and so waits for no turn.
  [[nodiscard]] bool in_memory(const ActorRef& actor) const;

  [[nodiscard]] size_t active() const { return residents_.size(); }
  [[nodiscard]] size_t pending() const { return pending_; }
  [[nodiscard]] const RuntimeCounters& counters() const { return counters_; }
  [[nodiscard]] RuntimeCounters& counters() { return counters_; }
  [[nodiscard]] const ReadChecks& read_checks() const { return checks_; }
  [[nodiscard]] const std::map<std::string, ActorType>& types() const { return types_; }
  // For whoever shows what runs: the next call may change it.
  [[nodiscard]] Residents& residents() { return residents_; }
  [[nodiscard]] World& world() { return world_; }
  [[nodiscard]] store::Database& database() { return database_; }
  [[nodiscard]] cluster::Ownership& ownership() { return ownership_; }
  [[nodiscard]] WaitGraph& waits() { return waits_; }
  // Reminders and messages; null: this runtime serves none.
  void serve_due(DueQueue* due) { due_ = due; }
  [[nodiscard]] DueQueue* due() { return due_; }

 private:
  friend class Activation;
  class CallTimer;
  class Counted;

  Result<ActorType*> type_of(const ActorRef& actor);
  std::shared_ptr<Activation> activation_of(const ActorRef& actor);
  // Takes the activation out of the directory; its waiting turns go to the next one.
  void retire(Activation& activation);
  void deliver(const ActorRef& actor, std::shared_ptr<PendingTurn> pending);
  void finish(PendingTurn& pending, Result<void> result);
  void one_less_pending();
  Task<Bytes> invoke_turn(ActorRef actor, ActorType& type, Invocation what, CallOptions options);
  // Answers from memory if the actor is active; nothing: it is not.
  Task<std::optional<Bytes>> read_from_memory(const ActorRef& actor, ActorType& type,
                                              const Invocation& what);

  // An activation has nothing to do.
  void rest(Activation& activation);
  void leave(Activation& activation);
  void idle_limit_passed();
  void evict_beyond_limit();

  // The fence of the present epoch.
  std::shared_ptr<cluster::EpochFence> fence();
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
  uint64_t next_serial_ = 1;
  size_t pending_ = 0;
  bool stopping_ = false;
  async::Event quiet_;  // set when nothing is pending, while it is being stopped
  std::function<void()> orphaned_;
  DueQueue* due_ = nullptr;
  std::map<std::string, ActorType> types_;
  std::shared_ptr<cluster::EpochFence> fence_;
  ReadChecks checks_;
  WaitGraph waits_;
  // Nonces of turns that were undecided under the present epoch and that nobody could settle. They
  // may land yet, so the actor's next activation settles them before it reads anything.
  std::map<ActorRef, Bytes> unsettled_;
  async::Semaphore joining_;
  async::Deadline idle_limit_;
  Residents residents_;
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
