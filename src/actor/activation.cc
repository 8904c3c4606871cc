#include "actor/activation.h"

#include <utility>

#include "actor/activation_busy.h"
#include "actor/runtime.h"
#include "async/sleep.h"
#include "store/exactly_once.h"
#include "store/keys.h"
#include "world/faults.h"
#include "world/log.h"

namespace kelpie::actor {
namespace {

constexpr Duration kRetryPause = Duration::millis(1);

// No call has begun, so none is undecided, and none may think that it met a conflict of its own.
Error without_outcome(Error error) {
  const bool tells_an_outcome = error.code == Code::kUnknown || error.code == Code::kAborted;
  return tells_an_outcome ? base::unavailable("the actor could not be activated: " + error.message)
                          : error;
}

}  // namespace

Activation::Activation(Runtime& runtime, Kind& kind, const ActorRef& self)
    : runtime_(runtime), kind_(kind), id_(self.id) {
  ++kind_.activations;
  actor_ =
      kind_.type.factory(ActorServices{runtime.world_, runtime.database_, runtime, self, *this});
}

Activation::~Activation() {
  CHECK(kind_.activations > 0);
  --kind_.activations;
}

ActorRef Activation::self() const { return {kind_.type.name, kind_.ns, id_}; }

size_t Activation::waiting() const { return busy_ ? busy_->mailbox.size() : 0; }

RunningTurn* Activation::running() const { return busy_ ? busy_->running : nullptr; }

bool Activation::enqueue(std::shared_ptr<PendingTurn> pending) {
  CHECK(!ended_);
  if (!busy_) {
    busy_ = std::make_unique<Busy>(self());
  }
  if (busy_->mailbox.size() >= runtime_.options_.pending_calls_max) {
    return false;
  }
  busy_->mailbox.push_back(std::move(pending));
  return true;
}

void Activation::end() {
  ended_ = true;
  if (background_) {
    background_->cancel();
  }
}

void Activation::spawn(Task<void> work) {
  if (ended_) {
    return;
  }
  if (!background_) {
    background_ = std::make_unique<Scope>(runtime_.world_.loop, [this](const Error& error) {
      runtime_.world_.log.warn("background work of an actor failed",
                               {{"actor", self().to_string()}, {"error", error.to_string()}});
    });
  }
  background_->spawn(std::move(work));
}

Task<void> Activation::work(std::shared_ptr<Activation> activation) {
  Activation& self = *activation;
  // The call that made this activation is still putting its turn into the mailbox.
  co_await async::yield(self.runtime_.world_.loop);
  if (!self.active_ && !self.ended_) {
    auto active = co_await self.activate().result();
    if (!active.ok()) {
      // That another node owns it is an answer, and an ordinary one.
      const bool ordinary = cluster::owner_elsewhere(active.error()).has_value();
      self.runtime_.world_.log.write(
          ordinary ? world::LogLevel::kDebug : world::LogLevel::kWarn, "an activation failed",
          {{"actor", self.self().to_string()}, {"error", active.error().to_string()}});
      // Those who waited hear why; those who come later try again.
      const Error heard = without_outcome(std::move(active).error());
      for (auto& pending : std::exchange(self.busy_->mailbox, {})) {
        if (!pending->result) {
          self.runtime_.finish(*pending, heard);
        }
      }
      // Another node may know what to do with it.
      if (!self.ended_ && !self.runtime_.unsettled_.contains(self.busy_->self)) {
        self.leaving_ = true;
        co_await self.give_away();
      }
      self.runtime_.retire(self);
      co_return kOk;
    }
  }
  co_await self.run_turns();
  if (self.ended_) {
    self.runtime_.retire(self);
    co_return kOk;
  }
  self.busy_.reset();
  self.working_ = false;
  self.runtime_.rest(self);
  co_return kOk;
}

// Ends with an empty mailbox, or with `ended_`.
Task<void> Activation::run_turns() {
  for (;;) {
    while (!ended_ && !asked_to_leave_ && !busy_->mailbox.empty()) {
      const auto pending = std::move(busy_->mailbox.front());
      busy_->mailbox.pop_front();
      if (refused(*pending)) {
        continue;
      }
      std::optional<Next> next = co_await attempt_turn(*pending);
      if (!next) {
        next = co_await attempt_again(*pending);
      }
      if (*next == Next::kEnd) {
        runtime_.retire(*this);
      }
    }
    if (ended_ || (actor_->busy() && !asked_to_leave_)) {
      co_return kOk;
    }
    // One that has never committed has nothing to keep in memory, or an owner's record for.
    const bool stays = turn_ > 0 || kind_.type.options.stays_without_state;
    if (stays && !asked_to_leave_) {
      if (!runtime_.world_.faults.buggify("actor.idle_at_once")) {
        co_return kOk;
      }
      co_await async::sleep_for(runtime_.world_.loop, kRetryPause);
      if (ended_ || !busy_->mailbox.empty() || actor_->busy()) {
        continue;
      }
    }
    co_return co_await end_in_order().result();
  }
}

Task<void> Activation::leave(std::shared_ptr<Activation> activation) {
  co_return co_await activation->end_in_order().result();
}

Task<void> Activation::end_in_order() {
  if (ended_) {
    co_return kOk;
  }
  leaving_ = true;
  if (active_) {
    actor_->deactivate();
  }
  co_await give_away();
  // Ended by another, it has nothing to give: the record may be its successor's by now.
  if (!ended_) {
    runtime_.retire(*this);
  }
  co_return kOk;
}

Task<void> Activation::give_away() {
  auto released = co_await runtime_.ownership_.release(self().name()).result();
  if (!released.ok()) {
    // If the record stays it says what is true: this node may activate the actor again, and its
    // next epoch frees it. If the release lands late, the next activation's claim meets it.
    runtime_.world_.faults.reached("actor.give_away.failed");
    runtime_.world_.log.warn(
        "an idle actor could not be given away",
        {{"actor", self().to_string()}, {"error", released.error().to_string()}});
  }
  co_return kOk;
}

Task<void> Activation::activate() {
  constexpr int kAttemptsMax = 10;
  for (int attempt = 1;; ++attempt) {
    fence_ = runtime_.fence();
    auto begun = co_await claim_and_read().result();
    if (ended_) {
      // Everything is dropped, or the actor was told to go: the next activation begins anew.
      co_return kOk;
    }
    if (begun.ok() && fence_->epoch() != runtime_.ownership_.fence().epoch()) {
      // The node joined again while the state was read.
      continue;
    }
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
  const auto found = runtime_.unsettled_.find(self());
  if (found == runtime_.unsettled_.end() || runtime_.world_.faults.mutant("M37")) {
    co_return kOk;
  }
  const auto any = [](const std::optional<Bytes>&) -> Result<bool> { return true; };
  const Bytes head_key = store::keys::actor_head(self().name());
  auto settled =
      co_await store::settle(runtime_.world_, runtime_.database_, {head_key, found->second}, any)
          .result();
  if (!settled.ok()) {
    co_return base::unavailable("an earlier turn of " + self().to_string() +
                                " is still undecided; try again later");
  }
  runtime_.world_.faults.reached("actor.settle.by_the_next");
  runtime_.unsettled_.erase(self());
  co_return kOk;
}

Task<void> Activation::claim_and_read() {
  co_await settle_earlier();
  const cluster::Generation generation = co_await runtime_.ownership_.acquire(busy_->self.name());
  has_claim_ = generation.get() != fence_->epoch().get();
  if (has_claim_) {
    CHECK(generation.get().size() == claim_.size());
    generation.get().copy(claim_.data(), claim_.size());
  }
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
  has_nonce_ = false;
  paused_ = false;
  auto bytes = co_await transaction.get(store::keys::actor_head(busy_->self.name())).result();
  if (!bytes.ok()) {
    if (!runtime_.world_.faults.mutant("M24")) {
      // An error reading state never becomes an empty state (S20).
      co_return std::move(bytes).error().with_context("reading the head of " + self().to_string());
    }
    bytes = Result<std::optional<Bytes>>(std::nullopt);
  }
  if (bytes->has_value()) {
    const Head head = co_await Head::decode(**bytes);
    turn_ = head.turn;
    paused_ = head.paused;
    set_nonce(head.nonce);
  }
  co_return kOk;
}

void Activation::set_nonce(const Bytes& nonce) {
  CHECK(nonce.size() == nonce_.size());
  nonce.copy(nonce_.data(), nonce_.size());
  has_nonce_ = true;
}

Bytes Activation::nonce() const {
  return has_nonce_ ? Bytes(nonce_.data(), nonce_.size()) : Bytes();
}

cluster::Generation Activation::generation() const {
  return cluster::Generation(has_claim_ ? Bytes(claim_.data(), claim_.size())
                                        : fence_->epoch().get());
}

}  // namespace kelpie::actor
