// Wake: resumes one suspended coroutine through its Loop, and forgets it when it is destroyed.
// The leaf of every awaiter that waits for something outside the coroutine.
#pragma once

#include <coroutine>
#include <memory>
#include <utility>

#include "async/loop.h"

namespace kelpie::async {

// One Loop: what it shares with the posted work is counted by nobody, each forgets the other.
class Wake {
 public:
  Wake() = default;
  Wake(const Wake&) = delete;
  Wake& operator=(const Wake&) = delete;
  ~Wake() {
    if (posted_ != nullptr) {
      posted_->wake = nullptr;
    }
  }

  void arm(std::coroutine_handle<> waiting) { waiting_ = waiting; }
  [[nodiscard]] bool armed() const { return static_cast<bool>(waiting_); }

  // Posts the resumption; a second call before it has run does nothing.
  void fire(Loop& loop) {
    if (!waiting_ || posted_ != nullptr) {
      return;
    }
    auto posted = std::make_unique<Posted>(this);
    posted_ = posted.get();
    loop.post([posted = std::move(posted)] {
      Wake* const wake = posted->release();
      if (wake != nullptr) {
        // The last act: what resumes may destroy the Wake.
        std::exchange(wake->waiting_, {}).resume();
      }
    });
  }

 private:
  // What the posted work owns, wherever the loop keeps it until it runs or is dropped.
  struct Posted {
    explicit Posted(Wake* of) : wake(of) {}
    Posted(const Posted&) = delete;
    Posted& operator=(const Posted&) = delete;
    ~Posted() { release(); }
    Wake* release() {
      if (wake != nullptr) {
        wake->posted_ = nullptr;
      }
      return std::exchange(wake, nullptr);
    }
    Wake* wake;
  };

  std::coroutine_handle<> waiting_;
  Posted* posted_ = nullptr;
};

}  // namespace kelpie::async
