// Scope: the owner of background tasks. Nothing outlives its scope (promise S21).
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <memory>

#include "async/event.h"
#include "async/loop.h"
#include "async/task.h"

namespace kelpie::async {

// One Loop. Its owner either awaits `drain()` (all tasks end by themselves), or calls `cancel()`
// (they are destroyed now), or destroys the scope (the same). None of these is called from
// inside a task of the scope.
class Scope {
 public:
  using OnError = std::function<void(const Error&)>;

  // `on_error` hears of every task that ended with an error other than `cancelled`.
  Scope(Loop& loop, OnError on_error);
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  ~Scope();

  // Starts the task before it returns. After `cancel` or during `drain` the task is dropped
  // unstarted.
  void spawn(Task<void> task);

  [[nodiscard]] size_t size() const { return running_.size(); }
  // From now on nothing is spawned; ends when the last task has ended.
  Task<void> drain();
  void cancel();

 private:
  struct Entry {
    Scope* scope = nullptr;
    Task<void> task;
    std::list<std::unique_ptr<Entry>>::iterator place;
  };
  void ended(Entry* entry);

  Loop& loop_;
  OnError on_error_;
  bool closed_ = false;
  std::list<std::unique_ptr<Entry>> running_;
  Event empty_;
  // Ended frames wait here for a moment when no code of theirs is on the stack.
  std::shared_ptr<std::list<std::unique_ptr<Entry>>> ended_;
};

}  // namespace kelpie::async

namespace kelpie {
using async::Scope;
}  // namespace kelpie
