#include "actor/due_queue.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "actor/inbox.h"
#include "actor/reminder.h"
#include "actor/runtime.h"
#include "async/select.h"
#include "async/sleep.h"
#include "codec/tuple.h"
#include "store/keys.h"
#include "store/stored_tuple.h"
#include "world/clock.h"
#include "world/faults.h"
#include "world/log.h"

namespace kelpie::actor {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
constexpr int64_t kAtOnce = 0;
constexpr size_t kRowsAtOnce = 512;
constexpr size_t kPlacesAtOnce = 512;
// The wall clock may be set: so often it is looked at, whatever the timer says.
constexpr Duration kClockLook = Duration::seconds(1);
constexpr Duration kPutOff = Duration::seconds(1);
constexpr Duration kScanAgain = Duration::millis(100);
// What one actor takes before others have their turn again.
constexpr int kMessagesInARow = 100;

Task<void> wait_for(async::Event& event) {
  co_await event.wait();
  co_return kOk;
}

// The message is not to blame: a node has died, the store is away, somebody is overloaded.
bool passes_by_itself(Code code) {
  return code == Code::kUnavailable || code == Code::kAborted || code == Code::kUnknown ||
         code == Code::kResourceExhausted || code == Code::kCancelled;
}

// Whether the method, or what it has written, is to blame: it would be so again.
bool fails_again(Code code) {
  return code == Code::kDeadlineExceeded || code == Code::kInvalidArgument;
}

Task<void> clear_taken(Actor&, Turn& turn, Bytes key) {
  turn.transaction().clear(std::move(key));
  co_return kOk;
}

Task<void> call_later(Actor& actor, Turn& turn, Invocation what) {
  static_cast<void>(co_await static_cast<MethodActor&>(actor).invoke(
      turn, std::make_shared<const Invocation>(std::move(what))));
  turn.commit_anyway();
  co_return kOk;
}

}  // namespace

void note_due(Turn& turn, int64_t shard, int64_t micros) {
  // The queue of that time may be gone when the turn has committed.
  turn.after_commit([&runtime = turn.runtime(), shard, micros] {
    if (DueQueue* due = runtime.due()) {
      due->note(shard, micros);
    }
  });
}

DueQueue::DueQueue(World& world, Runtime& runtime, DueOptions options)
    : world_(world),
      runtime_(runtime),
      options_(std::move(options)),
      changed_(world.loop),
      permits_(world.loop, options_.serving_max),
      scope_(world.loop, [&world](const Error& error) {
        world.log.warn("serving what is due failed", {{"error", error.to_string()}});
      }) {
  runtime_.serve_due(this);
}

DueQueue::~DueQueue() { runtime_.serve_due(nullptr); }

void DueQueue::start() { scope_.spawn(run()); }

Task<void> DueQueue::stop() {
  stopping_ = true;
  changed_.set();
  co_await scope_.drain();
  co_return kOk;
}

void DueQueue::note(int64_t shard, int64_t micros) {
  look_at(shard, micros);
  changed_.set();
}

void DueQueue::look_at(int64_t shard, int64_t micros) {
  int64_t& next = next_.at(static_cast<size_t>(shard));
  next = std::min(next, micros);
}

Task<void> DueQueue::run() {
  while (!stopping_) {
    changed_.clear();
    const int64_t now = world_.clock.wall().micros();
    if (now < last_wall_) {
      // What was to be looked at by the time that the clock showed before.
      std::fill(next_.begin(), next_.end(), kAtOnce);
    }
    last_wall_ = now;
    forget_what_is_not_held();
    for (int64_t shard = 0; shard < base::kDueShards && !stopping_; ++shard) {
      if (next_.at(static_cast<size_t>(shard)) > now) {
        continue;
      }
      auto scanned = co_await scan(shard, now).result();
      if (!scanned.ok()) {
        world_.log.warn("what is due could not be read", {{"error", scanned.error().to_string()}});
        look_at(shard, now + kScanAgain.micros());
      }
    }
    if (!stopping_) {
      co_await wait_for_work();
    }
  }
  co_return kOk;
}

