// Inbox: messages that other actors' commits have left for an actor, taken one by one.
//
// A send is written straight into the recipient's inbox by the sender's own commit, under that
// commit's versionstamp: no conflict, no relay, in the order of commits. The same commit marks the
// recipient as due, so that no crash forgets it. A message is taken in a turn of the recipient that
// removes it: its effect and its removal are one commit (promise S15).
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actor/actor.h"
#include "actor/message.h"
#include "async/task.h"
#include "base/result.h"

namespace kelpie::actor {

// From inside a turn: sent by its commit, or not at all. The recipient is of a type with named
// methods that this runtime has. Errors: invalid_argument names what is wrong.
Result<void> send(Turn& turn, const ActorRef& to, Invocation what);

// What one turn of the recipient did about its inbox.
struct Delivery {
  bool empty = false;           // nothing was left
  Bytes message;                // its key, once its method was called
  std::optional<Error> failed;  // the method's own error
  Duration pause;               // until it may be tried again
  bool parked = false;
  std::optional<Bytes> cleared_later;  // a planted bug's
};

// Takes the first message, or removes the actor's mark in the queue of what is due if there is
// none. The body of a turn; `done` outlives it.
Task<void> take_message(Actor& actor, Turn& turn, std::shared_ptr<Delivery> done);
// After a message failed: counts it, and parks it when that was once too often.
Task<void> note_failure(Actor& actor, Turn& turn, std::shared_ptr<Delivery> done);

// In a turn of the actor: keeps what nobody will try again by itself, for operators to see.
void park_message(Turn& turn, const ParkedMessage& parked);

// For operators.
struct StoredMessage {
  Bytes stamp;  // names it in its inbox
  Message message;
};
struct StoredParked {
  Bytes stamp;
  ParkedMessage parked;
};
Task<std::vector<StoredMessage>> list_inbox(store::Transaction& transaction, ActorRef actor,
                                            size_t rows_max);
Task<std::vector<StoredParked>> list_parked(store::Transaction& transaction, ActorRef actor,
                                            size_t rows_max);
// Puts a parked message at the end of the inbox; not_found if it is not there.
Task<void> retry_parked(Turn& turn, Bytes stamp);
Task<void> drop_parked(Turn& turn, Bytes stamp);

}  // namespace kelpie::actor
