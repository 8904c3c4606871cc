// The words that the rest of the API uses.
//
// One thread: all of Kelpie's objects in a program belong to the one loop that `kelpie::run` runs,
// and are used on it alone. Nothing here blocks: what takes time is a Task, see async/task.h.
#pragma once

#include <string>
#include <string_view>

#include "actor/ref.h"
#include "actor/reminder.h"
#include "async/task.h"
#include "base/error.h"
#include "base/result.h"
#include "base/time.h"

namespace kelpie {

// Errors: a code that callers act on, and a message for people. `co_return kelpie::not_found("…");`
// in a method fails its turn: nothing of it happens. Not `aborted`, which runs the turn again.
using base::already_exists;
using base::failed_precondition;
using base::internal;
using base::invalid_argument;
using base::not_found;
using base::out_of_range;
using base::resource_exhausted;
using base::unavailable;

// `{type, ns, id}`: what names an actor. Limits: docs/guides/actors.md.
using actor::ActorRef;
// kAll, kOne or kNone of the times that a periodic reminder missed while nobody could keep them.
using actor::CatchUp;

// The namespace of handles that name none.
inline constexpr std::string_view kDefaultNamespace = "default";

// How a call is made.
struct CallOptions {
  // From now on, and more than zero. A call that has not been begun by then is not; one that runs
  // then is dropped, and nothing of it is written. At most kOnceKeptFor (24 h) in a session.
  Duration deadline = Duration::seconds(30);
  // Not empty: among all calls to one actor that carry this key at most one has an effect, and each
  // hears what that one answered; for 24 h, and whoever makes them. The same key with another
  // method or other arguments is `invalid_argument`. At most kOnceKeyBytesMax bytes.
  std::string idempotency_key;
};

}  // namespace kelpie
