// Methods: which functions of an actor can be called, under which names.
//
//   static void methods(kelpie::Methods<Counter>& m) {
//     m.turn<&Counter::add>("add");
//     m.read_only<&Counter::get>("get");
//   }
//
// Names are part of what is stored (messages, reminders) and sent: a method may be renamed in C++,
// its name here may not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <typeindex>
#include <typeinfo>
#include <utility>
#include <vector>

#include "async/task.h"
#include "base/bytes.h"
#include "base/result.h"
#include "kelpie/convert.h"

namespace kelpie {

class Context;

namespace detail {

class ActorBase;

enum class MethodKind : uint8_t { kTurn, kReadOnly, kReentrant };

struct Method {
  std::string name;
  MethodKind kind = MethodKind::kTurn;
  Task<Bytes> (*invoke)(ActorBase& self, Context& context, Bytes arguments) = nullptr;
  Result<Bytes> (*read)(const ActorBase& self, const void* state, ByteView arguments) = nullptr;
};

// What a pointer to a method says about it.
template <class Pointer>
struct MethodTraits;
template <class A, class R, class... P>
struct MethodTraits<Task<R> (A::*)(Context&, P...)> {
  using Actor = A;
  using Reply = R;
  using Arguments = std::tuple<std::remove_cvref_t<P>...>;
  static constexpr bool kReads = false;
};
template <class A, class R, class... P>
struct MethodTraits<Task<R> (A::*)(Context&, P...) const>
    : MethodTraits<Task<R> (A::*)(Context&, P...)> {};
template <class A, class R, class S, class... P>
struct MethodTraits<Result<R> (A::*)(const S&, P...) const> {
  using Actor = A;
  using Reply = R;
  using State = S;
  using Arguments = std::tuple<std::remove_cvref_t<P>...>;
  static constexpr bool kReads = true;
};

template <auto kMethod>
using TraitsOf = MethodTraits<decltype(kMethod)>;
template <auto kMethod>
using ReplyOf = typename TraitsOf<kMethod>::Reply;
template <auto kMethod>
using ActorOf = typename TraitsOf<kMethod>::Actor;
template <auto kMethod>
using ArgumentsOf = typename TraitsOf<kMethod>::Arguments;

// A type for each method, to tell them apart by.
template <auto kMethod>
struct Tag {};

template <auto kMethod>
Task<Bytes> invoke_method(ActorBase& self, Context& context, Bytes bytes) {
  auto arguments = co_await decode_arguments<ArgumentsOf<kMethod>>(bytes);
  auto& actor = static_cast<ActorOf<kMethod>&>(self);
  auto task = std::apply(
      [&](auto&... argument) { return (actor.*kMethod)(context, std::move(argument)...); },
      arguments);
  if constexpr (std::is_void_v<ReplyOf<kMethod>>) {
    co_await std::move(task);
    co_return Bytes("null");
  } else {
    const ReplyOf<kMethod> reply = co_await std::move(task);
    co_return to_json(reply).write();
  }
}

template <auto kMethod>
Result<Bytes> read_method(const ActorBase& self, const void* state, ByteView bytes) {
  auto arguments = TRY(decode_arguments<ArgumentsOf<kMethod>>(bytes));
  const auto& actor = static_cast<const ActorOf<kMethod>&>(self);
  auto answer = std::apply(
      [&](auto&... argument) {
        return (actor.*kMethod)(*static_cast<const typename TraitsOf<kMethod>::State*>(state),
                                std::move(argument)...);
      },
      arguments);
  if constexpr (std::is_void_v<ReplyOf<kMethod>>) {
    if (!answer.ok()) {
      return std::move(answer).error();
    }
    return Bytes("null");
  } else {
    const ReplyOf<kMethod> reply = TRY(std::move(answer));
    return to_json(reply).write();
  }
}

template <auto kMethod>
Task<Bytes> invoke_raw(ActorBase& self, Context& context, Bytes arguments) {
  return (static_cast<ActorOf<kMethod>&>(self).*kMethod)(context, std::move(arguments));
}

}  // namespace detail

template <class A>
class Methods {
 public:
  // `Task<R> method(kelpie::Context&, arguments...)`: runs as a turn of its own.
  template <auto kMethod>
  void turn(std::string_view name) {
    add_turn<kMethod>(name, detail::MethodKind::kTurn);
  }
  // The same, and it may also run inside a turn of this actor that waits, through other actors, for
  // the very call: what it changes is part of that turn.
  template <auto kMethod>
  void reentrant(std::string_view name) {
    add_turn<kMethod>(name, detail::MethodKind::kReentrant);
  }
  // `Result<R> method(const State&, arguments...) const`: answers from what is committed, beside
  // the turns, without waiting for them. It sees every turn that was answered before it was called.
  template <auto kMethod>
  void read_only(std::string_view name) {
    static_assert(detail::TraitsOf<kMethod>::kReads,
                  "a read-only method is `Result<R> method(const State&, ...) const`");
    if (add<kMethod>()) {
      found_.push_back({std::string(name), detail::MethodKind::kReadOnly, nullptr, &read<kMethod>});
    } else if (wanted_ == typeid(detail::Tag<kMethod>)) {
      name_ = name;
    }
  }
  // `Task<Bytes> method(kelpie::Context&, Bytes arguments)`: arguments and reply as they are.
  template <auto kMethod>
  void raw(std::string_view name) {
    static_assert(std::is_same_v<detail::ArgumentsOf<kMethod>, std::tuple<Bytes>> &&
                      std::is_same_v<detail::ReplyOf<kMethod>, Bytes>,
                  "a raw method is `Task<Bytes> method(kelpie::Context&, Bytes)`");
    if (add<kMethod>()) {
      found_.push_back(
          {std::string(name), detail::MethodKind::kTurn, &detail::invoke_raw<kMethod>, nullptr});
    } else if (wanted_ == typeid(detail::Tag<kMethod>)) {
      name_ = name;
    }
  }

