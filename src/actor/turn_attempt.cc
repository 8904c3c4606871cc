// The part of Activation that runs turns: from the fence to the reply.
#include <utility>

#include "actor/activation.h"
#include "actor/activation_busy.h"
#include "actor/runtime.h"
#include "async/select.h"
#include "async/sleep.h"
#include "store/exactly_once.h"
#include "store/keys.h"
#include "world/clock.h"
#include "world/faults.h"
#include "world/log.h"

namespace kelpie::actor {
namespace {

constexpr int kTurnAttemptsMax = 20;
constexpr Duration kRetryPause = Duration::millis(1);

Error too_late(const ActorRef& self) {
  return base::deadline_exceeded("the deadline of a call to " + self.to_string() + " has passed");
}

Task<void> with_deadline(Loop& loop, Instant deadline, Task<void> body, const ActorRef& self) {
  async::Either<void, void> first =
      co_await async::select(std::move(body), async::sleep_task(loop, deadline - loop.now()));
  co_return first.first.has_value() ? std::move(*first.first) : Result<void>(too_late(self));
}

// Calls that came back into the turn are told when it ends without them.
class Inside {
 public:
  Inside(RunningTurn*& place, Actor& actor, Turn& turn, Loop& loop)
      : scope_(loop, [](const Error&) {}), running_{actor, turn, scope_}, place_(place) {
    CHECK(place_ == nullptr);
    place_ = &running_;
  }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
  ~Inside() { place_ = nullptr; }

