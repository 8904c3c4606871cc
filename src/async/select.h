// select: runs two tasks until one of them has ended; the other is dropped. timeout is select
// with a clock.
#pragma once

#include <coroutine>
#include <optional>
#include <string>
#include <utility>

#include "async/loop.h"
#include "async/sleep.h"
#include "async/task.h"

namespace kelpie::async {

// Exactly one side holds a result unless both ended at the same moment; then both do, so that a
// ready value is never lost.
template <class A, class B>
struct Either {
  std::optional<Result<A>> first;
  std::optional<Result<B>> second;
};

namespace detail {

template <class A, class B>
class SelectAwaiter {
 public:
  SelectAwaiter(Task<A> a, Task<B> b) : a_(std::move(a)), b_(std::move(b)) {}
  SelectAwaiter(SelectAwaiter&&) = delete;
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiting) {
    waiting_ = waiting;
    const auto on_done = [](void* self) { static_cast<SelectAwaiter*>(self)->wake(); };
    if (a_.start(on_done, this)) {
      return false;
    }
    starting_second_ = true;
    const bool second_done = b_.start(on_done, this);
    starting_second_ = false;
    return !second_done && !a_.done();
  }
  Either<A, B> await_resume() {
    Either<A, B> either;
    if (a_.done()) {
      either.first.emplace(a_.take());
    }
    if (b_.done()) {
      either.second.emplace(b_.take());
    }
    return either;
  }

 private:
  void wake() {
    if (starting_second_) {
      return;
    }
    if (waiting_) {
      std::exchange(waiting_, {}).resume();
    }
  }
  Task<A> a_;
  Task<B> b_;
  std::coroutine_handle<> waiting_;
  bool starting_second_ = false;
};

}  // namespace detail

template <class A, class B>
Task<Either<A, B>> select(Task<A> a, Task<B> b) {
  co_return co_await detail::SelectAwaiter<A, B>(std::move(a), std::move(b));
}

inline Task<void> sleep_task(Loop& loop, Duration length) {
  co_await sleep_for(loop, length);
  co_return kOk;
}

// The task's result, or deadline_exceeded once `length` has passed; the task is dropped then.
template <class T>
Task<T> timeout(Loop& loop, Duration length, Task<T> task) {
  Either<T, void> either = co_await select(std::move(task), sleep_task(loop, length));
  if (either.first.has_value()) {
    co_return std::move(*either.first);
  }
  co_return base::deadline_exceeded("timed out after " + std::to_string(length.millis()) + " ms");
}

}  // namespace kelpie::async
