// ManualLoop: a Loop that a test drives by hand, in virtual time and strict order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "async/loop.h"
#include "async/scope.h"
#include "async/task.h"

namespace kelpie::async {

class ManualLoop final : public Loop {
 public:
  void post(Work work) override { ready_.push_back(std::move(work)); }
  void post_from_thread(Work work) override { post(std::move(work)); }
  [[nodiscard]] Instant now() const override { return now_; }
  TimerId start_timer(Instant due, Work work) override {
    const TimerId id(++last_timer_);
    timers_.emplace(std::pair(due, id), std::move(work));
    due_by_id_.emplace(id, due);
    return id;
  }
  void cancel_timer(TimerId timer) override {
    const auto found = due_by_id_.find(timer);
    if (found != due_by_id_.end()) {
      timers_.erase(std::pair(found->second, timer));
      due_by_id_.erase(found);
    }
  }

  // Runs what is ready, without moving time.
  void run_ready() {
    while (!ready_.empty()) {
      Work work = std::move(ready_.front());
      ready_.pop_front();
      work();
    }
  }
  // Runs what is ready, then jumps to the next timer, until neither is left. False when idle.
  bool step() {
    if (!ready_.empty()) {
      run_ready();
      return true;
    }
    if (timers_.empty()) {
      return false;
    }
    auto first = timers_.begin();
    now_ = std::max(now_, first->first.first);
    Work work = std::move(first->second);
    due_by_id_.erase(first->first.second);
    timers_.erase(first);
    work();
    return true;
  }
  void run() {
    while (step()) {
    }
  }
  // Runs one task to its end; the loop must not fall idle before. Calls nest: what runs may run
  // another.
  template <class T>
  Result<T> run(Task<T> task) {
    bool done = false;
    if (task.start([](void* flag) { *static_cast<bool*>(flag) = true; }, &done)) {
      done = true;
    }
    while (!done) {
      CHECK(step());
    }
    return task.take();
  }

 private:
  Instant now_ = Instant::from_nanos(1);
  uint64_t last_timer_ = 0;
  std::deque<Work> ready_;
  std::map<std::pair<Instant, TimerId>, Work> timers_;
  std::map<TimerId, Instant> due_by_id_;
};

}  // namespace kelpie::async
