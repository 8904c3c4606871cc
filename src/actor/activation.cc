#include "actor/activation.h"

#include <utility>

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

}  // namespace

Activation::Activation(Runtime& runtime, ActorRef self, ActorFactory& factory)
    : runtime_(runtime),
      self_(std::move(self)),
      head_key_(store::keys::actor_head(self_.name())),
      mail_(runtime.world_.loop),
      idle_limit_(runtime.world_.loop,
                  [this] {
                    idle_too_long_ = true;
                    mail_.set();
                  }),
      background_(runtime.world_.loop, [this](const Error& error) {
        runtime_.world_.log.warn("background work of an actor failed",
                                 {{"actor", self_.to_string()}, {"error", error.to_string()}});
      }) {
  actor_ = factory(ActorServices{runtime.world_, runtime.database_, runtime, self_, background_});
}

bool Activation::enqueue(std::shared_ptr<PendingTurn> pending) {
  CHECK(!ended_);
  if (mailbox_.size() >= runtime_.options_.pending_calls_max) {
    return false;
  }
  mailbox_.push_back(std::move(pending));
  mail_.set();
  return true;
}

void Activation::end() {
  ended_ = true;
  background_.cancel();
  mail_.set();
}

Task<void> Activation::work(std::shared_ptr<Activation> self) {
  // The call that made this activation is still putting its turn into the mailbox.
  co_await async::yield(self->runtime_.world_.loop);
  auto active = co_await self->activate().result();
  if (!active.ok()) {
    self->runtime_.world_.log.warn("an activation failed", {{"actor", self->self_.to_string()},
                                                            {"error", active.error().to_string()}});
    // Those who waited hear why; those who come later try again.
    for (auto& pending : std::exchange(self->mailbox_, {})) {
      pending->finish(active.error());
    }
    self->runtime_.retire(*self);
    co_return kOk;
  }
  while (!self->ended_) {
    if (self->mailbox_.empty() && !co_await self->wait_for_turn()) {
      // Ended by another, it has nothing to give: the record may be its successor's by now.
      if (!self->ended_) {
        co_await self->give_away();
      }
      break;
    }
    if (self->ended_) {
      break;
    }
    const auto pending = std::move(self->mailbox_.front());
    self->mailbox_.pop_front();
    std::optional<Next> next = co_await self->attempt_turn(*pending);
    if (!next) {
      next = co_await self->attempt_again(*pending);
    }
    if (*next == Next::kEnd) {
      break;
    }
  }
  self->runtime_.retire(*self);
  co_return kOk;
}

Task<bool> Activation::wait_for_turn() {
  while (mailbox_.empty() && !ended_) {
    if (turn_ == 0 && !actor_->busy()) {
      // It has never committed, so there is nothing to keep in memory, or an owner's record for.
      co_return false;
    }
    mail_.clear();
    const bool at_once = runtime_.world_.faults.buggify("actor.idle_at_once");
    idle_too_long_ = false;
    idle_limit_.set(runtime_.world_.loop.now() +
                    (at_once ? kRetryPause : runtime_.options_.idle_timeout));
    co_await mail_.wait();
    idle_limit_.clear();
    if (idle_too_long_ && mailbox_.empty() && !actor_->busy()) {
      co_return false;
    }
  }
  co_return true;
}

Task<void> Activation::give_away() {
  auto released = co_await runtime_.ownership_.release(self_.name()).result();
  if (!released.ok()) {
    // If the record stays it says what is true: this node may activate the actor again, and its
    // next epoch frees it. If the release lands late, the next activation's claim meets it.
    runtime_.world_.faults.reached("actor.give_away.failed");
    runtime_.world_.log.warn(
        "an idle actor could not be given away",
        {{"actor", self_.to_string()}, {"error", released.error().to_string()}});
  }
  co_return kOk;
}

