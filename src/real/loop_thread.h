// LoopThread: a RealLoop that runs on a thread of its own.
#pragma once

#include <thread>

#include "base/check.h"
#include "real/real_loop.h"

namespace kelpie::real {

// The loop runs from `start` to `join`; outside of that the owner may use it like any other. Others
// reach it by `loop().post_from_thread`.
class LoopThread {
 public:
  LoopThread() = default;
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;
  ~LoopThread() { join(); }

  [[nodiscard]] RealLoop& loop() { return loop_; }
  void start() {
    CHECK(!thread_.joinable());
    thread_ = std::thread([this] { loop_.run(); });
  }
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
