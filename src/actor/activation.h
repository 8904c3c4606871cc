// Activation: one actor while it is in memory: its mailbox, its worker, its turns.
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "actor/actor.h"
#include "actor/head.h"
#include "actor/runtime.h"
#include "async/deadline.h"
#include "async/event.h"
#include "async/scope.h"
#include "async/task.h"
#include "cluster/fence.h"

namespace kelpie::actor {

// A turn in a mailbox; shared by the one who waits and the one who runs it.
struct PendingTurn {
  PendingTurn(Loop& loop, TurnBody turn_body) : body(std::move(turn_body)), done(loop) {}
  void finish(Result<void> turn_result) {
    CHECK(!result.has_value());
    result.emplace(std::move(turn_result));
    done.set();
  }
  TurnBody body;
  std::optional<Result<void>> result;
  async::Event done;
};

// One Loop. Kept alive by the runtime's directory while it is active, and by its own worker.
class Activation {
 public:
  Activation(Runtime& runtime, ActorRef self, ActorFactory& factory);
  Activation(const Activation&) = delete;
  Activation& operator=(const Activation&) = delete;

  // The worker: activates, runs turns one after the other, ends when idle.
  static Task<void> work(std::shared_ptr<Activation> self);

  // False when too many wait.
  [[nodiscard]] bool enqueue(std::shared_ptr<PendingTurn> pending);
  // Ends background work now; the worker ends after the turn it is in. Not from inside either.
  void end();

 private:
  friend class Runtime;
  enum class Next : uint8_t { kGoOn, kEnd };

  Task<void> activate();
  Task<void> claim_and_read();
  // The turn that an earlier activation could not settle, if there is one.
  Task<void> settle_earlier();
  // Whether this node's epoch still stands.
  Task<bool> fence_holds();
  // Ends this node's ownership of an actor that nobody calls.
  Task<void> give_away();
  // `failed_precondition` when the fence is lost.
  Task<void> read_state(store::Transaction& transaction);
  Task<void> read_head(store::Transaction& transaction);
  // False when it was idle for too long.
  Task<bool> wait_for_turn();
  // One attempt: nullopt means try again.
  Task<std::optional<Next>> attempt_turn(PendingTurn& pending);
  // What a first attempt was not enough for.
  Task<Next> attempt_again(PendingTurn& pending);
  std::optional<Next> not_guarded(Error error, PendingTurn& pending);
  // Adds to the turn's writes what every commit of an actor has.
  void write_head(store::Transaction& transaction, const Turn& turn, const Bytes& nonce);
  Task<std::optional<Next>> not_committed(Error error, Bytes nonce, Turn& turn,
                                          PendingTurn& pending);
  Task<std::optional<Next>> settle(Bytes nonce, Turn& turn, PendingTurn& pending);
  Next committed(Turn& turn, Bytes nonce, PendingTurn& pending);
  // Whether the turn's undecided commit with this nonce happened. Once it is answered no, it never
  // will. `unknown` if that cannot be told any more.
  Task<bool> settle_commit(Bytes nonce, const Turn& turn);

  Runtime& runtime_;
  ActorRef self_;
  const Bytes head_key_;
  std::deque<std::shared_ptr<PendingTurn>> mailbox_;
  async::Event mail_;
  bool idle_too_long_ = false;
  async::Deadline idle_limit_;
  std::optional<cluster::Fence> fence_;
  cluster::Generation generation_;
  int64_t turn_ = 0;  // of the last committed turn
  Bytes nonce_;       // of its commit; empty: there is none
  bool active_ = false;
  bool ended_ = false;
  std::unique_ptr<Actor> actor_;
  // After actor_, so that background work is gone before what it refers to.
  Scope background_;
};

}  // namespace kelpie::actor
