// Turn: one attempt at one turn of an actor.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "actor/call.h"
#include "actor/ref.h"
#include "async/loop.h"
#include "async/scope.h"
#include "async/task.h"
#include "base/time.h"
#include "cluster/epoch_fence.h"
#include "store/database.h"
#include "world/world.h"

namespace kelpie::actor {

class Actor;
class Runtime;
class SessionCache;

// When a turn's transaction is fenced.
enum class Fencing : uint8_t {
  kAtOnce,  // before the body runs: the body may read
  kAtNeed,  // when the body asks to read, or at the commit, which then needs no round trip more
};

// What an attempt is made of; all of it outlives the turn.
struct TurnParts {
  World& world;
  Runtime& runtime;
  store::Transaction& transaction;
  cluster::EpochFence& fence;
  const ActorRef& self;
  const CallOptions& options;
  std::unique_ptr<SessionCache>& sessions;  // made when it is first asked for
  const cluster::Generation& generation;
};

// A turn may be attempted several times (a conflict is tried again), so its body is a function of
// its arguments and of what it reads; ids are made outside of it. Lives as long as the body's task.
class Turn {
 public:
  // Where the turn stands among those of its actor.
  struct Place {
    int64_t number = 0;   // see `number`
    uint64_t serial = 0;  // of the call: the same in each attempt at it, and no other call's
  };
  Turn(const TurnParts& parts, Place place, WallTime now)
      : parts_(parts), place_(place), now_(now) {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  // Everything read and written through it belongs to the turn. With Fencing::kAtNeed it is for
  // writing only until `reading` was awaited.
  [[nodiscard]] store::Transaction& transaction() { return parts_.transaction; }
  // The same, fenced, so that it may be read.
  Task<store::Transaction*> reading();

  [[nodiscard]] const ActorRef& self() const { return parts_.self; }
  [[nodiscard]] World& world() { return parts_.world; }
  [[nodiscard]] Runtime& runtime() { return parts_.runtime; }
  [[nodiscard]] const CallOptions& options() const { return parts_.options; }
  [[nodiscard]] SessionCache& sessions();
  // The fencing token of this ownership of the actor, for whatever is outside of the store.
  [[nodiscard]] const cluster::Generation& generation() const { return parts_.generation; }
  // Grows by at least one with each committed turn of this actor, over all its activations.
  [[nodiscard]] int64_t number() const { return place_.number; }
  // Of the call: the same in each attempt at it, and no other call's in this runtime's life.
  [[nodiscard]] uint64_t serial() const { return place_.serial; }
  // Names what this turn does, and nothing else's turn: equal however often it is tried, also by
  // another activation if what caused it is tried again (a call with a key, a message, a reminder).
  [[nodiscard]] Bytes cause() const;
  void set_cause(Bytes cause) { cause_ = std::move(cause); }
  // The next of the turn's own counts, from 0: the n-th message or nested call of each attempt has
  // the same.
  uint16_t next_message() { return messages_++; }
  [[nodiscard]] uint16_t messages() const { return messages_; }
  uint32_t next_call() { return calls_++; }
  // The time of day when the turn was first attempted, the same in each attempt; for records, never
  // for safety.
  [[nodiscard]] WallTime now() const { return now_; }

  // Runs on the loop after the commit and before the reply; never if the turn does not commit.
  void after_commit(async::Work work) { after_commit_.push_back(std::move(work)); }
  // The turn only reads: nothing is committed. What it read was true at one moment after the call.
  // Without effect in a turn inside of which another call ran: that may have written.
  void read_only() { read_only_ = !ran_inside_; }
  // The turn ends the actor: its own keys are cleared in the same commit, and it is deactivated.
  void destroy_actor() { destroys_ = true; }
  // From this commit on the actor answers operators alone, or everybody again.
  void pause_actor(bool paused) { pauses_ = paused; }
  // What the caller hears. The last one counts.
  void reply(Bytes bytes) { reply_ = std::move(bytes); }
  // Commits, whether or not the body said that it only reads.
  void commit_anyway() { read_only_ = false; }
  // A call that came back runs inside of this turn.
  void note_inside() {
    ran_inside_ = true;
    read_only_ = false;
  }
  [[nodiscard]] bool ran_inside() const { return ran_inside_; }
  // One of them began. What it writes before it fails cannot be told from the rest, so the turn
  // fails with it, and so it does when it ends before that call.
  void inside_begun() { ++inside_running_; }
  void inside_ended(std::optional<Error> error) {
    --inside_running_;
    if (error) {
      inside_error_ = std::move(error);
    }
  }
  // What the turn writes may as well be written twice, and the actor need not remember it: one that
  // has no head gets none, so that nothing of a destroyed actor comes back.
  void tidy_only() { tidies_ = true; }
  // Of the method that runs, for errors that name it.
  void set_method(std::string method) { method_ = std::move(method); }
  [[nodiscard]] const std::string& method() const { return method_; }

 private:
  friend class Activation;
  const TurnParts& parts_;
  Place place_;
  WallTime now_;
  bool fenced_ = false;
  bool fence_lost_ = false;
  std::optional<Error> reading_error_;
  bool read_only_ = false;
  bool ran_inside_ = false;
  std::optional<Error> inside_error_;
  int inside_running_ = 0;
  bool tidies_ = false;
  bool destroys_ = false;
  std::optional<bool> pauses_;
  uint16_t messages_ = 0;
  uint32_t calls_ = 0;
  Bytes reply_;
  std::string method_;
  Bytes cause_;
  std::vector<async::Work> after_commit_;
};

}  // namespace kelpie::actor
