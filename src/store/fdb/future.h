// FdbFuture: an answer that FoundationDB's client owes, awaitable on a Loop.
//
// The library calls back at most once: inline, or on its network thread, where nothing may wait.
// So the callback hands the news to the Loop and does nothing else, and everything but the way to
// the Loop is touched on the Loop alone. The native future is destroyed exactly once, whether the
// answer came, comes later, or never comes. What a native future yields dies with it: copy it out
// while the FdbFuture lives.
#pragma once

#include <coroutine>
#include <memory>
#include <mutex>
#include <utility>

#include "async/loop.h"
#include "store/fdb/c_api.h"

namespace kelpie::store {

// The way from any thread to a Loop that may go away: after `close`, what is posted is dropped.
class LoopPort {
 public:
  explicit LoopPort(Loop& loop) : loop_(&loop) {}
  // Any thread.
  void post(async::Work work);
  // On the loop. Afterwards the loop may be destroyed.
  void close();

 private:
  std::mutex mutex_;
  Loop* loop_;
};

// What happens to the operation when nobody waits for its answer any more.
enum class WhenDropped : uint8_t {
  kCancel,  // it is cancelled: fit for reads, watches and waits
  // It runs to its end, and what it needs lives until then. For commits: breaking off a commit that
  // is on its way leaves one that may land at any time.
  kFinish,
};

class FdbFuture {
 public:
  // Takes the native future. `needs` is kept until the operation has ended (or was cancelled).
  FdbFuture(std::shared_ptr<const FdbApi> api, std::shared_ptr<LoopPort> port,
            FdbFutureHandle* native, WhenDropped when_dropped = WhenDropped::kCancel,
            std::shared_ptr<void> needs = nullptr);
  FdbFuture(FdbFuture&&) = default;
  FdbFuture& operator=(FdbFuture&&) = delete;
  ~FdbFuture();

  // For the `future_get_...` functions, after `ready`.
  [[nodiscard]] FdbFutureHandle* native() const { return cell_->native; }

  // Ends a wait with operation_cancelled. Never for a commit.
  void cancel();

  // Destroys the native future and lets go of what it needed, now. Only after `ready`.
  void finish() { cell_->release(); }

 private:
  struct Cell {
    Cell(std::shared_ptr<const FdbApi> the_api, std::shared_ptr<LoopPort> the_port,
         FdbFutureHandle* future, std::shared_ptr<void> needed)
        : api(std::move(the_api)),
          port(std::move(the_port)),
          native(future),
          needs(std::move(needed)) {}
    Cell(const Cell&) = delete;
    Cell& operator=(const Cell&) = delete;
    ~Cell() { release(); }
    void release();

    const std::shared_ptr<const FdbApi> api;
    const std::shared_ptr<LoopPort> port;
    FdbFutureHandle* native;  // nullptr: destroyed
    std::shared_ptr<void> needs;
    std::coroutine_handle<> waiting;
    bool arrived = false;
  };
  static void on_ready(FdbFutureHandle* native, void* context);

 public:
  // Yields the native error, 0 for none.
  class Ready {
   public:
    explicit Ready(std::shared_ptr<Cell> cell) : cell_(std::move(cell)) {}
    Ready(Ready&&) = delete;
    ~Ready() { cell_->waiting = {}; }
    bool await_ready() const noexcept { return cell_->arrived; }
    bool await_suspend(std::coroutine_handle<> waiting);
    FdbErrorCode await_resume();

   private:
    std::shared_ptr<Cell> cell_;
    FdbErrorCode refused_ = 0;
  };
  // Once, in a task of the loop.
  Ready ready() { return Ready(cell_); }

 private:
  std::shared_ptr<Cell> cell_;
  WhenDropped when_dropped_;
};

}  // namespace kelpie::store
