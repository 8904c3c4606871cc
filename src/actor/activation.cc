#include "actor/activation.h"

#include <utility>

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

Task<void> wait(async::Event& event) {
  co_await event.wait();
  co_return kOk;
}

}  // namespace

Activation::Activation(Runtime& runtime, ActorRef self, ActorFactory& factory)
    : runtime_(runtime),
      self_(std::move(self)),
      mail_(runtime.world_.loop),
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
    if (!co_await self->wait_for_turn()) {
      co_await self->give_away();
      break;
    }
    if (self->ended_) {
      break;
    }
    auto pending = std::move(self->mailbox_.front());
    self->mailbox_.pop_front();
    if (co_await self->run_turn(std::move(pending)) == Next::kEnd) {
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
    auto woken =
        co_await async::timeout(runtime_.world_.loop,
                                at_once ? kRetryPause : runtime_.options_.idle_timeout, wait(mail_))
            .result();
    if (!woken.ok() && mailbox_.empty() && !actor_->busy()) {
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
    generation_ = co_await runtime_.ownership_.acquire(self_.name());
    auto transaction = runtime_.database_.begin();
    auto read = co_await read_state(*transaction).result();
    if (read.ok()) {
      ++runtime_.counters_.activations;
      active_ = true;
      co_return kOk;
    }
    const Code code = read.error().code;
    if ((code != Code::kFailedPrecondition && code != Code::kAborted) || attempt == kAttemptsMax) {
      co_return std::move(read).error();
    }
    if (code == Code::kFailedPrecondition) {
      co_await runtime_.rejoin(fence_->epoch());
    } else {
      co_await async::sleep_for(runtime_.world_.loop, kRetryPause * attempt);
    }
  }
}

Task<void> Activation::read_state(store::Transaction& transaction) {
  co_await fence_->guard(transaction);
  co_await read_head(transaction);
  co_return co_await actor_->activate(transaction).result();
}

Task<void> Activation::read_head(store::Transaction& transaction) {
  auto bytes = co_await transaction.get(store::keys::actor_head(self_.name())).result();
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
  }
  co_return kOk;
}

Task<Activation::Next> Activation::run_turn(std::shared_ptr<PendingTurn> pending) {
  for (int attempt = 1; attempt <= kTurnAttemptsMax; ++attempt) {
    std::optional<Next> next = co_await attempt_turn(*pending);
    if (next.has_value()) {
      co_return *next;
    }
    ++runtime_.counters_.turns_retried;
    co_await async::sleep_for(runtime_.world_.loop, kRetryPause * attempt);
  }
  pending->finish(base::unavailable("a turn of " + self_.to_string() +
                                    " met a conflict in every attempt; try again later"));
  co_return Next::kGoOn;
}

Task<std::optional<Activation::Next>> Activation::attempt_turn(PendingTurn& pending) {
  auto transaction = runtime_.database_.begin();
  auto guarded = co_await fence_->guard(*transaction).result();
  if (!guarded.ok()) {
    if (guarded.error().code == Code::kAborted) {
      co_return std::nullopt;
    }
    if (guarded.error().code == Code::kFailedPrecondition) {
      ++runtime_.counters_.fences_lost;
      runtime_.workers_.spawn(runtime_.rejoin_and_log(fence_->epoch()));
      pending.finish(base::unavailable("the actor moved to another owner; try again"));
      co_return Next::kEnd;
    }
    pending.finish(std::move(guarded).error());
    co_return Next::kGoOn;
  }
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
  co_return co_await commit_turn(*transaction, turn, pending);
}

Task<std::optional<Activation::Next>> Activation::commit_turn(store::Transaction& transaction,
                                                              Turn& turn, PendingTurn& pending) {
  const Bytes nonce = store::fresh_nonce(runtime_.nonces_);
  if (turn.destroys_) {
    transaction.clear_range(store::keys::actor(self_.name()));
    transaction.clear(store::keys::owner(self_.name()));
  } else {
    transaction.set(store::keys::actor_head(self_.name()),
                    Head{generation_, turn.number(), nonce}.encode());
  }
  store::guard_commit(transaction, nonce);
  auto done = co_await transaction.commit().result();
  if (done.ok()) {
    CHECK(*done != store::kNoVersion);
    co_return committed(turn, pending);
  }
  switch (done.error().code) {
    case Code::kAborted:
      co_return std::nullopt;
    case Code::kUnknown:
      ++runtime_.counters_.turns_undecided;
      co_return co_await settle(nonce, turn, pending);
    default:
      pending.finish(std::move(done).error());
      co_return Next::kGoOn;
  }
}

Task<std::optional<Activation::Next>> Activation::settle(Bytes nonce, Turn& turn,
                                                         PendingTurn& pending) {
  auto happened = co_await settle_commit(std::move(nonce), turn).result();
  if (happened.ok()) {
    if (*happened) {
      co_return committed(turn, pending);
    }
    co_return std::nullopt;
  }
  // Nobody can say; what is in memory is no longer known to be true.
  pending.finish(std::move(happened).error());
  co_return Next::kEnd;
}

Activation::Next Activation::committed(Turn& turn, PendingTurn& pending) {
  turn_ = turn.number();
  ++runtime_.counters_.turns_committed;
  for (async::Work& work : turn.after_commit_) {
    work();
  }
  pending.finish(kOk);
  return turn.destroys_ ? Next::kEnd : Next::kGoOn;
}

Task<bool> Activation::settle_commit(Bytes nonce, const Turn& turn) {
  auto shows = [nonce, before = turn_,
                destroys = turn.destroys_](const std::optional<Bytes>& head) -> Result<bool> {
    if (!head.has_value() && (destroys || before == 0)) {
      return destroys && before > 0;
    }
    if (head.has_value()) {
      const Head seen = TRY(Head::decode(*head));
      if (seen.nonce == nonce || seen.turn == before) {
        return seen.nonce == nonce;
      }
    }
    // Whether ours came before theirs, the head no longer says.
    return base::failed_precondition("another owner has written since");
  };
  return store::settle(runtime_.world_, runtime_.database_,
                       {store::keys::actor_head(self_.name()), nonce}, std::move(shows));
}

}  // namespace kelpie::actor
