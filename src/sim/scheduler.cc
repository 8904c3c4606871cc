#include "sim/scheduler.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/check.h"

namespace kelpie::sim {
namespace {

// Fresh chains draw above this, demoted ones sit below it.
constexpr uint64_t kDemotedPriorityMax = 1'000;

}  // namespace

std::string_view policy_name(Policy policy) {
  switch (policy) {
    case Policy::kFifo:
      return "fifo";
    case Policy::kUniform:
      return "uniform";
    case Policy::kHostUniform:
      return "host-uniform";
    case Policy::kPct:
      return "pct";
  }
  return "?";
}

void SimLoop::post(async::Work work) {
  scheduler_.check_caller(*this, "post");
  post_from_thread(std::move(work));
}

void SimLoop::post_from_thread(async::Work work) {
  if (open_) {
    scheduler_.make_ready(*this, std::move(work));
  }
}

int64_t LocalTime::when(int64_t local_ns) const {
  const int64_t elapsed = local_ns - origin_ns;
  if (drift_ppm == 0) {
    return elapsed;
  }
  auto simulated =
      static_cast<int64_t>(static_cast<__int128>(elapsed) * 1'000'000 / (1'000'000 + drift_ppm));
  // Rounding has left it a nanosecond or two beside the mark.
  while (simulated > 0 && at(simulated - 1) >= local_ns) {
    --simulated;
  }
  while (at(simulated) < local_ns) {
    ++simulated;
  }
  return simulated;
}

Instant SimLoop::now() const { return Instant::from_nanos(time_.at(scheduler_.now_ns_)); }

async::TimerId SimLoop::start_timer(Instant due, async::Work work) {
  scheduler_.check_caller(*this, "start_timer");
  const async::TimerId id(++scheduler_.sequence_);
  if (!open_) {
    return id;
  }
  const TimerKey key(time_.when(due.nanos()), id.get());
  timers_.emplace(key, std::move(work));
  timer_keys_.emplace(id, key);
  scheduler_.waiting_.emplace(key, this);
  if (timers_.size() > scheduler_.options_.timers_max) {
    scheduler_.trip(
        fmt::format("{} has more than {} timers", label_, scheduler_.options_.timers_max));
  }
  return id;
}

void SimLoop::cancel_timer(async::TimerId timer) {
  const auto found = timer_keys_.find(timer);
  if (found == timer_keys_.end()) {
    return;
  }
  const TimerKey key = found->second;
  timer_keys_.erase(found);
  scheduler_.waiting_.erase(key);
  // Out of the map first: destroying the work may come back here.
  auto node = timers_.extract(key);
}

void SimLoop::close_gate() {
  shut_gate();
  for (const auto& [key, work] : timers_) {
    scheduler_.waiting_.erase(key);
  }
  timer_keys_.clear();
  std::map<TimerKey, async::Work> timers = std::exchange(timers_, {});
  std::vector<Scheduler::Item> dropped;
  std::vector<Scheduler::Item> kept;
  for (Scheduler::Item& item : scheduler_.ready_) {
    (item.loop == this ? dropped : kept).push_back(std::move(item));
  }
  scheduler_.ready_ = std::move(kept);
  const auto still = scheduler_.still_.find(host_);
  if (still != scheduler_.still_.end()) {
    for (Scheduler::Item& item : std::exchange(still->second.waiting, {})) {
      (item.loop == this ? dropped : still->second.waiting).push_back(std::move(item));
    }
  }
}

void SimLoop::run_pending() {
  constexpr int kRoundsMax = 64;
  for (int round = 0; round < kRoundsMax; ++round) {
    std::vector<Scheduler::Item> mine;
    std::vector<Scheduler::Item> kept;
    for (Scheduler::Item& item : scheduler_.ready_) {
      (item.loop == this && item.work ? mine : kept).push_back(std::move(item));
    }
    scheduler_.ready_ = std::move(kept);
    if (mine.empty()) {
      return;
    }
    for (Scheduler::Item& item : mine) {
      scheduler_.run_nested(std::move(item));
    }
  }
}

size_t SimLoop::queued() const {
  return static_cast<size_t>(std::ranges::count_if(
      scheduler_.ready_, [this](const Scheduler::Item& item) { return item.loop == this; }));
}

void SimLoop::run_due_timer() {
  // The contract is order of (due, creation), whatever the scheduler's policy; one that was
  // cancelled after it became due leaves a turn without work.
  if (timers_.empty() || timers_.begin()->first.first > scheduler_.now_ns_) {
    return;
  }
  auto node = timers_.extract(timers_.begin());
  timer_keys_.erase(async::TimerId(node.key().second));
  // An entry in `waiting_` that is not yet released stays: a timer that came in front of one
  // already released has taken its turn, and that one needs the turn of this.
  node.mapped()();
}

Scheduler::Scheduler(Choices& choices, Trace& trace, SchedulerOptions options)
    : trace_(trace),
      options_(options),
      order_(choices.stream("schedule/order")),
      ticks_(choices.stream("schedule/tick")),
      priorities_(choices.stream("schedule/priority")),
      origins_(choices.stream("schedule/origin")) {
  loops_.push_back(std::unique_ptr<SimLoop>(new SimLoop(*this, HostId(0), "sim", LocalTime())));
  if (options_.policy == Policy::kPct) {
    for (uint64_t i = 0; i < options_.pct_depth; ++i) {
      demotions_.insert(priorities_.choose(options_.pct_span_events));
    }
  }
}

Scheduler::~Scheduler() {
  for (const auto& loop : loops_) {
    loop->close_gate();
  }
}

SimLoop& Scheduler::add_loop(HostId host, std::string_view name, Incarnation incarnation,
                             int64_t drift_ppm) {
  CHECK(host.get() > 0);
  CHECK(drift_ppm > -1'000'000 && drift_ppm < 1'000'000);
  const LocalTime time{.origin_ns = origins_.between(int64_t{1'000}, int64_t{1'000'000'000'000}),
                       .drift_ppm = drift_ppm};
  loops_.push_back(std::unique_ptr<SimLoop>(
      new SimLoop(*this, host, fmt::format("{}#{}", name, incarnation.get()), time)));
  return *loops_.back();
}

SimLoop& Scheduler::add_loop_beside(const SimLoop& first, std::string_view name,
                                    Incarnation incarnation) {
  loops_.push_back(std::unique_ptr<SimLoop>(
      new SimLoop(*this, first.host_, fmt::format("{}#{}", name, incarnation.get()), first.time_)));
  return *loops_.back();
}

void Scheduler::trip(std::string what) {
  if (tripped_.empty()) {
    tripped_ = std::move(what);
  }
}

void Scheduler::check_caller(const SimLoop& called, std::string_view what) {
  const bool stray = running_ != nullptr && running_ != &called && running_->host_ == called.host_;
  if (stray && called.open_ && running_->open_) {
    trip(fmt::format("{} calls {} of {}, which only that loop may", running_->label(), what,
                     called.label()));
  }
}

void Scheduler::make_ready(SimLoop& loop, async::Work work) {
  put(Item{++sequence_, &loop, std::move(work), new_priority()});
}

void Scheduler::put(Item item) {
  const auto still = still_.find(item.loop->host_);
  const bool waits = still != still_.end() && still->second.pauses > 0;
  std::vector<Item>& queue = waits ? still->second.waiting : ready_;
  queue.push_back(std::move(item));
  if (queue.size() > options_.ready_max) {
    trip(fmt::format("more than {} pieces of work {}", options_.ready_max,
                     waits ? "wait for " + queue.back().loop->label() : "are ready"));
  }
}

void Scheduler::pause(HostId host) {
  Still& still = still_[host];
  if (still.pauses++ > 0) {
    return;
  }
  std::vector<Item> others;
  for (Item& item : ready_) {
    (item.loop->host_ == host ? still.waiting : others).push_back(std::move(item));
  }
  ready_ = std::move(others);
}

size_t Scheduler::resume(HostId host) {
  Still& still = still_.at(host);
  CHECK(still.pauses > 0);
  if (--still.pauses > 0) {
    return 0;
  }
  std::vector<Item> waited = std::exchange(still.waiting, {});
  const size_t count = waited.size();
  for (Item& item : waited) {
    ready_.push_back(std::move(item));
  }
  return count;
}

void Scheduler::slow_down(HostId host, Duration by, std::function<void()> felt) {
  Still& still = still_[host];
  still.slowness = by;
  still.slowness_felt = std::move(felt);
}

void Scheduler::be_slow(HostId host) {
  const auto still = still_.find(host);
  if (still == still_.end() || still->second.slowness == Duration()) {
    return;
  }
  pause(host);
  system().start_timer(system().now() + still->second.slowness, [this, host] {
    if (resume(host) > 0 && still_.at(host).slowness_felt) {
      still_.at(host).slowness_felt();
    }
  });
}

uint64_t Scheduler::new_priority() {
  if (options_.policy != Policy::kPct) {
    return 0;
  }
  // What an event causes belongs to its chain; what nobody caused starts one.
  return running_priority_ != 0 ? running_priority_
                                : kDemotedPriorityMax + 1 + priorities_.choose(1'000'000'000);
}

void Scheduler::release_due_timers() {
  while (!waiting_.empty() && waiting_.begin()->first.first <= now_ns_) {
    SimLoop* loop = waiting_.begin()->second;
    waiting_.erase(waiting_.begin());
    if (!loop->open_) {
      continue;
    }
    make_ready(*loop, async::Work());
  }
}

size_t Scheduler::pick() {
  switch (options_.policy) {
    case Policy::kFifo:
      return 0;
    case Policy::kUniform:
      return pick_any();
    case Policy::kHostUniform:
      return pick_host_first();
    case Policy::kPct:
      return pick_by_priority();
  }
  return 0;
}

size_t Scheduler::pick_any() {
  if (listener_ == nullptr) {
    return order_.choose(ready_.size());
  }
  std::vector<size_t> all(ready_.size());
  std::iota(all.begin(), all.end(), size_t{0});
  return choose_among(all);
}

size_t Scheduler::pick_host_first() {
  std::vector<size_t> firsts;
  for (size_t i = 0; i < ready_.size(); ++i) {
    const auto same = [&](size_t first) { return ready_[first].loop == ready_[i].loop; };
    if (std::ranges::none_of(firsts, same)) {
      firsts.push_back(i);
    }
  }
  return choose_among(firsts);
}

size_t Scheduler::choose_among(const std::vector<size_t>& candidates) {
  if (listener_ != nullptr) {
    std::vector<ReadyWork> works;
    for (const size_t at : candidates) {
      works.push_back({ready_[at].sequence, ready_[at].loop->host_});
    }
    listener_->ready(works);
  }
  return candidates[order_.choose(candidates.size())];
}

size_t Scheduler::pick_by_priority() {
  size_t best = 0;
  for (size_t i = 1; i < ready_.size(); ++i) {
    if (ready_[i].priority > ready_[best].priority) {
      best = i;
    }
  }
  return best;
}

void Scheduler::run(Item item) {
  const bool timer = !item.work;
  note(item.loop->label(), timer ? "timer" : "run", std::to_string(item.sequence));
  if (demotions_.erase(events_) > 0) {
    item.priority = demotions_.size() + 1;
  }
  running_priority_ = item.priority;
  running_ = item.loop;
  if (timer) {
    events_without_timer_ = 0;
    // A timer starts a chain of its own.
    running_priority_ = 0;
    running_priority_ = new_priority();
    item.loop->run_due_timer();
  } else {
    ++events_without_timer_;
    item.work();
  }
  running_priority_ = 0;
  running_ = nullptr;
}

void Scheduler::run_nested(Item item) {
  const uint64_t priority = running_priority_;
  const SimLoop* const loop = running_;
  run(std::move(item));
  running_priority_ = priority;
  running_ = loop;
}

bool Scheduler::guards_hold() {
  if (events_ > options_.events_max) {
    trip(fmt::format("more than {} events", options_.events_max));
  } else if (now_ns_ > options_.simulated_ns_max) {
    trip(fmt::format("more than {} simulated seconds", options_.simulated_ns_max / 1'000'000'000));
  } else if (events_without_timer_ > options_.events_without_timer_max) {
    trip(fmt::format("{} pieces of work ran while no timer fired: something spins",
                     events_without_timer_));
  } else if (events_at_instant_ > options_.events_at_instant_max) {
    trip(fmt::format("{} events, and time stood still: something spins", events_at_instant_));
  }
  return tripped_.empty();
}

bool Scheduler::step() {
  release_due_timers();
  // What is released may be the work of a host that stands still.
  while (ready_.empty()) {
    if (waiting_.empty()) {
      return false;
    }
    now_ns_ = std::max(now_ns_, waiting_.begin()->first.first);
    release_due_timers();
  }
  if (!guards_hold()) {
    return false;
  }
  events_at_instant_ = now_ns_ == std::exchange(instant_ns_, now_ns_) ? events_at_instant_ + 1 : 0;
  const size_t at = pick();
  Item item = std::move(ready_[at]);
  ready_.erase(ready_.begin() + static_cast<std::ptrdiff_t>(at));
  const HostId host = item.loop->host_;
  run(std::move(item));
  be_slow(host);
  ++events_;
  now_ns_ += options_.tick_min_ns + static_cast<int64_t>(ticks_.choose(options_.tick_spread_ns));
  return true;
}

}  // namespace kelpie::sim
