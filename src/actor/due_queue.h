// DueQueue: serves what is due on this loop: messages in inboxes, and reminders.
//
// The queue is in the store, sharded, in the order of time. What a crash leaves there is found by
// whoever scans it next; what waits for a later time costs nothing. On a store that others write
// too every node scans all shards, and leaves what another live node owns to that node.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actor/call.h"
#include "actor/ref.h"
#include "actor/turn.h"
#include "async/event.h"
#include "async/scope.h"
#include "async/semaphore.h"
#include "async/task.h"
#include "base/limits.h"
#include "base/time.h"
#include "store/database.h"
#include "world/world.h"

namespace kelpie::actor {

class Runtime;

struct DueOptions {
  // How often to look for what other nodes have written; zero: nobody else writes this store.
  Duration poll;
  // Whether an actor lives on this loop; none: all do.
  std::function<bool(const ActorRef&)> lives_here;
  size_t serving_max = 256;  // actors at once
  Duration message_deadline = Duration::seconds(30);
};

struct DueCounters {
  uint64_t messages = 0;   // taken
  uint64_t reminders = 0;  // fired
  uint64_t failures = 0;   // of either
  uint64_t scans = 0;      // of one shard
};

// One Loop. The runtime outlives it; destroying it drops what it does where it stands.
class DueQueue {
 public:
  DueQueue(World& world, Runtime& runtime, DueOptions options);
  ~DueQueue();
  DueQueue(const DueQueue&) = delete;
  DueQueue& operator=(const DueQueue&) = delete;

  // Once, after the node has joined.
  void start();
  // Nothing is begun any more; ends when what was begun has ended.
  Task<void> stop();
  // A commit has made something in this shard due at this time.
  void note(int64_t shard, int64_t micros);

  [[nodiscard]] const DueCounters& counters() const { return counters_; }

 private:
  // What one actor has to do, under one name: its inbox under the empty one.
  struct Place {
    ActorRef actor;
    std::string name;
    auto operator<=>(const Place&) const = default;
  };
  struct Mark {
    Place place;
    int64_t micros = 0;
  };

  Task<void> run();
  // Begins what is due in the shard, and finds out when the next is.
  Task<void> scan(int64_t shard, int64_t now_micros);
  Task<void> wait_for_work();
  static Result<Mark> read_mark(const store::KeyValue& row);
  // What of these rows is due, by place. False: nothing behind them is.
  bool sort_out(int64_t shard, int64_t now_micros, const std::vector<store::KeyValue>& rows,
                std::map<Place, std::vector<Mark>>& due);
  // What keeps this from being begun now, if something does: when to look again.
  [[nodiscard]] std::optional<int64_t> held_back(const Place& place, int64_t now_micros) const;
  void forget_what_is_not_held();
  Task<void> serve(std::vector<Mark> marks);
  // Both yield for how long not to look again; zero: look at once.
  Task<Duration> serve_inbox(ActorRef actor);
  Task<Duration> serve_reminder(Mark mark);
  Task<bool> owned_elsewhere(ActorRef actor);
  [[nodiscard]] CallOptions options() const;
  void look_at(int64_t shard, int64_t micros);

  World& world_;
  Runtime& runtime_;
  DueOptions options_;
  DueCounters counters_;
  // When the first thing in each shard is due, as far as is known: in microseconds of wall time.
  std::array<int64_t, base::kDueShards> next_{};
  // What is being served: nothing; and what is put off: until when, which no step of the wall clock
  // makes longer.
  std::map<Place, std::optional<Instant>> serving_;
  int64_t last_wall_ = 0;  // microseconds
  Instant polled_;
  Instant forgot_;
  bool stopping_ = false;
  async::Event changed_;
  async::Semaphore permits_;
  Scope scope_;
};

// From inside a turn: once it has committed, its runtime's queue knows.
void note_due(Turn& turn, int64_t shard, int64_t micros);

}  // namespace kelpie::actor
