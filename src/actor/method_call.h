// How methods with names are run: as turns of their own, and by the turns of other actors.
#pragma once

#include <memory>

#include "actor/actor.h"
#include "actor/call.h"
#include "actor/kind.h"
#include "async/task.h"
#include "base/result.h"

namespace kelpie::actor {

// invalid_argument names what is too long or missing.
Result<void> check_invocation(const ActorType& type, const Invocation& what,
                              const CallOptions& options);

// The body of a turn that runs one method, once if the call has a key.
TurnBody method_body(std::shared_ptr<const Invocation> what, MethodKind kind);

// From inside a turn: calls a method of another actor and waits for its answer. It is no part of
// this turn's atomicity: what the other commits stays if this turn fails. It is made at most once
// however often this turn is attempted. Carries this turn's deadline. Errors: the method's own;
// `failed_precondition` naming actors and methods if it would wait for itself, or if more than
// kCallDepthMax calls wait for each other.
Task<Bytes> call_from_turn(Turn& turn, ActorRef to, Invocation what);

}  // namespace kelpie::actor
