// run_on: a task on another Loop, awaited here. Loops share no state; they talk by message.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "async/event.h"
#include "async/loop.h"
#include "async/scope.h"
#include "async/task.h"

namespace kelpie::async {

// A place on a loop where others may start tasks. Loop and scope outlive every use; the scope is
// touched on its own loop only.
struct LoopHandle {
  Loop& loop;
  Scope& scope;
};

namespace detail {

template <class T>
struct CrossingCell {
  explicit CrossingCell(Loop& home) : done(home) {}
  std::optional<Result<T>> result;
  Event done;
};

template <class T>
Task<void> cross_back(std::shared_ptr<CrossingCell<T>> cell, Loop& home, Task<T> task) {
  auto result = std::make_shared<Result<T>>(co_await std::move(task).result());
  home.post_from_thread([cell = std::move(cell), result = std::move(result)] {
    cell->result.emplace(std::move(*result));
    cell->done.set();
  });
  co_return kOk;
}

}  // namespace detail

// Calls `make` on the other loop, runs the task that it yields there, and hands its result over.
// What is passed in and out belongs to no loop. When the waiting side is dropped the task still
// runs to its end there; when the other scope is cancelled the waiting side waits until it is
// dropped too.
template <class T>
Task<T> run_on(Loop& here, LoopHandle there, std::move_only_function<Task<T>()> make) {
  auto cell = std::make_shared<detail::CrossingCell<T>>(here);
  there.loop.post_from_thread([cell, &here, there, make = std::move(make)]() mutable {
    there.scope.spawn(detail::cross_back<T>(std::move(cell), here, make()));
  });
  co_await cell->done.wait();
  co_return std::move(*cell->result);
}

}  // namespace kelpie::async
