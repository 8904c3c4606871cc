// RealLoop: the Loop over the operating system's readiness notification and monotonic clock.
#pragma once

#include <memory>
#include <utility>

#include "async/loop.h"
#include "async/task.h"

namespace kelpie::real {

// One thread runs it. Until `run` and after it, the owner may call everything from one thread;
// while it runs, only `post_from_thread` and `stop` may be called from elsewhere (CHECKed for
// `post`). I/O completions never run code of the house themselves: they post, so that each piece of
// work sees one frozen `now()`. Timers have millisecond precision, and are never early.
class RealLoop final : public async::Loop {
 public:
  RealLoop();
  // Drops the work that has not run. Before it, streams, listeners and tasks of this loop are gone,
  // and calls by other threads have returned.
  ~RealLoop() override;

  void post(async::Work work) override;
  void post_from_thread(async::Work work) override;
  [[nodiscard]] Instant now() const override;
  async::TimerId start_timer(Instant due, async::Work work) override;
  void cancel_timer(async::TimerId timer) override;

  // Runs work until `stop`, waiting for it when there is none. May be called again.
  void run();
  // Runs the work that is ready, other threads' included, and what that posts in a bounded number
  // of rounds. Waits for nothing, fires no timers, and a `stop` does not end it. Not inside `run`.
  void run_pending();
  // Ends `run` after the piece of work that runs now; before `run`, ends the next one at once.
  // Any thread.
  void stop();
  // Runs the loop until the task has ended.
  template <class T>
  Result<T> run(async::Task<T> task) {
    post([this, &task] {
      if (task.start([](void* self) { static_cast<RealLoop*>(self)->stop(); }, this)) {
        stop();
      }
    });
    run();
    return task.take();
  }

  // What the other files of this floor build on; defined in real_loop_impl.h.
  struct Impl;
  [[nodiscard]] Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace kelpie::real
