#include "kelpie/context.h"

#include <utility>

#include "actor/inbox.h"
#include "actor/method_call.h"
#include "actor/reminder.h"
#include "actor/turn.h"
#include "base/check.h"
#include "kelpie/actor.h"

namespace kelpie {

Context::Context(actor::Turn& turn, const detail::StateType& state_type,
                 std::shared_ptr<const void> committed)
    : turn_(turn),
      state_type_(state_type),
      committed_(std::move(committed)),
      kv_(turn, turn.self(), wrote_) {}

const ActorRef& Context::self() const { return turn_.self(); }
WallTime Context::now() const { return turn_.now(); }
std::optional<Instant> Context::deadline() const { return turn_.options().deadline; }

std::optional<Duration> Context::time_left() const {
  if (!turn_.options().deadline) {
    return std::nullopt;
  }
  return *turn_.options().deadline - turn_.world().loop.now();
}

Bytes Context::generation() const { return turn_.generation().get(); }
int64_t Context::turn_number() const { return turn_.number(); }

Result<void> Context::send_raw(ActorRef to, std::string method, Bytes arguments) {
  return actor::send(turn_, to, {std::move(method), std::move(arguments)});
}

Task<Bytes> Context::call_raw(ActorRef to, std::string method, Bytes arguments, CallOptions) {
  return actor::call_from_turn(turn_, std::move(to), {std::move(method), std::move(arguments)});
}

Task<void> Context::remind(std::string name, WallTime due, Duration period, CatchUp catch_up,
                           Result<std::string> method, Result<Bytes> arguments) {
  actor::Reminder reminder{.name = std::move(name),
                           .due = due,
                           .period = period,
                           .catch_up = catch_up,
                           .what = {co_await std::move(method), co_await std::move(arguments)}};
  wrote_ = true;
  co_return co_await actor::set_reminder(turn_, std::move(reminder)).result();
}

Task<bool> Context::cancel_reminder(std::string name) {
  const bool there = co_await actor::cancel_reminder(turn_, std::move(name));
  wrote_ = wrote_ || there;
  co_return there;
}

void Context::destroy() {
  wrote_ = true;
  destroyed_ = true;
  turn_.destroy_actor();
}

void* Context::mutable_state() {
  CHECK(!state_type_.none);
  if (!copy_) {
    copy_ = state_type_.copy(committed_.get());
  }
  return copy_.get();
}

const void* Context::seen_state() const { return copy_ ? copy_.get() : committed_.get(); }

}  // namespace kelpie
