// Activation: one actor while it is in memory: its mailbox, its worker, its turns.
//
// An idle one is small: what a worker and a turn need is made when there is work, and given back.
#pragma once

#include <array>
#include <boost/intrusive/list_hook.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "actor/actor.h"
#include "actor/head.h"
#include "actor/once.h"
#include "actor/pending_turn.h"
#include "async/scope.h"
#include "async/task.h"
#include "cluster/epoch_fence.h"

namespace kelpie::actor {

class Runtime;
struct Kind;

// One Loop. Kept alive by the runtime's directory while it is active, and by its own worker.
class Activation final : public Background {
 public:
  // `kind` outlives it.
  Activation(Runtime& runtime, Kind& kind, const ActorRef& self);
  ~Activation() override;

  // False when too many wait.
  [[nodiscard]] bool enqueue(std::shared_ptr<PendingTurn> pending);
  // Ends background work now; the worker ends after the turn it is in. Not from inside either.
  void end();
  void spawn(Task<void> work) override;

  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] const Kind& kind() const { return kind_; }
  [[nodiscard]] ActorRef self() const;
  // Its state is in memory, under the fence. Not on its way out: once the actor is given away
  // another node may have written it, under its own epoch.
  [[nodiscard]] bool active() const { return active_ && !ended_ && !leaving_; }
  [[nodiscard]] bool paused() const { return paused_; }
  // It has a worker: it runs turns, or is on its way in or out.
  [[nodiscard]] bool working() const { return working_; }
  [[nodiscard]] size_t waiting() const;
  [[nodiscard]] int64_t turn() const { return turn_; }
  [[nodiscard]] Instant last_used() const { return last_used_; }
  [[nodiscard]] const Actor& actor() const { return *actor_; }
  [[nodiscard]] const std::shared_ptr<cluster::EpochFence>& fence() const { return fence_; }
  // In the turn that runs now, for a call that came back to it through its own chain; null: none
  // runs.
  [[nodiscard]] RunningTurn* running() const;

  // Its place in Residents.
  boost::intrusive::list_member_hook<> by_use;

 private:
  friend class Runtime;
  friend class Residents;
  enum class Next : uint8_t { kGoOn, kEnd };
  // What it has only while there is work.
  struct Busy;

  // Activates, runs turns one after the other, and rests when none is left.
  static Task<void> work(std::shared_ptr<Activation> activation);
  // Ends one that has no worker, in order.
  static Task<void> leave(std::shared_ptr<Activation> activation);
  Task<void> end_in_order();

  Task<void> run_turns();
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

  // Answers what needs no turn: it came too late, or to an actor that is paused.
  [[nodiscard]] bool refused(PendingTurn& pending) const;
  // One attempt: nullopt means try again.
  Task<std::optional<Next>> attempt_turn(PendingTurn& pending);
  // What a first attempt was not enough for.
  Task<Next> attempt_again(PendingTurn& pending);
  Task<void> run_body(PendingTurn& pending, Turn& turn);
  Task<std::optional<Next>> failed(Error error, PendingTurn& pending, Turn& turn);
  Task<std::optional<Next>> read_only_turn(PendingTurn& pending, Turn& turn);
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

  void set_nonce(const Bytes& nonce);
  [[nodiscard]] Bytes nonce() const;
  [[nodiscard]] cluster::Generation generation() const;

  Runtime& runtime_;
  Kind& kind_;
  const std::string id_;
  std::shared_ptr<cluster::EpochFence> fence_;
  Instant last_used_;
  int64_t turn_ = 0;                                       // of the last committed turn
  std::array<char, kNonceBytes> nonce_{};                  // of its commit, if has_nonce_
  std::array<char, store::Versionstamp::kBytes> claim_{};  // its generation, if has_claim_
  bool has_nonce_ = false;
  bool has_claim_ = false;  // if not, the epoch is the generation
  bool active_ = false;
  bool ended_ = false;
  bool asked_to_leave_ = false;  // once the turn that runs has ended
  bool leaving_ = false;         // it runs no turn any more
  bool paused_ = false;
  bool working_ = false;
  std::unique_ptr<Busy> busy_;
  std::unique_ptr<SessionCache> sessions_;
  std::unique_ptr<Actor> actor_;
  // After actor_, so that background work is gone before what it refers to.
  std::unique_ptr<Scope> background_;
};

}  // namespace kelpie::actor
