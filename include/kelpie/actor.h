// Actor<State>: the base of an actor type.
//
//   struct CounterState { int64_t value = 0; };
//   KELPIE_FIELDS(CounterState, value)
//
//   class Counter : public kelpie::Actor<CounterState> {
//    public:
//     static constexpr std::string_view kType = "counter";
//     kelpie::Task<int64_t> add(kelpie::Context& ctx, int64_t amount) {
//       state(ctx).value += amount;
//       co_return state(ctx).value;
//     }
//     kelpie::Result<int64_t> get(const CounterState& state) const { return state.value; }
//     static void methods(kelpie::Methods<Counter>& m) {
//       m.turn<&Counter::add>("add");
//       m.read_only<&Counter::get>("get");
//     }
//   };
//
// An actor exists always and is active sometimes: its object is made when a call needs it and goes
// when it has been idle. Members other than the state are a cache: they are lost then, and they
// keep what a turn that failed has done to them.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/task.h"
#include "base/result.h"
#include "kelpie/context.h"
#include "kelpie/convert.h"
#include "kelpie/kv.h"
#include "kelpie/methods.h"

namespace kelpie {

// Of actors that keep nothing: they are active while they are used, and no turn of theirs commits
// unless it sends or writes.
struct NoState {};

// What an actor is given when it becomes active; gone when `on_activate` has ended.
class ActivationContext {
 public:
  ActivationContext(store::Transaction& transaction, const ActorRef& self);
  [[nodiscard]] const ActorRef& self() const { return self_; }
  [[nodiscard]] KvReader& kv() { return kv_; }

 private:
  const ActorRef& self_;
  KvReader kv_;
};

namespace detail {

class ActorBase {
 public:
  ActorBase() = default;
  ActorBase(const ActorBase&) = delete;
  ActorBase& operator=(const ActorBase&) = delete;
  virtual ~ActorBase() = default;
  virtual Task<void> activated(ActivationContext& context, const void* state) = 0;
  virtual void deactivated() = 0;
};

// A type of state, for code that does not know it.
struct StateType {
  bool none = false;
  int schema = 1;
  std::shared_ptr<void> (*make)() = nullptr;
  std::shared_ptr<void> (*copy)(const void* state) = nullptr;
  Json (*to_json)(const void* state) = nullptr;
  // Of `from`, which is not above `schema`.
  Result<std::shared_ptr<void>> (*read)(const Json& json, int from) = nullptr;
};

// All that a node needs of an actor type.
struct ActorType {
  std::string name;
  StateType state;
  std::vector<Method> methods;
  std::function<std::unique_ptr<ActorBase>()> make;
};

template <class State>
concept Migrates = requires(const Json& old) {
  { State::migrate(int(), old) } -> std::same_as<Result<State>>;
};
template <class State>
constexpr int schema_of() {
  if constexpr (requires { State::kSchema; }) {
    static_assert(State::kSchema >= 1 && (State::kSchema == 1 || Migrates<State>),
                  "a state whose kSchema is above 1 has "
                  "`static kelpie::Result<State> migrate(int from, const kelpie::Json& old)`");
    return State::kSchema;
  } else {
    return 1;
  }
}

template <class State>
Result<std::shared_ptr<void>> read_state(const Json& json, int from) {
  if constexpr (Migrates<State>) {
    if (from < schema_of<State>()) {
      return std::shared_ptr<void>(std::make_shared<State>(TRY(State::migrate(from, json))));
    }
  }
  return std::shared_ptr<void>(std::make_shared<State>(TRY(from_json<State>(json))));
}

template <class State>
StateType state_type() {
  StateType type;
  type.schema = schema_of<State>();
  type.make = [] { return std::shared_ptr<void>(std::make_shared<State>()); };
  type.copy = [](const void* state) {
    return std::shared_ptr<void>(std::make_shared<State>(*static_cast<const State*>(state)));
  };
  type.to_json = [](const void* state) { return to_json(*static_cast<const State*>(state)); };
  type.read = &read_state<State>;
  return type;
}
template <>
inline StateType state_type<NoState>() {
  StateType type;
  type.none = true;
  type.make = [] { return std::shared_ptr<void>(std::make_shared<NoState>()); };
  return type;
}

template <class A>
ActorType actor_type(std::function<std::unique_ptr<A>()> make) {
  return {std::string(A::kType), state_type<typename A::StateType>(), Methods<A>::all(),
          [make = std::move(make)]() -> std::unique_ptr<ActorBase> { return make(); }};
}

}  // namespace detail

// `State` can be copied, has a default (of an actor that has never committed one), and is a struct
// with KELPIE_FIELDS or another type that convert.h knows. Encoded it has at most
// kActorStateBytesMax bytes; a turn that goes beyond fails with `invalid_argument`.
//
// Stored states carry a schema: `static constexpr int kSchema = 2;` in State (1 without). Older
// ones are read through `static kelpie::Result<State> migrate(int from, const kelpie::Json& old)`,
// which kSchema above 1 demands. A newer one, or one that does not read, fails every call
// (`failed_precondition`, `data_loss`) and is left as it is: it never becomes an empty state.
template <class State>
class Actor : public detail::ActorBase {
 public:
  using StateType = State;

 protected:
  // Before the first call, on the state as it is committed; fills caches. An error fails the calls
  // that wait, and the next one tries again.
  virtual Task<void> on_activate(ActivationContext& context, const State& state) {
    static_cast<void>(context);
    static_cast<void>(state);
    co_return kOk;
  }
  // The actor ends in order, idle or asked to. Not after a crash, nor when its node has lost it.
  virtual void on_deactivate() {}

  // The turn's own copy of the state. It becomes the state with the turn's commit. The reference
  // holds until the method ends.
  [[nodiscard]] static State& state(Context& context) {
    return *static_cast<State*>(context.mutable_state());
  }
  // The same to look at: cheaper in a turn that changes nothing.
  [[nodiscard]] static const State& peek(const Context& context) {
    return *static_cast<const State*>(context.seen_state());
  }

 private:
  Task<void> activated(ActivationContext& context, const void* state) final {
    return on_activate(context, *static_cast<const State*>(state));
  }
  void deactivated() final { on_deactivate(); }
};

}  // namespace kelpie
