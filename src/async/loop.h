// Loop: one thread's queue of work and timers. State belongs to one Loop; Loops talk by message.
#pragma once

#include <cstdint>
#include <functional>

#include "base/strong.h"
#include "base/time.h"

namespace kelpie::async {

using Work = std::move_only_function<void()>;
using TimerId = base::Strong<struct TimerIdTag, uint64_t>;

// Implemented by `real/` over the operating system and by `sim/` over simulated time.
class Loop {
 public:
  Loop() = default;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  virtual ~Loop() = default;

  // Runs `work` later on this loop, never inline. The caller must be on this loop.
  virtual void post(Work work) = 0;
  // The same, from any thread. The only entry for other threads.
  virtual void post_from_thread(Work work) = 0;
  // The loop's monotonic time, frozen while one piece of work runs.
  [[nodiscard]] virtual Instant now() const = 0;
  // Runs `work` once at `due` or later; in order of (due, creation).
  virtual TimerId start_timer(Instant due, Work work) = 0;
  // After this, the timer's work does not run. Unknown and expired ids are ignored.
  virtual void cancel_timer(TimerId timer) = 0;
};

}  // namespace kelpie::async

namespace kelpie {
using async::Loop;
}  // namespace kelpie