Task<void> DueQueue::wait_for_work() {
  const int64_t now = world_.clock.wall().micros();
  const int64_t next = *std::min_element(next_.begin(), next_.end());
  Duration pause = std::min(kClockLook, options_.poll > Duration() ? options_.poll : kClockLook);
  if (next != kNever) {
    pause = std::min(pause, Duration::micros(std::max<int64_t>(0, next - now)));
  }
  static_cast<void>(co_await async::timeout(world_.loop, pause, wait_for(changed_)).result());
  if (options_.poll > Duration() && world_.loop.now() - polled_ >= options_.poll) {
    // What others have written this loop was not told of.
    polled_ = world_.loop.now();
    std::fill(next_.begin(), next_.end(), kAtOnce);
  }
  co_return kOk;
}

Task<void> DueQueue::scan(int64_t shard, int64_t now_micros) {
  ++counters_.scans;
  next_.at(static_cast<size_t>(shard)) = kNever;
  const auto transaction = runtime_.database().begin();
  store::RangeRead read{.range = store::keys::due_shard(shard),
                        .rows_max = kRowsAtOnce,
                        .isolation = store::Isolation::kSnapshot};
  std::map<Place, std::vector<Mark>> due;
  for (;;) {
    store::RangePage page = co_await transaction->get_range(read);
    if (!sort_out(shard, now_micros, page.rows, due) || !page.more) {
      break;
    }
    if (due.size() >= kPlacesAtOnce) {
      look_at(shard, now_micros + kScanAgain.micros());
      break;
    }
    // However many marks are held back, those behind them are found.
    read.range = std::move(page.next);
  }
  for (auto& [place, marks] : due) {
    serving_[place] = std::nullopt;
    scope_.spawn(serve(std::move(marks)));
  }
  co_return kOk;
}

bool DueQueue::sort_out(int64_t shard, int64_t now_micros, const std::vector<store::KeyValue>& rows,
                        std::map<Place, std::vector<Mark>>& due) {
  for (const store::KeyValue& row : rows) {
    Result<Mark> read = read_mark(row);
    if (!read.ok()) {
      // The others of its shard are not held up by it.
      world_.log.warn("a mark is passed over", {{"error", read.error().to_string()}});
      continue;
    }
    Mark mark = std::move(read).value();
    if (mark.micros > now_micros) {
      look_at(shard, mark.micros);
      return false;
    }
    if (options_.lives_here && !options_.lives_here(mark.place.actor)) {
      continue;
    }
    if (const auto until = held_back(mark.place, now_micros)) {
      look_at(shard, *until);
      continue;
    }
    due[mark.place].push_back(std::move(mark));
  }
  return true;
}

Result<DueQueue::Mark> DueQueue::read_mark(const store::KeyValue& row) {
  auto elements = TRY(store::unpack_stored(row.key));
  // kelpie, due, shard, microseconds, type, namespace, id, name
  if (elements.size() != 8 || !elements[3].is_integer()) {
    return base::data_loss("a mark in the queue of what is due has an unknown format");
  }
  return Mark{{{elements[4].bytes, elements[5].bytes, elements[6].bytes}, elements[7].bytes},
              elements[3].number};
}

std::optional<int64_t> DueQueue::held_back(const Place& place, int64_t now_micros) const {
  const auto held = serving_.find(place);
  if (held == serving_.end()) {
    return std::nullopt;
  }
  if (!held->second) {
    // It looks at its shard again when it ends.
    return kNever;
  }
  const Duration left = *held->second - world_.loop.now();
  return left > Duration() ? std::optional(now_micros + left.micros() + 1) : std::nullopt;
}

// Of what another node serves this one would never hear again.
void DueQueue::forget_what_is_not_held() {
  const Instant now = world_.loop.now();
  if (now - forgot_ < kPutOff) {
    return;
  }
  forgot_ = now;
  std::erase_if(serving_, [now](const auto& held) { return held.second && *held.second <= now; });
}

Task<void> DueQueue::serve(std::vector<Mark> marks) {
  const Place place = marks.front().place;
  const auto permit = co_await permits_.acquire();
  Duration pause = kPutOff;
  if (!stopping_) {
    const Result<Duration> served = place.name.empty()
                                        ? co_await serve_inbox(place.actor).result()
                                        : co_await serve_reminder(marks.front()).result();
    pause = served.ok() ? *served : kPutOff;
  }
  if (pause > Duration()) {
    serving_[place] = world_.loop.now() + pause;
  } else {
    serving_.erase(place);
  }
  note(due_shard_of(place.actor), world_.clock.wall().micros() + pause.micros());
  co_return kOk;
}

