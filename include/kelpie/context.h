// Context: what a method's turn can do besides changing the actor's state.
//
// A turn's effects leave together or not at all: state, keys, sends and reminders in one commit,
// and the reply only after it. A method that ends with an error has done nothing, but for the calls
// that it made. A turn may run again from its beginning (after a conflict), so outside effects
// belong before a send or behind an answer.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "async/task.h"
#include "base/bytes.h"
#include "base/result.h"
#include "kelpie/convert.h"
#include "kelpie/handle.h"
#include "kelpie/kv.h"
#include "kelpie/methods.h"
#include "kelpie/types.h"

namespace kelpie {

namespace detail {
class Host;
struct StateType;
}  // namespace detail

class Context;

// Another actor, seen from a turn.
template <class A>
class Peer {
 public:
  Peer(Context& context, ActorRef ref) : context_(context), ref_(std::move(ref)) {}

  [[nodiscard]] const ActorRef& ref() const { return ref_; }

  // Leaves with this turn's commit, or never: the method runs later, exactly once, in the order in
  // which this actor sent. Errors: `invalid_argument` for what cannot be sent.
  template <auto kMethod, class... Args>
  Result<void> send(Args&&... args) const;

  // Calls and waits. No part of this turn's atomicity: what the other commits stays if this turn
  // fails. It happens at most once however often this turn is attempted, and carries this turn's
  // deadline. `failed_precondition` naming the actors if it would wait for itself.
  template <auto kMethod, class... Args>
  Task<detail::ReplyOf<kMethod>> call(Args&&... args) const;

 private:
  Context& context_;
  ActorRef ref_;
};

struct Every {
  Duration period;                // at least 10 ms
  std::optional<WallTime> first;  // nothing: one period from now
  CatchUp catch_up = CatchUp::kOne;
};

// Lives as long as its turn's attempt.
class Context final : public Caller {
 public:
  Context(actor::Turn& turn, const detail::StateType& state_type,
          std::shared_ptr<const void> committed);
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  [[nodiscard]] const ActorRef& self() const;
  // The time of day when this attempt began: for records, never for safety.
  [[nodiscard]] WallTime now() const;
  // By when the turn must have ended, on the loop's monotonic clock; and how long that is from now.
  [[nodiscard]] std::optional<Instant> deadline() const;
  [[nodiscard]] std::optional<Duration> time_left() const;
  // The fencing token of this ownership of the actor: grows, and is never given twice. For systems
  // outside that refuse whoever comes with an older one.
  [[nodiscard]] Bytes generation() const;
  // Grows by at least one with each committed turn of this actor.
  [[nodiscard]] int64_t turn_number() const;

  [[nodiscard]] Kv& kv() { return kv_; }

  template <class A>
  [[nodiscard]] Peer<A> actor(std::string ns, std::string id) {
    return Peer<A>(*this, ActorRef{std::string(A::kType), std::move(ns), std::move(id)});
  }
  // In this actor's own namespace.
  template <class A>
  [[nodiscard]] Peer<A> actor(std::string id) {
    return actor<A>(self().ns, std::move(id));
  }
  // By name, with arguments as bytes; see Peer.
  Result<void> send_raw(ActorRef to, std::string method, Bytes arguments);
  // `options` are those of this turn: what is passed is ignored.
  Task<Bytes> call_raw(ActorRef to, std::string method, Bytes arguments,
                       CallOptions options) override;

  // Durable timers: they call a method of this actor, exactly once in effect, after this turn has
  // committed. One of the same name is replaced; 1 to 256 bytes. Due by the wall clock of the node
  // that keeps it.
  template <auto kMethod, class... Args>
  Task<void> remind_at(std::string name, WallTime due, Args&&... args) {
    return remind(std::move(name), due, Duration(), CatchUp::kOne,
                  Methods<detail::ActorOf<kMethod>>::template name_of<kMethod>(),
                  detail::encode_for<kMethod>(std::forward<Args>(args)...));
  }
  template <auto kMethod, class... Args>
  Task<void> remind_after(std::string name, Duration delay, Args&&... args) {
    return remind_at<kMethod>(std::move(name), now() + delay, std::forward<Args>(args)...);
  }
  template <auto kMethod, class... Args>
  Task<void> remind_every(std::string name, Every every, Args&&... args) {
    return remind(std::move(name), every.first.value_or(now() + every.period), every.period,
                  every.catch_up, Methods<detail::ActorOf<kMethod>>::template name_of<kMethod>(),
                  detail::encode_for<kMethod>(std::forward<Args>(args)...));
  }
  // False: there was none. Once this turn has committed it does not fire any more.
  Task<bool> cancel_reminder(std::string name);

  // With this turn's commit the actor loses its state, keys, messages and reminders, and is not
  // active any more. Whoever calls it later meets a new one.
  void destroy();

  // Use Actor::state and Actor::peek. The turn's own copy, made when it is first asked for; and
  // what the turn sees: that copy, or what is committed.
  [[nodiscard]] void* mutable_state();
  [[nodiscard]] const void* seen_state() const;

 private:
  friend class detail::Host;
  Task<void> remind(std::string name, WallTime due, Duration period, CatchUp catch_up,
                    Result<std::string> method, Result<Bytes> arguments);

  actor::Turn& turn_;
  const detail::StateType& state_type_;
  std::shared_ptr<const void> committed_;
  std::shared_ptr<void> copy_;
  bool wrote_ = false;
  bool destroyed_ = false;
  Kv kv_;
};

template <class A>
template <auto kMethod, class... Args>
Result<void> Peer<A>::send(Args&&... args) const {
  return context_.send_raw(ref_, TRY(Methods<A>::template name_of<kMethod>()),
                           TRY(detail::encode_for<kMethod>(std::forward<Args>(args)...)));
}

template <class A>
template <auto kMethod, class... Args>
Task<detail::ReplyOf<kMethod>> Peer<A>::call(Args&&... args) const {
  return detail::call_typed<detail::ReplyOf<kMethod>>(
      context_, ref_, Methods<A>::template name_of<kMethod>(),
      detail::encode_for<kMethod>(std::forward<Args>(args)...), CallOptions());
}

}  // namespace kelpie
