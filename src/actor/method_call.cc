#include "actor/method_call.h"

#include <utility>

#include "actor/activation.h"
#include "actor/once.h"
#include "actor/pending_turn.h"
#include "actor/runtime.h"
#include "async/event.h"
#include "base/hash.h"
#include "base/limits.h"
#include "codec/tuple.h"
#include "world/faults.h"

namespace kelpie::actor {
namespace {

// So that an actor has not many more records than it had calls in the time for which they are kept:
// each sweep looks at more of them than were written since the last.
Task<void> sweep_now_and_then(Turn& turn) {
  constexpr uint64_t kCallsBetween = 16;
  constexpr size_t kRowsAtOnce = 64;
  if (!turn.sessions().sweep_is_due(kCallsBetween)) {
    co_return kOk;
  }
  auto next = co_await sweep_once(turn, turn.sessions().sweep_from(), kRowsAtOnce);
  turn.after_commit([&sessions = turn.sessions(), next = std::move(next)]() mutable {
    sessions.sweep_goes_on(next ? std::move(*next) : Bytes());
  });
  co_return kOk;
}

Task<void> run_method(Actor& actor, Turn& turn, std::shared_ptr<const Invocation> what,
                      MethodKind kind) {
  auto& methods = static_cast<MethodActor&>(actor);
  turn.set_method(what->method);
  if (kind == MethodKind::kReadOnly && !turn.options().once) {
    turn.read_only();
    turn.reply(co_await methods.read(*what));
    co_return kOk;
  }
  const std::optional<Once> once = turn.options().once;
  const uint64_t fingerprint = once ? fingerprint_of(*what) : 0;
  if (once) {
    std::optional<Bytes> before = co_await find_once(turn, *once, fingerprint);
    if (before) {
      ++turn.runtime().counters().repetitions;
      turn.world().faults.reached("actor.once.repetition");
      turn.read_only();
      turn.reply(std::move(*before));
      co_return kOk;
    }
    turn.set_cause(
        std::move(codec::TuplePacker().string("once").string(once->key).integer(once->sequence))
            .take());
  }
  Bytes reply = kind == MethodKind::kReadOnly ? co_await methods.read(*what)
                                              : co_await methods.invoke(turn, what);
  if (once) {
    // Also a method that changed nothing: whoever asks again hears the same.
    turn.commit_anyway();
    co_await record_once(turn, *once, fingerprint, reply);
    co_await sweep_now_and_then(turn);
  }
  turn.reply(std::move(reply));
  co_return kOk;
}

// A call that came back, inside of the turn that waits for its caller.
struct InsideCall {
  explicit InsideCall(Loop& loop) : done(loop) {}
  Result<Bytes> answer = base::unavailable("the turn in which the call ran has ended; try again");
  async::Event done;
};

class Told {
 public:
  explicit Told(InsideCall& call) : call_(call) {}
  Told(const Told&) = delete;
  Told& operator=(const Told&) = delete;
  ~Told() { call_.done.set(); }

 private:
  InsideCall& call_;
};

Task<void> run_inside(RunningTurn outer, std::shared_ptr<const Invocation> what,
                      std::shared_ptr<InsideCall> call) {
  const Told told(*call);
  outer.turn.note_inside();
  outer.turn.inside_begun();
  call->answer = co_await static_cast<MethodActor&>(outer.actor).invoke(outer.turn, what).result();
  outer.turn.inside_ended(call->answer.ok() ? std::nullopt : std::optional(call->answer.error()));
  co_return kOk;
}

// A wait in the graph, for as long as somebody waits.
class Waiting {
 public:
  Waiting(WaitGraph& graph, uint64_t number) : graph_(graph), number_(number) {}
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() { graph_.end(number_); }

