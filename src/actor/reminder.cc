#include "actor/reminder.h"

#include <algorithm>
#include <utility>

#include "actor/due_queue.h"
#include "actor/inbox.h"
#include "actor/message.h"
#include "actor/method_call.h"
#include "actor/runtime.h"
#include "base/check.h"
#include "base/limits.h"
#include "codec/tuple.h"
#include "store/keys.h"
#include "store/range_stream.h"
#include "store/stored_tuple.h"
#include "world/faults.h"

namespace kelpie::actor {
namespace {

constexpr int64_t kFormat = 1;

// Marks have whole microseconds, so that what is due by its mark is due.
WallTime to_micros(WallTime time) {
  const int64_t up = (time.nanos() + 999) / 1'000;
  return WallTime::from_nanos(up * 1'000);
}

Bytes mark_of(const ActorRef& actor, int64_t micros, const std::string& name) {
  return store::keys::due(due_shard_of(actor), micros, actor.name(), name);
}

Result<void> check_reminder(Turn& turn, const Reminder& reminder) {
  if (reminder.name.empty() || reminder.name.size() > base::kReminderNameBytesMax) {
    return base::invalid_argument("a reminder's name has 1 to " +
                                  std::to_string(base::kReminderNameBytesMax) + " bytes, got " +
                                  std::to_string(reminder.name.size()));
  }
  if (reminder.due.nanos() < 0 || reminder.due > kReminderTimeMax) {
    return base::invalid_argument("a reminder's time is not before 1970 or after 2116");
  }
  if (reminder.period != Duration() &&
      (reminder.period < kReminderPeriodMin || reminder.period > kReminderPeriodMax)) {
    return base::invalid_argument("a reminder's period is zero, or " +
                                  std::to_string(kReminderPeriodMin.millis()) + " ms to " +
                                  std::to_string(kReminderPeriodMax.seconds()) + " s");
  }
  const auto type = turn.runtime().types().find(turn.self().type);
  CHECK(type != turn.runtime().types().end());
  TRY(check_invocation(type->second, reminder.what, CallOptions()));
  if (reminder.encode().size() > base::kActorMessageBytesMax) {
    return base::invalid_argument(
        "a reminder has at most " + std::to_string(base::kActorMessageBytesMax) +
        " bytes with its arguments, got " + std::to_string(reminder.encode().size()));
  }
  return kOk;
}

Task<std::optional<Reminder>> read_reminder(store::Transaction& transaction, ActorRef actor,
                                            std::string name) {
  auto stored = co_await transaction.get(store::keys::actor_reminder(actor.name(), name));
  if (!stored) {
    co_return std::optional<Reminder>();
  }
  co_return std::optional<Reminder>(co_await Reminder::decode(std::move(name), *stored));
}

void put_reminder(Turn& turn, const Reminder& reminder) {
  turn.transaction().set(store::keys::actor_reminder(turn.self().name(), reminder.name),
                         reminder.encode());
  turn.transaction().set(mark_of(turn.self(), reminder.waits_for().micros(), reminder.name), "");
  note_due(turn, due_shard_of(turn.self()), reminder.waits_for().micros());
}

void clear_reminder(Turn& turn, const Reminder& reminder) {
  turn.transaction().clear(store::keys::actor_reminder(turn.self().name(), reminder.name));
  turn.transaction().clear(mark_of(turn.self(), reminder.waits_for().micros(), reminder.name));
}

// In place of what is there: at its next time, or not at all.
void go_on(Turn& turn, Reminder reminder, std::optional<WallTime> next) {
  clear_reminder(turn, reminder);
  if (next) {
    reminder.due = to_micros(*next);
    reminder.tries = 0;
    put_reminder(turn, reminder);
  }
}

}  // namespace

Bytes Reminder::encode() const {
  return std::move(codec::TuplePacker()
                       .integer(kFormat)
                       .integer(due.nanos())
                       .integer(period.nanos())
                       .integer(static_cast<int64_t>(catch_up))
                       .string(what.method)
                       .bytes(what.arguments)
                       .integer(tries)
                       .integer(again.nanos())
                       .integer(set_by))
      .take();
}

Result<Reminder> Reminder::decode(std::string name, ByteView bytes) {
  auto elements = TRY(store::unpack_stored(bytes));
  const bool well_formed =
      elements.size() == 9 && elements[0].is_integer() && elements[0].number == kFormat &&
      elements[1].is_integer() && elements[2].is_integer() && elements[3].is_integer() &&
      elements[3].number >= 0 && elements[3].number <= static_cast<int64_t>(CatchUp::kNone) &&
      elements[4].is_string() && elements[5].is_bytes() && elements[6].is_integer() &&
      elements[7].is_integer() && elements[8].is_integer();
  if (!well_formed) {
    return base::data_loss("a reminder has an unknown format");
  }
  return Reminder{std::move(name),
                  WallTime::from_nanos(elements[1].number),
                  Duration::nanos(elements[2].number),
                  static_cast<CatchUp>(elements[3].number),
                  {elements[4].bytes, elements[5].bytes},
                  elements[6].number,
                  WallTime::from_nanos(elements[7].number),
                  elements[8].number};
}

Firing decide_firing(const Reminder& reminder, WallTime now) {
  CHECK(reminder.due <= now);
  if (reminder.period == Duration()) {
    return {.call = true};
  }
  const int64_t late = now.nanos() - reminder.due.nanos();
  const int64_t missed = late / reminder.period.nanos();
  const WallTime following = reminder.due + reminder.period;
  const WallTime future = reminder.due + reminder.period * (missed + 1);
  switch (reminder.catch_up) {
    case CatchUp::kAll:
      return {.call = true, .next = following};
    case CatchUp::kOne:
      return {.call = true, .next = future};
    case CatchUp::kNone:
      return {.call = late <= kReminderGrace.nanos(), .next = future};
  }
  return {};
}

Task<void> set_reminder(Turn& turn, Reminder reminder) {
  co_await check_reminder(turn, reminder);
  reminder.due = to_micros(reminder.due);
  reminder.tries = 0;
  reminder.set_by = turn.number();
  static_cast<void>(co_await cancel_reminder(turn, reminder.name));
  put_reminder(turn, reminder);
  co_return kOk;
}

Task<bool> cancel_reminder(Turn& turn, std::string name) {
  store::Transaction* transaction = co_await turn.reading();
  const auto before = co_await read_reminder(*transaction, turn.self(), std::move(name));
  if (before) {
    clear_reminder(turn, *before);
  }
  co_return before.has_value();
}

Task<void> fire_reminder(Actor& actor, Turn& turn, std::shared_ptr<Fired> done) {
  done->not_yet = false;
  done->begun = false;
  done->failed.reset();
  store::Transaction* transaction = co_await turn.reading();
  const auto reminder = co_await read_reminder(*transaction, turn.self(), done->name);
  if (!reminder || reminder->waits_for().micros() != done->due_micros) {
    // It was cancelled, or has another time by now.
    transaction->clear(mark_of(turn.self(), done->due_micros, done->name));
    turn.tidy_only();
    co_return kOk;
  }
  if (turn.now() < reminder->waits_for()) {
    done->not_yet = true;
    turn.read_only();
    co_return kOk;
  }
  const Firing firing = decide_firing(*reminder, turn.now());
  // Before the call, which may set or cancel it itself: that is the last word then.
  go_on(turn, *reminder, firing.next);
  if (!firing.call && reminder->tries == 0) {
    co_return kOk;
  }
  if (turn.world().faults.mutant("M18")) {
    done->called_later = reminder->what;
    co_return kOk;
  }
  done->begun = true;
  turn.set_method(reminder->what.method);
  // Of this setting of it and of this time, however often that is tried.
  turn.set_cause(mark_of(turn.self(), reminder->due.micros(), done->name) +
                 std::to_string(reminder->set_by));
  auto answered = co_await static_cast<MethodActor&>(actor)
                      .invoke(turn, std::make_shared<const Invocation>(reminder->what))
                      .result();
  if (!answered.ok()) {
    done->failed = answered.error();
    co_return std::move(answered).error();
  }
  turn.commit_anyway();
  co_return kOk;
}

Task<void> note_firing_failed(Actor&, Turn& turn, std::shared_ptr<Fired> done) {
  store::Transaction* transaction = co_await turn.reading();
  auto reminder = co_await read_reminder(*transaction, turn.self(), done->name);
  if (!reminder || reminder->waits_for().micros() != done->due_micros) {
    turn.read_only();
    co_return kOk;
  }
  const Reminder before = *reminder;
  ++reminder->tries;
  // The clock may have been set back since it fired: it is not before its time for that.
  const WallTime now = std::max(turn.now(), reminder->due);
  const bool again = reminder->tries < base::kMessageTriesMax &&
                     done->failed->code != Code::kNotFound &&
                     done->failed->code != Code::kInvalidArgument;
  if (again) {
    clear_reminder(turn, before);
    reminder->again = to_micros(now + retry_pause(reminder->tries));
    put_reminder(turn, *reminder);
    co_return kOk;
  }
  if (reminder->period == Duration()) {
    park_message(turn, {{turn.self(), reminder->what, reminder->due},
                        done->failed->to_string(),
                        reminder->tries,
                        turn.now()});
  }
  go_on(turn, before, decide_firing(before, now).next);
  co_return kOk;
}

Task<std::vector<Reminder>> list_reminders(store::Transaction& transaction, ActorRef actor,
                                           size_t rows_max) {
  store::RangeStream rows(transaction, {.range = store::keys::actor_reminders(actor.name())});
  std::vector<Reminder> reminders;
  while (reminders.size() < rows_max) {
    const std::optional<store::KeyValue> row = co_await rows.next();
    if (!row) {
      break;
    }
    auto elements = co_await store::unpack_stored(row->key);
    CHECK(!elements.empty());
    reminders.push_back(co_await Reminder::decode(std::move(elements.back().bytes), row->value));
  }
  co_return reminders;
}

}  // namespace kelpie::actor
