// Wake: resumes one suspended coroutine through its Loop, and forgets it when it is destroyed.
// The leaf of every awaiter that waits for something outside the coroutine.
#pragma once

#include <coroutine>
#include <memory>
#include <utility>

#include "async/loop.h"

namespace kelpie::async {

class Wake {
 public:
  Wake() = default;
  Wake(const Wake&) = delete;
  Wake& operator=(const Wake&) = delete;
  ~Wake() {
    if (cell_) {
      cell_->waiting = {};
    }
  }

  void arm(std::coroutine_handle<> waiting) { cell_ = std::make_shared<Cell>(Cell{waiting}); }
  [[nodiscard]] bool armed() const { return cell_ && cell_->waiting; }

  // Posts the resumption; a second call before it has run does nothing.
  void fire(Loop& loop) {
    if (!cell_ || cell_->posted) {
      return;
    }
    cell_->posted = true;
    loop.post([cell = cell_] {
      if (cell->waiting) {
        std::exchange(cell->waiting, {}).resume();
      }
    });
  }

 private:
  struct Cell {
    std::coroutine_handle<> waiting;
    bool posted = false;
  };
  std::shared_ptr<Cell> cell_;
};

}  // namespace kelpie::async