Task<void> Activation::activate() {
  constexpr int kAttemptsMax = 10;
  for (int attempt = 1;; ++attempt) {
    fence_ = runtime_.ownership_.fence();
    auto begun = co_await claim_and_read().result();
    if (begun.ok()) {
      ++runtime_.counters_.activations;
      active_ = true;
      co_return kOk;
    }
    const Code code = begun.error().code;
    if ((code != Code::kFailedPrecondition && code != Code::kAborted) || attempt == kAttemptsMax) {
      co_return std::move(begun).error();
    }
    if (code == Code::kAborted) {
      co_await async::sleep_for(runtime_.world_.loop, kRetryPause * attempt);
      continue;
    }
    // Owned elsewhere, or the actor's own reason, unless the fence says that it is lost.
    const Result<bool> holds = co_await fence_holds().result();
    if (!holds.ok() && holds.error().code == Code::kAborted) {
      co_await async::sleep_for(runtime_.world_.loop, kRetryPause * attempt);
      continue;
    }
    if (!holds.ok() || *holds) {
      co_return holds.ok() ? std::move(begun).error() : holds.error();
    }
    runtime_.world_.faults.reached("actor.activation.fence_lost");
    co_await runtime_.rejoin(fence_->epoch());
  }
}

// Whether it happened nobody asks any more; but it must not happen later, under what is read now.
Task<void> Activation::settle_earlier() {
  const auto found = runtime_.unsettled_.find(self_);
  if (found == runtime_.unsettled_.end() || runtime_.world_.faults.mutant("M37")) {
    co_return kOk;
  }
  const auto any = [](const std::optional<Bytes>&) -> Result<bool> { return true; };
  auto settled =
      co_await store::settle(runtime_.world_, runtime_.database_, {head_key_, found->second}, any)
          .result();
  if (!settled.ok()) {
    co_return base::unavailable("an earlier turn of " + self_.to_string() +
                                " is still undecided; try again later");
  }
  runtime_.world_.faults.reached("actor.settle.by_the_next");
  runtime_.unsettled_.erase(self_);
  co_return kOk;
}

Task<void> Activation::claim_and_read() {
  co_await settle_earlier();
  generation_ = co_await runtime_.ownership_.acquire(self_.name());
  auto transaction = runtime_.database_.begin();
  co_return co_await read_state(*transaction).result();
}

Task<bool> Activation::fence_holds() {
  auto transaction = runtime_.database_.begin();
  auto guarded = co_await fence_->guard(*transaction).result();
  if (!guarded.ok() && guarded.error().code != Code::kFailedPrecondition) {
    co_return std::move(guarded).error();
  }
  co_return guarded.ok();
}

Task<void> Activation::read_state(store::Transaction& transaction) {
  co_await fence_->guard(transaction);
  co_await read_head(transaction);
  co_return co_await actor_->activate(transaction).result();
}

Task<void> Activation::read_head(store::Transaction& transaction) {
  // An earlier attempt may have found a head that is gone by now.
  turn_ = 0;
  nonce_.clear();
  auto bytes = co_await transaction.get(head_key_).result();
  if (!bytes.ok()) {
    if (!runtime_.world_.faults.mutant("M24")) {
      // An error reading state never becomes an empty state (S20).
      co_return std::move(bytes).error().with_context("reading the head of " + self_.to_string());
    }
    bytes = Result<std::optional<Bytes>>(std::nullopt);
  }
  if (bytes->has_value()) {
    const Head head = co_await Head::decode(**bytes);
    turn_ = head.turn;
    nonce_ = head.nonce;
  }
  co_return kOk;
}

Task<Activation::Next> Activation::attempt_again(PendingTurn& pending) {
  for (int attempt = 1;; ++attempt) {
    ++runtime_.counters_.turns_retried;
    co_await async::sleep_for(runtime_.world_.loop, kRetryPause * attempt);
    if (attempt == kTurnAttemptsMax) {
      break;
    }
    std::optional<Next> next = co_await attempt_turn(pending);
    if (next.has_value()) {
      co_return *next;
    }
  }
  pending.finish(base::unavailable("a turn of " + self_.to_string() +
                                   " met a conflict in every attempt; try again later"));
  co_return Next::kGoOn;
}

