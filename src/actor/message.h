// Message: what one actor's commit leaves in another's inbox; and one that was parked.
#pragma once

#include <string>

#include "actor/call.h"
#include "actor/ref.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"

namespace kelpie::actor {

struct Message {
  ActorRef from;
  Invocation what;
  WallTime sent;  // by the sender's clock

  [[nodiscard]] Bytes encode() const;
  // data_loss for anything that `encode` does not write.
  static Result<Message> decode(ByteView bytes);
  bool operator==(const Message&) const = default;
};

// A message, or a reminder, that has failed too often, with the last error.
struct ParkedMessage {
  Message message;
  std::string error;
  int64_t tries = 0;
  WallTime parked;

  [[nodiscard]] Bytes encode() const;
  static Result<ParkedMessage> decode(ByteView bytes);
  bool operator==(const ParkedMessage&) const = default;
};

// How often the first message of an inbox has failed.
struct MessageTries {
  Bytes stamp;  // of the message
  int64_t tries = 0;

  [[nodiscard]] Bytes encode() const;
  static Result<MessageTries> decode(ByteView bytes);
  bool operator==(const MessageTries&) const = default;
};

// How long to wait after so many failures, from 1.
Duration retry_pause(int64_t tries);

// In which shard of the queue of what is due an actor is. A constant of the data.
int64_t due_shard_of(const ActorRef& actor);

}  // namespace kelpie::actor
