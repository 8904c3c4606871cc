// Handles: how actors are called.
#pragma once

#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "async/task.h"
#include "base/bytes.h"
#include "base/result.h"
#include "kelpie/convert.h"
#include "kelpie/methods.h"
#include "kelpie/types.h"

namespace kelpie {

// Who makes calls: a Node, a Session, or a turn. Outlives its handles and their tasks.
class Caller {
 public:
  // Calls a method by name, with its arguments as bytes: for a typed method a JSON array. Errors:
  // the method's own; `not_found` for a type or method that is not there; `invalid_argument` for
  // names or arguments that cannot be; `resource_exhausted`: too many calls wait, later;
  // `unavailable`: the store does not answer, another node owns the actor, or it is paused;
  // `deadline_exceeded`: nothing of it was written; `failed_precondition`: it would wait for
  // itself; `unknown`: nobody can say whether it happened (a Session tells).
  virtual Task<Bytes> call_raw(ActorRef actor, std::string method, Bytes arguments,
                               CallOptions options) = 0;

 protected:
  ~Caller() = default;
};

namespace detail {

template <class R>
Task<R> call_typed(Caller& caller, ActorRef actor, Result<std::string> method,
                   Result<Bytes> arguments, CallOptions options) {
  std::string name = co_await std::move(method);
  Bytes bytes = co_await std::move(arguments);
  const Bytes reply = co_await caller.call_raw(std::move(actor), std::move(name), std::move(bytes),
                                               std::move(options));
  if constexpr (std::is_void_v<R>) {
    co_return kOk;
  } else {
    auto value = decode_value<R>(reply);
    if (!value.ok()) {
      co_return std::move(value).error().with_context("the reply");
    }
    co_return std::move(value).value();
  }
}

// Converts to the method's own parameter types first, so that a wrong argument does not compile.
template <auto kMethod, class... Args>
Result<Bytes> encode_for(Args&&... args) {
  static_assert(sizeof...(Args) == std::tuple_size_v<ArgumentsOf<kMethod>>,
                "the method has another number of arguments");
  return encode_arguments(ArgumentsOf<kMethod>(std::forward<Args>(args)...));
}

}  // namespace detail

// Names one actor of type A; cheap to copy. Holding one keeps nothing active.
template <class A>
class Handle {
 public:
  Handle(Caller& caller, ActorRef ref, CallOptions options = {})
      : caller_(&caller), ref_(std::move(ref)), options_(std::move(options)) {}

  [[nodiscard]] const ActorRef& ref() const { return ref_; }
  // The same with other options.
  [[nodiscard]] Handle with(CallOptions options) const {
    return Handle(*caller_, ref_, std::move(options));
  }

  // `co_await counter.call<&Counter::add>(2)`. Errors: see Caller. A call may have happened
  // although its caller was told `unknown`, or was dropped while it waited.
  template <auto kMethod, class... Args>
  Task<detail::ReplyOf<kMethod>> call(Args&&... args) const {
    return detail::call_typed<detail::ReplyOf<kMethod>>(
        *caller_, ref_, Methods<A>::template name_of<kMethod>(),
        detail::encode_for<kMethod>(std::forward<Args>(args)...), options_);
  }

 private:
  Caller* caller_;
  ActorRef ref_;
  CallOptions options_;
};

}  // namespace kelpie
