// LoopThread: a RealLoop that runs on a thread of its own.
#pragma once

#include <thread>

#include "real/real_loop.h"

namespace kelpie::real {

// The loop runs from construction to `join`. Others reach it by `loop().post_from_thread`.
class LoopThread {
 public:
  LoopThread() : thread_([this] { loop_.run(); }) {}
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;
  ~LoopThread() { join(); }

  [[nodiscard]] RealLoop& loop() { return loop_; }
  // Stops the loop after the work that runs now, and waits for its thread. Idempotent. After it,
  // the caller's thread may use the loop: to drop its tasks, for example.
  void join() {
    if (thread_.joinable()) {
      loop_.stop();
      thread_.join();
    }
  }

 private:
  RealLoop loop_;
  std::thread thread_;
};

}  // namespace kelpie::real