// One coroutine from the fence to the reply: each frame more is an allocation a turn.
Task<std::optional<Activation::Next>> Activation::attempt_turn(PendingTurn& pending) {
  const auto transaction = runtime_.database_.begin();
  const bool late = runtime_.world_.faults.mutant("M25");
  auto guarded = late ? Result<void>(kOk) : co_await fence_->guard(*transaction).result();
  if (!guarded.ok()) {
    co_return not_guarded(std::move(guarded).error(), pending);
  }
  runtime_.world_.faults.reached("actor.fence.checked");
  Turn turn(*transaction, turn_ + 1, runtime_.world_.clock.wall());
  auto outcome = co_await pending.body(*actor_, turn).result();
  if (!outcome.ok()) {
    if (outcome.error().code == Code::kAborted) {
      co_return std::nullopt;
    }
    pending.finish(std::move(outcome).error());
    co_return Next::kGoOn;
  }
  if (turn.read_only_) {
    CHECK(turn.after_commit_.empty());
    pending.finish(kOk);
    co_return Next::kGoOn;
  }
  if (late) {
    guarded = co_await fence_->guard(*transaction).result();
    if (!guarded.ok()) {
      co_return not_guarded(std::move(guarded).error(), pending);
    }
  }
  const Bytes nonce = store::fresh_nonce(runtime_.nonces_);
  write_head(*transaction, turn, nonce);
  auto done = co_await transaction->commit().result();
  if (!done.ok()) {
    co_return co_await not_committed(std::move(done).error(), nonce, turn, pending);
  }
  CHECK(*done != store::kNoVersion);
  co_return committed(turn, nonce, pending);
}

std::optional<Activation::Next> Activation::not_guarded(Error error, PendingTurn& pending) {
  if (error.code == Code::kAborted) {
    return std::nullopt;
  }
  if (error.code == Code::kFailedPrecondition) {
    ++runtime_.counters_.fences_lost;
    runtime_.world_.faults.reached("actor.turn.fence_lost");
    runtime_.workers_.spawn(runtime_.rejoin_and_log(fence_->epoch()));
    pending.finish(base::unavailable("the actor moved to another owner; try again"));
    return Next::kEnd;
  }
  pending.finish(std::move(error));
  return Next::kGoOn;
}

void Activation::write_head(store::Transaction& transaction, const Turn& turn, const Bytes& nonce) {
  if (turn.destroys_) {
    transaction.clear_range(store::keys::actor(self_.name()));
    transaction.clear(store::keys::owner(self_.name()));
  } else {
    transaction.set(head_key_, Head{generation_, turn.number(), nonce}.encode());
  }
  store::guard_commit(transaction, nonce);
}

Task<std::optional<Activation::Next>> Activation::not_committed(Error error, Bytes nonce,
                                                                Turn& turn, PendingTurn& pending) {
  switch (error.code) {
    case Code::kAborted:
      co_return std::nullopt;
    case Code::kUnknown:
      ++runtime_.counters_.turns_undecided;
      co_return co_await settle(std::move(nonce), turn, pending);
    default:
      pending.finish(std::move(error));
      co_return Next::kGoOn;
  }
}

Task<std::optional<Activation::Next>> Activation::settle(Bytes nonce, Turn& turn,
                                                         PendingTurn& pending) {
  auto happened = co_await settle_commit(nonce, turn).result();
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
    runtime_.unsettled_[self_] = std::move(nonce);
  }
  pending.finish(faults.mutant("M10") ? base::failed_precondition("the turn was not done")
                                      : std::move(happened).error());
  co_return Next::kEnd;
}

Activation::Next Activation::committed(Turn& turn, Bytes nonce, PendingTurn& pending) {
  turn_ = turn.number();
  nonce_ = std::move(nonce);
  ++runtime_.counters_.turns_committed;
  for (async::Work& work : turn.after_commit_) {
    work();
  }
  pending.finish(kOk);
  return turn.destroys_ ? Next::kEnd : Next::kGoOn;
}

Task<bool> Activation::settle_commit(Bytes nonce, const Turn& turn) {
  auto shows = [nonce, before = nonce_,
                destroys = turn.destroys_](const std::optional<Bytes>& head) -> Result<bool> {
    if (!head.has_value() && (destroys || before.empty())) {
      return destroys && !before.empty();
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
  return store::settle(runtime_.world_, runtime_.database_, {head_key_, nonce}, std::move(shows));
}

}  // namespace kelpie::actor
