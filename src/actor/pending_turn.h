// PendingTurn: a call in a mailbox, shared by the one who waits and the one who runs it.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "actor/actor.h"
#include "actor/call.h"
#include "async/event.h"
#include "async/scope.h"
#include "base/check.h"
#include "base/result.h"

namespace kelpie::actor {

struct PendingTurn {
  PendingTurn(Loop& loop, TurnBody turn_body, Fencing turn_fencing, CallOptions turn_options)
      : body(std::move(turn_body)),
        fencing(turn_fencing),
        options(std::move(turn_options)),
        done(loop) {}
  void finish(Result<void> turn_result) {
    CHECK(!result.has_value());
    result.emplace(std::move(turn_result));
    done.set();
  }
  TurnBody body;
  Fencing fencing;
  CallOptions options;
  std::optional<uint64_t> serial;  // given with its first attempt
  std::optional<WallTime> now;     // when its body was first run
  bool begun = false;              // its body runs, or what it did is being committed
  // A call ran inside of an attempt at it. Its caller was answered, and answers a repetition
  // without making that call again; so another attempt would lose what it did here.
  bool ran_inside = false;
  Bytes reply;
  std::optional<Result<void>> result;
  async::Event done;
};

// A turn whose body runs, for calls that come back to it.
struct RunningTurn {
  Actor& actor;
  Turn& turn;
  // Ends with the attempt: what runs inside of the turn goes with it.
  Scope& inside;
};

}  // namespace kelpie::actor
