// TallyNode: a node whose actors have named methods and enter each of their turns in a log, with
// the queue that serves their messages and reminders.
#pragma once

#include <string>

#include "actor/due_queue.h"
#include "actor/runtime.h"
#include "sim/explore/shared_store.h"
#include "sim/explore/small_node.h"
#include "sim/explore/small_run.h"

namespace kelpie::sim {

inline const actor::ActorRef kTally{"tally", "default", "a"};
inline const actor::ActorRef kTallySender{"tally", "default", "b"};

// Lives as long as its SmallRun, or until its machine has crashed. The queue is not started.
struct TallyNode {
  TallyNode(SmallRun& run, SharedStore& store, std::string machine, std::string name,
            actor::RuntimeOptions options);
  // From the node's loop: serves what is due until nothing is left that can happen at once.
  Task<void> serve();

  SmallNode node;
  actor::Runtime runtime;
  actor::DueQueue due;
};

// Each enters a word; a call answers how many there are then.
inline const actor::Invocation kEnter{"enter", "entered"};
inline const actor::Invocation kSendOne{"send", "sent"};  // a message to kTally, that enters `came`
inline const actor::Invocation kArm{"arm", "armed"};      // a reminder, due now: it enters `fired`
inline const actor::Invocation kCancel{"cancel", "cancelled"};  // that reminder

// The words of an actor's log, with spaces between.
Task<std::string> read_tally(store::Database& database, actor::ActorRef actor);

}  // namespace kelpie::sim
