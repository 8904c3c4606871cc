// Deadline: a time limit that is moved far more often than it is reached.
#pragma once

#include <optional>
#include <utility>

#include "async/loop.h"
#include "base/time.h"

namespace kelpie::async {

// One Loop. Moving it on costs nothing: the timer that there is goes off too early then, and is
// started again for what is left. So a busy owner starts one timer a period, not one each time.
class Deadline {
 public:
  // Runs `passed` on the loop once for each limit that passes.
  Deadline(Loop& loop, Work passed) : loop_(loop), passed_(std::move(passed)) {}
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  ~Deadline() { stop_timer(); }

  // Replaces the limit that there was.
  void set(Instant due) {
    due_ = due;
    if (timer_ && timer_due_ > due) {
      stop_timer();
    }
    if (!timer_) {
      start_timer();
    }
  }
  // There is no limit any more.
  void clear() { due_.reset(); }

 private:
  void start_timer() {
    timer_due_ = *due_;
    timer_ = loop_.start_timer(timer_due_, [this] { timer_ended(); });
  }
  void stop_timer() {
    if (timer_) {
      loop_.cancel_timer(*std::exchange(timer_, std::nullopt));
    }
  }
  void timer_ended() {
    timer_.reset();
    if (!due_) {
      return;
    }
    if (*due_ > timer_due_) {
      start_timer();
      return;
    }
    due_.reset();
    // The last act: it may set the next limit, or destroy this.
    passed_();
  }

  Loop& loop_;
  Work passed_;
  std::optional<Instant> due_;
  std::optional<TimerId> timer_;
  Instant timer_due_;
};

}  // namespace kelpie::async