CallOptions DueQueue::options() const {
  return CallOptions{.deadline = world_.loop.now() + options_.message_deadline};
}

Task<bool> DueQueue::owned_elsewhere(ActorRef actor) {
  if (options_.poll == Duration() || runtime_.residents().find(actor)) {
    co_return false;
  }
  const auto owner = co_await runtime_.ownership().placement(actor.name());
  co_return owner.has_value() && owner->owner.node != world_.self.get();
}

Task<Duration> DueQueue::serve_inbox(ActorRef actor) {
  if (!runtime_.has_type(actor.type) || co_await owned_elsewhere(actor)) {
    co_return kPutOff;
  }
  auto done = std::make_shared<Delivery>();
  const TurnBody take = [done](Actor& self, Turn& turn) { return take_message(self, turn, done); };
  for (int taken = 0; taken < kMessagesInARow && !stopping_; ++taken) {
    // A turn that is refused says nothing of the message before.
    done->message.clear();
    done->failed.reset();
    auto answered = co_await runtime_.run(actor, take, options(), Fencing::kAtNeed).result();
    if (answered.ok() && done->cleared_later) {
      const Bytes key = *std::exchange(done->cleared_later, std::nullopt);
      co_await runtime_.run(
          actor, [key](Actor& self, Turn& turn) { return clear_taken(self, turn, key); }, options(),
          Fencing::kAtNeed);
    }
    if (answered.ok()) {
      if (done->empty) {
        co_return Duration();
      }
      ++counters_.messages;
      continue;
    }
    if (!done->failed && !done->message.empty() && fails_again(answered.error().code)) {
      done->failed = answered.error();
    }
    if (!done->failed || passes_by_itself(done->failed->code)) {
      // The store, the fence, a pause: the message itself was not tried, or is not to blame.
      co_return kPutOff;
    }
    ++counters_.failures;
    world_.log.warn("a message failed",
                    {{"actor", actor.to_string()}, {"error", done->failed->to_string()}});
    co_await runtime_.run(
        actor, [done](Actor& self, Turn& turn) { return note_failure(self, turn, done); },
        options(), Fencing::kAtNeed);
    if (!done->parked) {
      // What is sent meanwhile waits behind it.
      co_return done->pause;
    }
  }
  co_return Duration();
}

Task<Duration> DueQueue::serve_reminder(Mark mark) {
  const ActorRef actor = mark.place.actor;
  if (!runtime_.has_type(actor.type) || co_await owned_elsewhere(actor)) {
    co_return kPutOff;
  }
  auto done = std::make_shared<Fired>();
  done->name = mark.place.name;
  done->due_micros = mark.micros;
  auto answered =
      co_await runtime_
          .run(
              actor, [done](Actor& self, Turn& turn) { return fire_reminder(self, turn, done); },
              options(), Fencing::kAtNeed)
          .result();
  if (answered.ok() && done->called_later) {
    const Invocation what = *std::exchange(done->called_later, std::nullopt);
    co_await runtime_.run(
        actor, [what](Actor& self, Turn& turn) { return call_later(self, turn, what); }, options(),
        Fencing::kAtNeed);
  }
  if (answered.ok()) {
    counters_.reminders += done->begun ? 1 : 0;
    co_return done->not_yet ? kPutOff : Duration();
  }
  if (!done->failed && done->begun && fails_again(answered.error().code)) {
    done->failed = answered.error();
  }
  if (!done->failed || passes_by_itself(done->failed->code)) {
    co_return kPutOff;
  }
  ++counters_.failures;
  world_.log.warn("a reminder failed", {{"actor", actor.to_string()},
                                        {"reminder", done->name},
                                        {"error", done->failed->to_string()}});
  co_await runtime_.run(
      actor, [done](Actor& self, Turn& turn) { return note_firing_failed(self, turn, done); },
      options(), Fencing::kAtNeed);
  co_return Duration();
}

}  // namespace kelpie::actor
