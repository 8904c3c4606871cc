// Sleeping on a Loop's monotonic time.
#pragma once

#include <coroutine>

#include "async/loop.h"
#include "async/wake.h"
#include "base/time.h"

namespace kelpie::async {

class SleepAwaiter {
 public:
  SleepAwaiter(Loop& loop, Instant due) : loop_(loop), due_(due) {}
  SleepAwaiter(SleepAwaiter&&) = delete;
  ~SleepAwaiter() {
    if (started_) {
      loop_.cancel_timer(timer_);
    }
  }
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    started_ = true;
    timer_ = loop_.start_timer(due_, [this, waiting] {
      started_ = false;
      waiting.resume();
    });
  }
  void await_resume() noexcept {}

 private:
  Loop& loop_;
  Instant due_;
  TimerId timer_;
  bool started_ = false;
};

inline SleepAwaiter sleep_until(Loop& loop, Instant due) { return SleepAwaiter(loop, due); }
inline SleepAwaiter sleep_for(Loop& loop, Duration length) {
  return SleepAwaiter(loop, loop.now() + length);
}

// Lets everything that is ready on the loop run first.
class YieldAwaiter {
 public:
  explicit YieldAwaiter(Loop& loop) : loop_(loop) {}
  YieldAwaiter(YieldAwaiter&&) = delete;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    wake_.arm(waiting);
    wake_.fire(loop_);
  }
  void await_resume() noexcept {}

 private:
  Loop& loop_;
  Wake wake_;
};
inline YieldAwaiter yield(Loop& loop) { return YieldAwaiter(loop); }

}  // namespace kelpie::async