 private:
  Scope scope_;
  RunningTurn running_;
  RunningTurn*& place_;
};

}  // namespace

bool Activation::refused(PendingTurn& pending) const {
  if (pending.result) {
    return true;
  }
  if (pending.options.deadline && runtime_.world_.loop.now() >= *pending.options.deadline) {
    runtime_.world_.faults.reached("actor.turn.too_late");
    runtime_.finish(pending, too_late(busy_->self));
    return true;
  }
  if (paused_ && pending.options.origin != CallOrigin::kOperator) {
    runtime_.finish(pending, base::unavailable(busy_->self.to_string() +
                                               " is paused by an operator; it goes on with "
                                               "`kelpie actors resume`"));
    return true;
  }
  return false;
}

Task<Activation::Next> Activation::attempt_again(PendingTurn& pending) {
  for (int attempt = 1;; ++attempt) {
    ++runtime_.counters_.turns_retried;
    co_await async::sleep_for(runtime_.world_.loop, kRetryPause * attempt);
    if (attempt == kTurnAttemptsMax || pending.ran_inside) {
      break;
    }
    pending.begun = false;
    if (refused(pending)) {
      co_return Next::kGoOn;
    }
    std::optional<Next> next = co_await attempt_turn(pending);
    if (next.has_value()) {
      co_return *next;
    }
  }
  if (pending.result) {
    co_return Next::kGoOn;
  }
  runtime_.finish(pending, base::unavailable("a turn of " + busy_->self.to_string() +
                                             " met a conflict; try again later"));
  co_return Next::kGoOn;
}

Task<void> Activation::run_body(PendingTurn& pending, Turn& turn) {
  const Inside inside(busy_->running, *actor_, turn, runtime_.world_.loop);
  Task<void> body = pending.body(*actor_, turn);
  if (pending.options.deadline) {
    body = with_deadline(runtime_.world_.loop, *pending.options.deadline, std::move(body),
                         busy_->self);
  }
  auto outcome = co_await std::move(body).result();
  if (turn.inside_running_ > 0) {
    turn.inside_error_ = base::unavailable("it was cut off in the middle");
  }
  pending.ran_inside = turn.ran_inside();
  co_return std::move(outcome);
}

// One coroutine from the fence to the reply: each frame more is an allocation a turn.
Task<std::optional<Activation::Next>> Activation::attempt_turn(PendingTurn& pending) {
  const Instant begun = runtime_.world_.loop.now();
  const auto transaction = runtime_.database_.begin();
  const bool late = runtime_.world_.faults.mutant("M25");
  const bool at_once = pending.fencing == Fencing::kAtOnce && !late;
  auto guarded = at_once ? co_await fence_->guard(*transaction).result() : Result<void>(kOk);
  if (!guarded.ok()) {
    co_return not_guarded(std::move(guarded).error(), pending);
  }
  runtime_.world_.faults.reached("actor.fence.checked");
  if (pending.result) {
    co_return Next::kGoOn;  // its deadline has passed meanwhile
  }
  pending.begun = true;
  if (!pending.serial) {
    pending.serial = runtime_.next_serial_++;
    pending.now = runtime_.world_.clock.wall();
  }
  const cluster::Generation generation = this->generation();
  const TurnParts parts{runtime_.world_, runtime_,        *transaction, *fence_,
                        busy_->self,     pending.options, sessions_,    generation};
  Turn turn(parts, {turn_ + 1, *pending.serial}, *pending.now);
  turn.fenced_ = pending.fencing == Fencing::kAtOnce;
  auto outcome = co_await run_body(pending, turn).result();
  if (turn.reading_error_) {
    // Whatever the body made of it: what it decided, it decided without what it wanted to read.
    outcome = std::move(*turn.reading_error_);
  } else if (outcome.ok() && turn.inside_error_) {
    outcome = std::move(*turn.inside_error_).with_context("a call inside of the turn failed");
  }
  if (!outcome.ok()) {
    if (outcome.error().code == Code::kAborted) {
      fence_->doubt();
      co_return std::nullopt;
    }
    if (turn.fence_lost_) {
      co_return not_guarded(std::move(outcome).error(), pending);
    }
    co_return co_await failed(std::move(outcome).error(), pending, turn);
  }
  pending.reply = std::move(turn.reply_);
  if (turn.read_only_) {
    co_return co_await read_only_turn(pending, turn);
  }
  if (late || !(turn.fenced_ || fence_->guard_unread(*transaction))) {
    guarded = co_await fence_->guard(*transaction).result();
    if (!guarded.ok()) {
      co_return not_guarded(std::move(guarded).error(), pending);
    }
  }
  runtime_.world_.faults.sometimes("actor.turn.one_round_trip", !turn.fenced_ && !late);
  const Bytes nonce = store::fresh_nonce(runtime_.nonces_);
  write_head(*transaction, turn, nonce);
  auto done = co_await transaction->commit().result();
  if (!done.ok()) {
    co_return co_await not_committed(std::move(done).error(), nonce, turn, pending);
  }
  fence_->committed(*done, begun);
  co_return committed(turn, nonce, pending);
}

// An answer like any other: one that was made from memory is checked.
Task<std::optional<Activation::Next>> Activation::failed(Error error, PendingTurn& pending,
                                                         Turn& turn) {
  if (!turn.fenced_ && error.code != Code::kDeadlineExceeded) {
    auto passed = co_await runtime_.checks_.pass(fence_).result();
    if (!passed.ok()) {
      co_return not_guarded(std::move(passed).error(), pending);
    }
  }
  runtime_.finish(pending, std::move(error));
  co_return Next::kGoOn;
}

// What it read in its transaction was fenced there. What it took from memory is checked now.
Task<std::optional<Activation::Next>> Activation::read_only_turn(PendingTurn& pending, Turn& turn) {
  CHECK(turn.after_commit_.empty());
  if (!turn.fenced_) {
    auto passed = co_await runtime_.checks_.pass(fence_).result();
    if (!passed.ok()) {
      co_return not_guarded(std::move(passed).error(), pending);
    }
  }
  runtime_.finish(pending, kOk);
  co_return Next::kGoOn;
}

std::optional<Activation::Next> Activation::not_guarded(Error error, PendingTurn& pending) {
  if (error.code == Code::kAborted) {
    fence_->doubt();
    return std::nullopt;
  }
  if (error.code == Code::kFailedPrecondition) {
    runtime_.fence_lost(fence_->epoch());
    runtime_.finish(pending, base::unavailable("the actor moved to another owner; try again"));
    return Next::kEnd;
  }
  runtime_.finish(pending, std::move(error));
  return Next::kGoOn;
}

void Activation::write_head(store::Transaction& transaction, const Turn& turn, const Bytes& nonce) {
  const store::keys::ActorName name = busy_->self.name();
  if (turn.destroys_) {
    transaction.clear_range(store::keys::actor(name));
    transaction.clear(store::keys::owner(name));
  } else if (has_nonce_ || !turn.tidies_) {
    Head head{generation(), turn.number(), nonce, turn.pauses_.value_or(paused_)};
    transaction.set(store::keys::actor_head(name), head.encode());
  }
  store::guard_commit(transaction, nonce);
}

Task<std::optional<Activation::Next>> Activation::not_committed(Error error, Bytes nonce,
                                                                Turn& turn, PendingTurn& pending) {
  switch (error.code) {
    case Code::kAborted:
      fence_->doubt();
      co_return std::nullopt;
    case Code::kUnknown:
      fence_->doubt();
      ++runtime_.counters_.turns_undecided;
      co_return co_await settle(std::move(nonce), turn, pending);
    default:
      runtime_.finish(pending, std::move(error));
      co_return Next::kGoOn;
  }
}

Task<std::optional<Activation::Next>> Activation::settle(Bytes nonce, Turn& turn,
                                                         PendingTurn& pending) {
  auto happened = co_await settle_commit(nonce, turn).result();
  if (happened.ok() && *happened && turn.destroys_) {
    // No head shows whose commit it was that cleared it. Under our epoch it was ours.
    const Result<bool> holds = co_await fence_holds().result();
    if (!holds.ok() || !*holds) {
      happened = base::unknown("another owner may have ended the actor");
    }
  }
  world::Faults& faults = runtime_.world_.faults;
  faults.sometimes("actor.settle.nobody_knows", !happened.ok());
  if (happened.ok()) {
    faults.sometimes("actor.settle.happened", *happened);
    faults.sometimes("actor.settle.never_will", !*happened);
    if (*happened) {
      co_return committed(turn, std::move(nonce), pending);
    }
    co_return std::nullopt;
  }
  // Nobody can say; what is in memory is no longer known to be true, and the commit may yet land.
  // Under an epoch that is gone it cannot.
  if (fence_->epoch() == runtime_.ownership_.fence().epoch()) {
    runtime_.unsettled_[busy_->self] = std::move(nonce);
  }
  runtime_.finish(pending, faults.mutant("M10") ? base::failed_precondition("the turn was not done")
                                                : std::move(happened).error());
  co_return Next::kEnd;
}

Activation::Next Activation::committed(Turn& turn, Bytes nonce, PendingTurn& pending) {
  if (has_nonce_ || !turn.tidies_) {
    turn_ = turn.number();
    set_nonce(nonce);
  }
  paused_ = turn.pauses_.value_or(paused_);
  ++runtime_.counters_.turns_committed;
  for (async::Work& work : turn.after_commit_) {
    work();
  }
  runtime_.finish(pending, kOk);
  return turn.destroys_ ? Next::kEnd : Next::kGoOn;
}

Task<bool> Activation::settle_commit(Bytes nonce, const Turn& turn) {
  auto shows = [nonce, before = this->nonce(),
                destroys = turn.destroys_](const std::optional<Bytes>& head) -> Result<bool> {
    if (!head.has_value() && destroys && before.empty()) {
      // There was none before, and there would be none after.
      return base::failed_precondition("an actor without a head leaves no trace of its end");
    }
    if (!head.has_value() && (destroys || before.empty())) {
      return destroys;
    }
    if (head.has_value()) {
      // By nonces: an actor that was destroyed and made again counts its turns anew.
      const Head seen = TRY(Head::decode(*head));
      if (seen.nonce == nonce || seen.nonce == before) {
        return seen.nonce == nonce;
      }
    }
    // Whether ours came before theirs, the head no longer says.
    return base::failed_precondition("another owner has written since");
  };
  return store::settle(runtime_.world_, runtime_.database_,
                       {store::keys::actor_head(busy_->self.name()), nonce}, std::move(shows));
}

}  // namespace kelpie::actor
