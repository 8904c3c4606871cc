#include "actor/runtime.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "actor/activation.h"
#include "actor/activation_busy.h"
#include "actor/method_call.h"
#include "async/select.h"
#include "async/sleep.h"
#include "world/faults.h"
#include "world/log.h"

namespace kelpie::actor {
namespace {

// How many idle activations end before the loop does something else.
constexpr int kIdleEndsAtOnce = 1'000;
constexpr size_t kLeavingAtOnce = 256;

}  // namespace

// A read from memory, while its answer is held back.
class Runtime::Counted {
 public:
  explicit Counted(Runtime& runtime) : runtime_(runtime) { ++runtime_.pending_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { runtime_.one_less_pending(); }

 private:
  Runtime& runtime_;
};

// Ends a call whose deadline passes while it waits for its turn: that may never come. What has
// begun has a limit of its own.
class Runtime::CallTimer {
 public:
  CallTimer(Runtime& runtime, const ActorRef& actor, const std::shared_ptr<PendingTurn>& pending)
      : loop_(runtime.world_.loop) {
    if (!pending->options.deadline || pending->result) {
      return;
    }
    timer_ = loop_.start_timer(*pending->options.deadline, [&runtime, actor, pending] {
      if (!pending->result && !pending->begun) {
        runtime.finish(*pending, base::deadline_exceeded("the deadline of a call to " +
                                                         actor.to_string() + " has passed"));
      }
    });
  }
  CallTimer(const CallTimer&) = delete;
  CallTimer& operator=(const CallTimer&) = delete;
  ~CallTimer() {
    if (timer_) {
      loop_.cancel_timer(*timer_);
    }
  }

