// Kelpie: virtual actors with durable state. Start with docs/guides/actors.md, or with the example
// in run.h.
#pragma once

#include "kelpie/actor.h"    // Actor<State>: the base of an actor type
#include "kelpie/context.h"  // Context: what a method can do
#include "kelpie/convert.h"  // which C++ types are arguments, replies and states
#include "kelpie/fields.h"   // KELPIE_FIELDS
#include "kelpie/handle.h"   // Handle: calls
#include "kelpie/json.h"     // Json, for migrations and raw calls
#include "kelpie/kv.h"       // Kv: an actor's own keys
#include "kelpie/methods.h"  // Methods: names of methods
#include "kelpie/node.h"     // Node
#include "kelpie/run.h"      // run: a whole program
#include "kelpie/session.h"  // Session: exactly once
#include "kelpie/types.h"    // ActorRef, CallOptions, Duration, Result, Task, ...
