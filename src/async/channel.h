// Channel<T>: a bounded queue between tasks of one Loop.
#pragma once

#include <coroutine>
#include <cstddef>
#include <deque>
#include <list>
#include <optional>
#include <utility>

#include "async/event.h"
#include "async/loop.h"
#include "async/task.h"

namespace kelpie::async {

// One Loop. `send` waits while the queue is full; `receive` yields nullopt once the channel is
// closed and empty. Values leave in the order in which they came. Must outlive its waiters.
// A value stays in the queue until a receiver actually runs, so a receiver that is dropped
// between being woken and running loses nothing.
template <class T>
class Channel {
 public:
  Channel(Loop& loop, size_t capacity) : capacity_(capacity), readable_(loop), writable_(loop) {
    CHECK(capacity > 0);
    writable_.set();
  }

  Task<void> send(T value) {
    while (!closed_ && queue_.size() >= capacity_) {
      co_await writable_.wait();
    }
    if (closed_) {
      co_return base::cancelled("the channel is closed");
    }
    push(std::move(value));
    co_return kOk;
  }

  // Over capacity too: for senders that must not wait. False when closed.
  bool try_send(T value) {
    if (closed_) {
      return false;
    }
    push(std::move(value));
    return true;
  }

  Task<std::optional<T>> receive() {
    while (queue_.empty() && !closed_) {
      co_await readable_.wait();
    }
    if (queue_.empty()) {
      co_return std::optional<T>();
    }
    std::optional<T> value(std::move(queue_.front()));
    queue_.pop_front();
    update();
    co_return std::move(value);
  }

  void close() {
    closed_ = true;
    readable_.set();
    writable_.set();
  }
  [[nodiscard]] bool closed() const { return closed_; }
  [[nodiscard]] size_t size() const { return queue_.size(); }

 private:
  void push(T value) {
    queue_.push_back(std::move(value));
    update();
  }
  void update() {
    if (!queue_.empty() || closed_) {
      readable_.set();
    } else {
      readable_.clear();
    }
    if (queue_.size() < capacity_ || closed_) {
      writable_.set();
    } else {
      writable_.clear();
    }
  }

  size_t capacity_;
  std::deque<T> queue_;
  bool closed_ = false;
  Event readable_;
  Event writable_;
};

}  // namespace kelpie::async
