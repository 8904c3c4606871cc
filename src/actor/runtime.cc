#include "actor/runtime.h"

#include <utility>
#include <vector>

#include "actor/activation.h"
#include "world/faults.h"
#include "world/log.h"

namespace kelpie::actor {

Runtime::Runtime(World& world, store::Database& database, cluster::Ownership& ownership,
                 RuntimeOptions options)
    : world_(world),
      database_(database),
      ownership_(ownership),
      options_(options),
      nonces_(world.rng.fork("actor/nonce")),
      joining_(world.loop, 1),
      workers_(world.loop, [this](const Error& error) {
        world_.log.error("an actor's worker failed", {{"error", error.to_string()}});
      }) {}

Runtime::~Runtime() {
  // Workers hold their activations; background work goes first, while its actors stand.
  for (auto& [ref, activation] : active_) {
    activation->end();
  }
  workers_.cancel();
  active_.clear();
  if (world_.faults.mutant("M29")) {
    world_.loop.start_timer(world_.loop.now() + options_.idle_timeout, [] {});
  }
}

void Runtime::register_type(std::string type, ActorFactory factory) {
  CHECK(!type.empty() && type.size() <= base::kActorNamespaceBytesMax);
  const bool fresh = types_.emplace(std::move(type), std::move(factory)).second;
  CHECK(fresh);
}

Task<void> Runtime::run_turn(ActorRef actor, TurnBody body) {
  if (actor.id.empty() || actor.id.size() > base::kActorIdBytesMax) {
    co_return base::invalid_argument("an actor's id has 1 to " +
                                     std::to_string(base::kActorIdBytesMax) + " bytes, got " +
                                     std::to_string(actor.id.size()));
  }
  if (actor.ns.empty() || actor.ns.size() > base::kActorNamespaceBytesMax) {
    co_return base::invalid_argument("an actor's namespace has 1 to " +
                                     std::to_string(base::kActorNamespaceBytesMax) +
                                     " bytes, got " + std::to_string(actor.ns.size()));
  }
  if (!types_.contains(actor.type)) {
    co_return base::not_found("no actor type is named " + actor.type);
  }
  auto pending = std::make_shared<PendingTurn>(world_.loop, std::move(body));
  deliver(actor, pending);
  co_await pending->done.wait();
  co_return std::move(*pending->result);
}

void Runtime::deliver(const ActorRef& actor, std::shared_ptr<PendingTurn> pending) {
  if (!activation_of(actor)->enqueue(pending)) {
    pending->finish(base::resource_exhausted(std::to_string(options_.pending_calls_max) +
                                             " calls wait for " + actor.to_string() +
                                             " already; try again later"));
  }
}

std::shared_ptr<Activation> Runtime::activation_of(const ActorRef& actor) {
  const auto found = active_.find(actor);
  if (found != active_.end()) {
    return found->second;
  }
  auto activation = std::make_shared<Activation>(*this, actor, types_.at(actor.type));
  active_.emplace(actor, activation);
  workers_.spawn(Activation::work(activation));
  return activation;
}

void Runtime::retire(Activation& activation) {
  const auto found = active_.find(activation.self_);
  if (found != active_.end() && found->second.get() == &activation) {
    active_.erase(found);
  }
  const bool orphan = !activation.ended_ && activation.active_ && activation.actor_->busy();
  activation.end();
  if (orphan && orphaned_) {
    orphaned_();
  }
  world_.faults.sometimes("actor.retire.turns_wait", !activation.mailbox_.empty());
  world_.faults.sometimes("actor.retire.orphan", orphan);
  for (auto& pending : std::exchange(activation.mailbox_, {})) {
    deliver(activation.self_, std::move(pending));
  }
}

Task<void> Runtime::rejoin_and_log(cluster::Epoch lost) {
  auto joined = co_await rejoin(std::move(lost)).result();
  if (!joined.ok()) {
    // The next activation tries again.
    world_.log.warn("the node could not join again", {{"error", joined.error().to_string()}});
  }
  co_return kOk;
}

Task<void> Runtime::rejoin(cluster::Epoch lost) {
  auto permit = co_await joining_.acquire();
  if (ownership_.fence().epoch() != lost) {
    co_return kOk;
  }
  world_.log.warn("the node lost its fence and joins again", {{"node", world_.self.get()}});
  co_await ownership_.join();
  // What was undecided under the old epoch can land no more.
  unsettled_.clear();
  std::vector<std::shared_ptr<Activation>> stale;
  for (auto& [ref, activation] : active_) {
    // Those that are still activating find out by themselves and go on under the new epoch.
    if (activation->active_ && activation->fence_->epoch() == lost) {
      stale.push_back(activation);
    }
  }
  world_.faults.sometimes("actor.rejoin.ends_activations", !stale.empty());
  for (auto& activation : stale) {
    retire(*activation);
  }
  co_return kOk;
}

}  // namespace kelpie::actor
