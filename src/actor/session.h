// Session: calls that happen exactly once, although their callers try again.
//
// A session numbers its calls, and makes one at a time to each actor, so that the actor keeps one
// record for the whole session (see once.h). A call whose fate is not known is made again with the
// same number: it happens then, or is answered as it was answered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "actor/call.h"
#include "actor/ref.h"
#include "async/semaphore.h"
#include "async/task.h"
#include "base/error.h"
#include "base/time.h"

namespace kelpie::actor {

class Runtime;

// What to do after an attempt at a call has failed. Pure.
class RetryPlan {
 public:
  explicit RetryPlan(Instant deadline) : deadline_(deadline) {}

  // Whether to try again, at `now` and `pause()` later. If not, `verdict` is what the caller hears.
  [[nodiscard]] bool again(const Error& error, Instant now);
  [[nodiscard]] Duration pause() const { return pause_; }
  // `unknown` if any attempt may have happened and the last one does not tell.
  [[nodiscard]] Error verdict(Error error) const;

 private:
  Instant deadline_;
  Duration pause_;
  bool undecided_ = false;
};

// One Loop. The runtime outlives it; it outlives its calls. A call that is dropped while it waits
// may have happened; the next one to that actor is made under the next number.
class Session {
 public:
  explicit Session(Runtime& runtime);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  // As Runtime::invoke, and `unknown`, `unavailable` and `aborted` are tried again until the
  // deadline (without one: for kDefaultDeadline). `unknown` then: it may have happened.
  // `invalid_argument` for a deadline beyond kOnceKeptFor, or a key: a session has its own.
  Task<Bytes> invoke(ActorRef actor, Invocation what, CallOptions options = {});
  static constexpr Duration kDefaultDeadline = Duration::seconds(30);

  // The key of its calls: not used by another session, ever.
  [[nodiscard]] const std::string& key() const { return key_; }
  // Actors that are being called now.
  [[nodiscard]] size_t busy() const { return lanes_.size(); }

 private:
  struct Lane;
  class Place;
  Task<Bytes> try_until(ActorRef actor, Invocation what, CallOptions options);

  Runtime& runtime_;
  std::string key_;
  int64_t last_number_ = 0;
  std::map<ActorRef, std::unique_ptr<Lane>> lanes_;
};

}  // namespace kelpie::actor
