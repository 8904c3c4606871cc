// Task<T>: a lazy coroutine with one owner, that yields a Result<T>.
//
//   Task<int> parse(Source& source) {
//     Bytes line = co_await source.read_line();       // unwraps, or returns early with the error
//     auto more = co_await source.read_line().result();  // looks at the Result instead
//     int value = co_await to_int(line);              // a plain Result unwraps the same way
//     if (value < 0) co_return invalid_argument("expected a number that is not negative");
//     co_return value;
//   }
//
// A Task runs when it is awaited (or spawned into a Scope). Dropping a Task cancels it: its
// frame and all that it awaits are destroyed at once, innermost last owner first. A Task is
// never dropped by code that runs inside it. What a Task was given by reference must outlive
// it. A Task<void> ends with `co_return kOk;`.
//
// No symmetric transfer: `await_suspend` returns bool, so a chain of ready awaits uses no
// stack, whatever the optimiser does.
#pragma once

#include <coroutine>
#include <cstdlib>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/result.h"

namespace kelpie::async {

template <class T = void>
class Task;

namespace detail {

class PromiseBase {
 public:
  std::suspend_always initial_suspend() noexcept { return {}; }

  struct FinalAwaiter {
    bool await_ready() noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> self) noexcept {
      // The last act: whoever is told may destroy this frame before `finish` returns.
      self.promise().finish();
    }
    void await_resume() noexcept {}
  };
  FinalAwaiter final_suspend() noexcept { return {}; }

  // The house throws nothing and catches library exceptions where they arise, so one that
  // reaches a coroutine's edge is a bug.
  void unhandled_exception() noexcept { std::abort(); }

  // Marks the result as there and tells the awaiter, unless it is still inside the call that
  // started this task (it looks at `done` itself then, and no stack is used).
  void finish() noexcept {
    done_ = true;
    if (starting_ || on_done_ == nullptr) {
      return;
    }
    std::exchange(on_done_, nullptr)(on_done_context_);
  }

  [[nodiscard]] bool done() const { return done_; }
  void set_starting(bool starting) { starting_ = starting; }
  void set_on_done(void (*on_done)(void*), void* context) {
    on_done_ = on_done;
    on_done_context_ = context;
  }

 private:
  void (*on_done_)(void*) = nullptr;
  void* on_done_context_ = nullptr;
  bool starting_ = false;
  bool done_ = false;
};

template <class T, class ParentPromise>
class PropagatingAwaiter;
template <class T, class ParentPromise>
class ResultAwaiter;
template <class T>
class AsResult;

}  // namespace detail

template <class T>
class [[nodiscard]] Task {
 public:
  class promise_type;
  using value_type = T;

  Task() = default;
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      reset();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  ~Task() { reset(); }

  [[nodiscard]] bool valid() const { return static_cast<bool>(handle_); }

  // To be awaited in place of the task: yields the Result, never returns early.
  detail::AsResult<T> result() &&;

  // For owners that drive a task by hand (Scope, select). `on_done` is called at most once,
  // after `start` has returned, and may destroy the task. True when the task ended at once.
  bool start(void (*on_done)(void*), void* context) {
    CHECK(handle_ && !handle_.done());
    promise_type& promise = handle_.promise();
    promise.set_on_done(on_done, context);
    promise.set_starting(true);
    handle_.resume();
    promise.set_starting(false);
    return promise.done();
  }
  [[nodiscard]] bool done() const { return handle_ && handle_.promise().done(); }
  Result<T> take() { return handle_.promise().take(); }

 private:
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  void reset() {
    if (handle_) {
      std::exchange(handle_, {}).destroy();
    }
  }
  std::coroutine_handle<promise_type> handle_;
};

namespace detail {

// Awaits a plain Result: unwraps, or ends the coroutine with the error.
template <class T, class ParentPromise>
class PlainResultAwaiter {
 public:
  explicit PlainResultAwaiter(Result<T> result) : result_(std::move(result)) {}
  bool await_ready() const noexcept { return result_.ok(); }
  void await_suspend(std::coroutine_handle<ParentPromise> parent) {
    parent.promise().fail(std::move(result_).error());
  }
  T await_resume() { return std::move(result_).value(); }

 private:
  Result<T> result_;
};

template <class T>
class AsResult {
 public:
  explicit AsResult(Task<T> task) : task_(std::move(task)) {}
  Task<T> release() && { return std::move(task_); }

 private:
  Task<T> task_;
};

template <class T, class ParentPromise>
class ResultAwaiter {
 public:
  explicit ResultAwaiter(Task<T> task) : task_(std::move(task)) {}
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<ParentPromise> parent) {
    parent_ = parent;
    return !task_.start([](void* self) { static_cast<ResultAwaiter*>(self)->parent_.resume(); },
                        this);
  }
  Result<T> await_resume() { return task_.take(); }

 private:
  Task<T> task_;
  std::coroutine_handle<> parent_;
};

template <class T, class ParentPromise>
class PropagatingAwaiter {
 public:
  explicit PropagatingAwaiter(Task<T> task) : task_(std::move(task)) {}
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<ParentPromise> parent) {
    parent_ = parent;
    if (!task_.start([](void* self) { static_cast<PropagatingAwaiter*>(self)->complete(); },
                     this)) {
      return true;
    }
    result_.emplace(task_.take());
    if (result_->ok()) {
      return false;
    }
    parent_.promise().fail(std::move(*result_).error());
    return true;
  }
  T await_resume() { return std::move(*result_).value(); }

 private:
  void complete() {
    result_.emplace(task_.take());
    if (result_->ok()) {
      parent_.resume();
    } else {
      parent_.promise().fail(std::move(*result_).error());
    }
  }
  Task<T> task_;
  std::coroutine_handle<ParentPromise> parent_;
  std::optional<Result<T>> result_;
};

}  // namespace detail

template <class T>
class Task<T>::promise_type : public detail::PromiseBase {
 public:
  Task get_return_object() {
    return Task(std::coroutine_handle<promise_type>::from_promise(*this));
  }
  template <class U>
  void return_value(U&& value) {
    result_.emplace(std::forward<U>(value));
  }
  void return_value(Result<T> result) { result_.emplace(std::move(result)); }
  // Ends the coroutine, suspended where it stands, with an error.
  void fail(Error error) {
    result_.emplace(std::move(error));
    finish();
  }
  Result<T> take() {
    CHECK(result_.has_value());
    return std::move(*result_);
  }

  template <class U>
  auto await_transform(Task<U> task) {
    return detail::PropagatingAwaiter<U, promise_type>(std::move(task));
  }
  template <class U>
  auto await_transform(detail::AsResult<U> task) {
    return detail::ResultAwaiter<U, promise_type>(std::move(task).release());
  }
  template <class U>
  auto await_transform(Result<U> result) {
    return detail::PlainResultAwaiter<U, promise_type>(std::move(result));
  }
  template <class Awaiter>
    requires requires(Awaiter& awaiter) { awaiter.await_ready(); }
  Awaiter&& await_transform(Awaiter&& awaiter) {
    return std::forward<Awaiter>(awaiter);
  }

 private:
  std::optional<Result<T>> result_;
};

template <class T>
detail::AsResult<T> Task<T>::result() && {
  return detail::AsResult<T>(std::move(*this));
}

}  // namespace kelpie::async

namespace kelpie {
using async::Task;
}  // namespace kelpie