  // Of A::methods; each name once (CHECKed when the type is added to a node).
  static std::vector<detail::Method> all() {
    Methods methods;
    A::methods(methods);
    return std::move(methods.found_);
  }
  // Under which a method was named there.
  template <auto kMethod>
  static Result<std::string> name_of() {
    Methods methods;
    methods.wanted_ = typeid(detail::Tag<kMethod>);
    A::methods(methods);
    if (methods.name_) {
      return *methods.name_;
    }
    return base::invalid_argument("a method of actor type " + std::string(A::kType) +
                                  " is called that its `methods` does not name");
  }

 private:
  Methods() = default;
  // Whether all are wanted, and not the name of one.
  template <auto kMethod>
  bool add() const {
    static_assert(std::is_base_of_v<detail::ActorOf<kMethod>, A>, "a method of another actor");
    return wanted_ == typeid(void);
  }
  template <auto kMethod>
  void add_turn(std::string_view name, detail::MethodKind kind) {
    static_assert(!detail::TraitsOf<kMethod>::kReads,
                  "a turn is `Task<R> method(kelpie::Context&, ...)`");
    if (add<kMethod>()) {
      found_.push_back({std::string(name), kind, &detail::invoke_method<kMethod>, nullptr});
    } else if (wanted_ == typeid(detail::Tag<kMethod>)) {
      name_ = name;
    }
  }
  template <auto kMethod>
  static Result<Bytes> read(const detail::ActorBase& self, const void* state, ByteView arguments) {
    static_assert(std::is_same_v<typename detail::TraitsOf<kMethod>::State, typename A::StateType>,
                  "a read-only method takes the state of its actor");
    return detail::read_method<kMethod>(self, state, arguments);
  }

  std::vector<detail::Method> found_;
  std::type_index wanted_ = typeid(void);
  std::optional<std::string> name_;
};

}  // namespace kelpie
