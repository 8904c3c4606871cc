// ThreadLoop: a Loop in real time whose thread is the one that calls `run`. Test support for
// engines that have threads of their own.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <utility>

#include "async/loop.h"
#include "async/task.h"
#include "base/check.h"

namespace kelpie::store::testing {

class ThreadLoop final : public Loop {
 public:
  void post(async::Work work) override { post_from_thread(std::move(work)); }
  void post_from_thread(async::Work work) override;
  [[nodiscard]] Instant now() const override { return now_; }
  async::TimerId start_timer(Instant due, async::Work work) override;
  void cancel_timer(async::TimerId timer) override;

  // Runs one task to its end, and whatever else is posted meanwhile.
  template <class T>
  Result<T> run(Task<T> task) {
    bool done = false;
    done = task.start([](void* flag) { *static_cast<bool*>(flag) = true; }, &done);
    while (!done) {
      step();
    }
    return task.take();
  }
  // Runs what is ready, without waiting.
  void run_ready();

 private:
  // Waits for something to run, and runs it.
  void step();
  [[nodiscard]] static Instant clock_now();
  async::Work take_due_timer();

  Instant now_ = clock_now();
  uint64_t last_timer_ = 0;
  std::map<std::pair<Instant, async::TimerId>, async::Work> timers_;
  std::map<async::TimerId, Instant> due_by_id_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<async::Work> ready_;
};

}  // namespace kelpie::store::testing