 private:
  WaitGraph& graph_;
  uint64_t number_;
};

// Whether the turn is one that waits in this chain, and not a later one of the same actor.
bool waits_in(const CallChain* chain, const Turn& turn) {
  for (; chain != nullptr; chain = chain->caller.get()) {
    if (chain->serial == turn.serial() && chain->actor == turn.self()) {
      return true;
    }
  }
  return false;
}

// The turn inside of which a call of a reentrant method runs; null: it has a turn of its own.
RunningTurn* turn_around(Runtime& runtime, const CallChain& chain, const ActorRef& to) {
  const std::shared_ptr<Activation> activation = runtime.residents().find(to);
  RunningTurn* running = activation ? activation->running() : nullptr;
  return running != nullptr && waits_in(&chain, running->turn) ? running : nullptr;
}

Task<Bytes> call_inside(Turn& turn, RunningTurn* outer, WaitGraph::Wait wait, Invocation what) {
  // They are not deeper in the chain of calls, but they are on the same stack.
  if (outer->inside.size() >= static_cast<size_t>(base::kCallDepthMax)) {
    co_return base::failed_precondition("more than " + std::to_string(base::kCallDepthMax) +
                                        " calls run inside of one turn of " + wait.to.to_string());
  }
  WaitGraph& graph = turn.runtime().waits();
  const Waiting waiting(graph, graph.begin_inside(std::move(wait)));
  auto inside = std::make_shared<InsideCall>(turn.world().loop);
  outer->inside.spawn(
      run_inside(*outer, std::make_shared<const Invocation>(std::move(what)), inside));
  co_await inside->done.wait();
  co_return std::move(inside->answer);
}

// Names the call, equal in every attempt at this turn and in no other. Chains of calls would make
// it longer and longer, so the cause is a digest.
std::string nested_key(Turn& turn, uint32_t call) {
  const Bytes cause = turn.cause();
  return std::move(codec::TuplePacker()
                       .string("call")
                       .string(turn.self().type)
                       .string(turn.self().ns)
                       .string(turn.self().id)
                       .identifier(base::hash64(cause, 1))
                       .identifier(base::hash64(cause, 2))
                       .integer(call))
      .take();
}

}  // namespace

Result<void> check_invocation(const ActorType& type, const Invocation& what,
                              const CallOptions& options) {
  if (!type.options.methods) {
    return base::invalid_argument("actors of type " + type.name + " have no methods with names");
  }
  if (what.method.empty() || what.method.size() > base::kActorMethodBytesMax) {
    return base::invalid_argument("a method's name has 1 to " +
                                  std::to_string(base::kActorMethodBytesMax) + " bytes, got " +
                                  std::to_string(what.method.size()));
  }
  if (what.arguments.size() > base::kActorArgumentBytesMax) {
    return base::invalid_argument("the arguments of a call have at most " +
                                  std::to_string(base::kActorArgumentBytesMax) + " bytes, got " +
                                  std::to_string(what.arguments.size()));
  }
  return options.once ? check_once(*options.once) : kOk;
}

TurnBody method_body(std::shared_ptr<const Invocation> what, MethodKind kind) {
  return [what = std::move(what), kind](Actor& actor, Turn& turn) {
    return run_method(actor, turn, what, kind);
  };
}

Task<Bytes> call_from_turn(Turn& turn, ActorRef to, Invocation what) {
  Runtime& runtime = turn.runtime();
  const uint32_t number = turn.next_call();
  const auto type = runtime.types().find(to.type);
  if (type == runtime.types().end() || !type->second.options.methods) {
    co_return base::not_found("no actor type with named methods is called " + to.type);
  }
  co_await check_invocation(type->second, what, CallOptions());
  const MethodKind kind = type->second.options.methods(what.method);
  auto chain = std::make_shared<CallChain>();
  chain->actor = turn.self();
  chain->method = turn.method();
  chain->serial = turn.serial();
  chain->caller = turn.options().chain;
  chain->depth = chain->caller ? chain->caller->depth + 1 : 1;
  if (chain->depth > base::kCallDepthMax) {
    co_return base::failed_precondition("more than " + std::to_string(base::kCallDepthMax) +
                                        " calls wait for each other; the last is " +
                                        to.to_string() + "." + what.method);
  }
  CallOptions options{.deadline = turn.options().deadline, .chain = chain};
  if (kind == MethodKind::kReadOnly && runtime.in_memory(to)) {
    co_return co_await runtime.invoke(std::move(to), std::move(what), std::move(options));
  }
  WaitGraph::Wait wait{turn.self(), turn.method(), to, what.method};
  RunningTurn* outer = kind == MethodKind::kReentrant ? turn_around(runtime, *chain, to) : nullptr;
  if (outer != nullptr) {
    co_return co_await call_inside(turn, outer, std::move(wait), std::move(what));
  }
  Result<uint64_t> begun = runtime.waits().begin(std::move(wait));
  if (!begun.ok()) {
    ++runtime.counters().deadlocks;
    turn.world().faults.reached("actor.call.deadlock");
    co_return std::move(begun).error();
  }
  const Waiting waiting(runtime.waits(), *begun);
  if (kind != MethodKind::kReadOnly) {
    options.once = Once{nested_key(turn, number)};
  }
  co_return co_await runtime.invoke(std::move(to), std::move(what), std::move(options));
}

}  // namespace kelpie::actor
