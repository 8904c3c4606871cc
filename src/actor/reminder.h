// Reminder: a durable timer of an actor. It calls a method of the actor, at least once in effect
// exactly once: the effect and the reminder's removal, or its next time, are one commit (S14).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actor/actor.h"
#include "actor/call.h"
#include "async/task.h"
#include "base/result.h"
#include "base/time.h"

namespace kelpie::actor {

// What becomes of the times of a periodic reminder that passed while nobody could keep them.
enum class CatchUp : uint8_t {
  kAll,   // each is made up for, one after the other
  kOne,   // one call for all of them
  kNone,  // they are left out
};

// Late by more than this counts as missed, for CatchUp::kNone.
inline constexpr Duration kReminderGrace = Duration::seconds(10);
inline constexpr Duration kReminderPeriodMin = Duration::millis(10);
// So that no sum of a time and a period is too large.
inline constexpr Duration kReminderPeriodMax = Duration::hours(24 * 366 * 30);
inline constexpr WallTime kReminderTimeMax = WallTime::from_nanos(int64_t{1} << 62);

struct Reminder {
  std::string name;  // of this actor's reminders; 1 to kReminderNameBytesMax bytes
  WallTime due;
  Duration period;  // zero: once
  CatchUp catch_up = CatchUp::kOne;
  Invocation what;
  int64_t tries = 0;   // that failed, of the present time
  WallTime again;      // when it is tried again, if any failed
  int64_t set_by = 0;  // the number of the turn that set it

  // The time under which it waits in the queue of what is due.
  [[nodiscard]] WallTime waits_for() const { return tries > 0 ? again : due; }

  // Without the name, which is in the key.
  [[nodiscard]] Bytes encode() const;
  static Result<Reminder> decode(std::string name, ByteView bytes);
  bool operator==(const Reminder&) const = default;
};

// What a due reminder does. Pure.
struct Firing {
  bool call = false;
  std::optional<WallTime> next;  // nothing: it is done
};
// `now` is not before its time.
Firing decide_firing(const Reminder& reminder, WallTime now);

// From inside a turn: as of its commit, in place of a reminder of the same name. Errors:
// invalid_argument names what is wrong.
Task<void> set_reminder(Turn& turn, Reminder reminder);
// False: there was none. Once this turn has committed it does not fire any more.
Task<bool> cancel_reminder(Turn& turn, std::string name);

// What one turn did about a mark in the queue of what is due.
struct Fired {
  std::string name;
  int64_t due_micros = 0;  // of the mark
  bool not_yet = false;    // by this node's clock
  bool begun = false;      // its method was called
  std::optional<Error> failed;
  std::optional<Invocation> called_later;  // a planted bug's
};
// Fires the reminder, or removes a mark that is out of date. The body of a turn.
Task<void> fire_reminder(Actor& actor, Turn& turn, std::shared_ptr<Fired> done);
// After its method failed: it is tried again later; after too many tries a reminder that is for
// once is parked, and a periodic one goes on to its next time.
Task<void> note_firing_failed(Actor& actor, Turn& turn, std::shared_ptr<Fired> done);

Task<std::vector<Reminder>> list_reminders(store::Transaction& transaction, ActorRef actor,
                                           size_t rows_max);

}  // namespace kelpie::actor