 private:
  Loop& loop_;
  std::optional<async::TimerId> timer_;
};

Runtime::Runtime(World& world, store::Database& database, cluster::Ownership& ownership,
                 RuntimeOptions options)
    : world_(world),
      database_(database),
      ownership_(ownership),
      options_(options),
      nonces_(world.rng.fork("actor/nonce")),
      quiet_(world.loop),
      checks_(world, database),
      joining_(world.loop, 1),
      idle_limit_(world.loop, [this] { idle_limit_passed(); }),
      workers_(world.loop, [this](const Error& error) {
        world_.log.error("an actor's worker failed", {{"error", error.to_string()}});
      }) {
  CHECK(options_.idle_timeout >= Duration());
}

Runtime::~Runtime() {
  // Workers hold their activations; background work goes first, while its actors stand.
  for (Activation* activation = residents_.first(); activation != nullptr;
       activation = residents_.after(*activation)) {
    activation->end();
  }
  workers_.cancel();
  if (world_.faults.mutant("M29")) {
    world_.loop.start_timer(world_.loop.now() + options_.idle_timeout, [] {});
  }
}

void Runtime::register_type(std::string type, ActorFactory factory, TypeOptions options) {
  CHECK(!type.empty() && type.size() <= base::kActorNamespaceBytesMax);
  ActorType entry{type, std::move(factory), std::move(options), {}};
  const bool fresh = types_.emplace(std::move(type), std::move(entry)).second;
  CHECK(fresh);
}

Result<ActorType*> Runtime::type_of(const ActorRef& actor) {
  TRY(actor.check());
  const auto found = types_.find(actor.type);
  if (found == types_.end()) {
    return base::not_found("no actor type is named " + actor.type);
  }
  return &found->second;
}

Task<void> Runtime::run_turn(ActorRef actor, TurnBody body) {
  static_cast<void>(
      co_await run(std::move(actor), std::move(body), CallOptions(), Fencing::kAtOnce));
  co_return kOk;
}

Task<Bytes> Runtime::run(ActorRef actor, TurnBody body, CallOptions options, Fencing fencing) {
  ActorType* type = co_await type_of(actor);
  // What a turn that was accepted calls is a part of that turn.
  if (stopping_ && !options.chain) {
    co_return base::unavailable("this node is shutting down; ask another");
  }
  if (pending_ >= options_.pending_calls_node_max && options.origin != CallOrigin::kOperator) {
    ++counters_.overloads;
    co_return base::resource_exhausted(std::to_string(pending_) +
                                       " calls wait on this node already; try again in a second");
  }
  auto pending =
      std::make_shared<PendingTurn>(world_.loop, std::move(body), fencing, std::move(options));
  ++pending_;
  const Instant begun = world_.loop.now();
  deliver(actor, pending);
  {
    const CallTimer timer(*this, actor, pending);
    co_await pending->done.wait();
  }
  ++type->counters.calls;
  type->counters.times.add(world_.loop.now() - begun);
  if (!pending->result->ok()) {
    ++type->counters.failures;
    co_return std::move(*pending->result).error();
  }
  co_return std::move(pending->reply);
}

void Runtime::finish(PendingTurn& pending, Result<void> result) {
  one_less_pending();
  pending.finish(std::move(result));
}

void Runtime::one_less_pending() {
  CHECK(pending_ > 0);
  --pending_;
  if (pending_ == 0 && stopping_) {
    quiet_.set();
  }
}

Task<Bytes> Runtime::invoke(ActorRef actor, Invocation what, CallOptions options) {
  ActorType* type = co_await type_of(actor);
  co_await check_invocation(*type, what, options);
  const MethodKind kind = type->options.methods(what.method);
  if (kind == MethodKind::kReadOnly && !options.once && (!stopping_ || options.chain)) {
    Task<std::optional<Bytes>> read = read_from_memory(actor, *type, what);
    if (options.deadline) {
      if (world_.loop.now() >= *options.deadline) {
        co_return base::deadline_exceeded("the deadline of a call to " + actor.to_string() +
                                          " has passed");
      }
      read = async::timeout(world_.loop, *options.deadline - world_.loop.now(), std::move(read));
    }
    std::optional<Bytes> answer = co_await std::move(read);
    if (answer) {
      co_return std::move(*answer);
    }
  }
  co_return co_await run(std::move(actor),
                         method_body(std::make_shared<const Invocation>(std::move(what)), kind),
                         std::move(options), Fencing::kAtNeed);
}

bool Runtime::in_memory(const ActorRef& actor) const {
  const std::shared_ptr<Activation> activation = residents_.find(actor);
  return activation && activation->active() && !activation->paused();
}

Task<std::optional<Bytes>> Runtime::read_from_memory(const ActorRef& actor, ActorType& type,
                                                     const Invocation& what) {
  if (!in_memory(actor)) {
    co_return std::optional<Bytes>();
  }
  // Only the fence is held while the check is under way: the caller's task may outlive the runtime.
  Activation& activation = *residents_.find(actor);
  residents_.touch(activation, world_.loop.now());
  const std::shared_ptr<cluster::EpochFence> fence = activation.fence();
  Result<Bytes> answer = static_cast<const MethodActor&>(activation.actor()).read(what);
  ++type.counters.reads;
  const Counted counted(*this);
  auto passed = co_await checks_.pass(fence).result();
  if (!passed.ok()) {
    if (passed.error().code == Code::kFailedPrecondition) {
      fence_lost(fence->epoch());
      co_return base::unavailable("the actor moved to another owner; try again");
    }
    co_return std::move(passed).error();
  }
  co_return std::optional<Bytes>(co_await std::move(answer));
}

void Runtime::deliver(const ActorRef& actor, std::shared_ptr<PendingTurn> pending) {
  const std::shared_ptr<Activation> activation = activation_of(actor);
  if (!activation->enqueue(pending)) {
    ++counters_.overloads;
    finish(*pending, base::resource_exhausted(std::to_string(options_.pending_calls_max) +
                                              " calls wait for " + actor.to_string() +
                                              " already; try again in a second"));
    return;
  }
  if (!activation->working_) {
    activation->working_ = true;
    workers_.spawn(Activation::work(activation));
  }
}

std::shared_ptr<Activation> Runtime::activation_of(const ActorRef& actor) {
  std::shared_ptr<Activation> found = residents_.find(actor);
  if (!found) {
    Kind& kind = residents_.kind(types_.at(actor.type), actor.ns);
    found = std::make_shared<Activation>(*this, kind, actor);
    residents_.add(found);
  }
  residents_.touch(*found, world_.loop.now());
  return found;
}

void Runtime::retire(Activation& activation) {
  if (residents_.remove(activation)) {
    ++counters_.deactivations;
  }
  const bool orphan = !activation.ended_ && activation.active_ && activation.actor_->busy();
  activation.end();
  if (orphan && orphaned_) {
    orphaned_();
  }
  if (!activation.busy_) {
    return;
  }
  world_.faults.sometimes("actor.retire.turns_wait", !activation.busy_->mailbox.empty());
  world_.faults.sometimes("actor.retire.orphan", orphan);
  const ActorRef self = activation.busy_->self;
  for (auto& pending : std::exchange(activation.busy_->mailbox, {})) {
    deliver(self, std::move(pending));
  }
}

void Runtime::rest(Activation& activation) {
  residents_.touch(activation, world_.loop.now());
  evict_beyond_limit();
  if (Activation* oldest = residents_.first()) {
    idle_limit_.set(oldest->last_used() + options_.idle_timeout);
  }
}

void Runtime::leave(Activation& activation) {
  activation.working_ = true;
  activation.leaving_ = true;
  workers_.spawn(Activation::leave(residents_.find(activation.self())));
}

// Working ones are passed over: they come to rest, and count from then.
void Runtime::idle_limit_passed() {
  const Instant now = world_.loop.now();
  int ended = 0;
  // Each at most once: with a timeout of nothing one that works stays the oldest.
  for (size_t left = residents_.size(); left > 0 && ended < kIdleEndsAtOnce; --left) {
    Activation* oldest = residents_.first();
    if (oldest->last_used() + options_.idle_timeout > now) {
      idle_limit_.set(oldest->last_used() + options_.idle_timeout);
      return;
    }
    const bool idle = !oldest->working() && !oldest->actor().busy();
    residents_.touch(*oldest, now);
    if (idle) {
      leave(*oldest);
      ++ended;
    }
  }
  if (ended == kIdleEndsAtOnce) {
    idle_limit_.set(now);
  } else if (residents_.size() > 0 && options_.idle_timeout > Duration()) {
    // All that are left work. With a timeout of nothing they are looked at when they come to rest.
    idle_limit_.set(now + options_.idle_timeout);
  }
}

void Runtime::evict_beyond_limit() {
  for (size_t over = residents_.size(); over > options_.resident_max; --over) {
    Activation* oldest = residents_.first();
    const bool idle = !oldest->working() && !oldest->actor().busy();
    residents_.touch(*oldest, world_.loop.now());
    if (idle) {
      ++counters_.evictions;
      leave(*oldest);
    }
  }
}

Task<bool> Runtime::deactivate(ActorRef actor) {
  // Out of the actor's own background work, which may have asked for it.
  co_await async::yield(world_.loop);
  const std::shared_ptr<Activation> activation = residents_.find(actor);
  if (!activation) {
    co_return false;
  }
  if (activation->working()) {
    // Not at once: the next activation's turns must not overlap the one that runs.
    activation->asked_to_leave_ = true;
  } else {
    leave(*activation);
  }
  co_return true;
}

Task<void> Runtime::finish_calls() {
  stopping_ = true;
  while (pending_ > 0) {
    quiet_.clear();
    co_await quiet_.wait();
  }
  co_return kOk;
}

Task<void> Runtime::stop() {
  co_await finish_calls();
  std::vector<std::shared_ptr<Activation>> idle;
  for (Activation* activation = residents_.first(); activation != nullptr;
       activation = residents_.after(*activation)) {
    if (!activation->working()) {
      activation->working_ = true;
      activation->leaving_ = true;
      idle.push_back(residents_.find(activation->self()));
    }
  }
  for (size_t next = 0; next < idle.size();) {
    Scope leaving(world_.loop, [](const Error&) {});
    for (size_t i = 0; i < kLeavingAtOnce && next < idle.size(); ++i) {
      leaving.spawn(Activation::leave(std::move(idle[next++])));
    }
    co_await leaving.drain();
  }
  // Those that were on their way out already.
  co_await workers_.drain();
  co_return kOk;
}

std::shared_ptr<cluster::EpochFence> Runtime::fence() {
  const cluster::Fence& present = ownership_.fence();
  if (!fence_ || fence_->epoch() != present.epoch()) {
    fence_ = std::make_shared<cluster::EpochFence>(world_, present);
  }
  return fence_;
}

void Runtime::fence_lost(const cluster::Epoch& lost) {
  ++counters_.fences_lost;
  world_.faults.reached("actor.turn.fence_lost");
  workers_.spawn(rejoin_and_log(lost));
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
  for (Activation* activation = residents_.first(); activation != nullptr;
       activation = residents_.after(*activation)) {
    // Those that are still activating find out by themselves and go on under the new epoch.
    if (activation->active_ && activation->fence_->epoch() == lost) {
      stale.push_back(residents_.find(activation->self()));
    }
  }
  world_.faults.sometimes("actor.rejoin.ends_activations", !stale.empty());
  for (auto& activation : stale) {
    retire(*activation);
  }
  co_return kOk;
}

}  // namespace kelpie::actor
