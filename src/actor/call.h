// What a call to an actor carries besides what it asks for.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "actor/ref.h"
#include "base/bytes.h"
#include "base/time.h"

namespace kelpie::actor {

// A method of an actor, by name, and its arguments as bytes. The name has 1 to
// kActorMethodBytesMax bytes.
struct Invocation {
  std::string method;
  Bytes arguments;
  bool operator==(const Invocation&) const = default;
};

// Exactly once: among all calls to one actor that carry the same key, at most one has an effect,
// and each hears what that one answered. Kept for kOnceKeptFor.
struct Once {
  // Chosen by the caller: 1 to kOnceKeyBytesMax bytes.
  std::string key;
  // Of a caller that numbers its calls under one key, from 1, and makes one at a time: a higher
  // number is a new call, a lower one is refused. Always 0 for a key that is used for one call.
  int64_t sequence = 0;
  bool operator==(const Once&) const = default;
};

// Which actors wait for this call, the nearest first. Immutable.
struct CallChain {
  ActorRef actor;
  std::string method;
  uint64_t serial = 0;  // of the turn that waits; see Turn::serial
  int depth = 1;        // of this link, counted from the first caller; at most kCallDepthMax
  std::shared_ptr<const CallChain> caller;
};

enum class CallOrigin : uint8_t {
  kCaller,
  kOperator,  // is also answered by an actor that is paused
};

struct CallOptions {
  // On the loop's clock. A call that has not been begun by then is not; one that runs is dropped,
  // and nothing of it is written. What is being committed is waited for.
  std::optional<Instant> deadline;
  std::optional<Once> once;
  std::shared_ptr<const CallChain> chain;
  CallOrigin origin = CallOrigin::kCaller;
};

}  // namespace kelpie::actor
