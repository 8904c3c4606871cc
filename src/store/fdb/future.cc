#include "store/fdb/future.h"

#include "base/check.h"

namespace kelpie::store {

void LoopPort::post(async::Work work) {
  // Held while posting, so that the loop cannot go away in between.
  const std::lock_guard lock(mutex_);
  if (loop_ != nullptr) {
    loop_->post_from_thread(std::move(work));
  }
}

void LoopPort::close() {
  const std::lock_guard lock(mutex_);
  loop_ = nullptr;
}

FdbFuture::FdbFuture(std::shared_ptr<const FdbApi> api, std::shared_ptr<LoopPort> port,
                     FdbFutureHandle* native, WhenDropped when_dropped, std::shared_ptr<void> needs)
    : cell_(std::make_shared<Cell>(std::move(api), std::move(port), native, std::move(needs))),
      when_dropped_(when_dropped) {
  CHECK(native != nullptr);
}

FdbFuture::~FdbFuture() {
  if (cell_ == nullptr) {
    return;  // moved from
  }
  // With kFinish the callback's share of the cell keeps the operation until its end.
  if (when_dropped_ == WhenDropped::kCancel) {
    cell_->release();
  }
}

void FdbFuture::cancel() {
  CHECK(when_dropped_ == WhenDropped::kCancel);
  if (cell_->native != nullptr) {
    cell_->api->future_cancel(cell_->native);
  }
}

void FdbFuture::Cell::release() {
  // First: destroying it may call back inline, and whoever is called must not find it again.
  FdbFutureHandle* const destroyed = std::exchange(native, nullptr);
  if (destroyed != nullptr) {
    api->future_destroy(destroyed);
  }
  needs.reset();
}

bool FdbFuture::Ready::await_suspend(std::coroutine_handle<> waiting) {
  CHECK(cell_->native != nullptr && !cell_->waiting);
  cell_->waiting = waiting;
  // The callback's own share of the cell. A callback that never comes (the network was stopped
  // first) never gives it back.
  auto context = std::make_unique<std::shared_ptr<Cell>>(cell_);
  refused_ = cell_->api->future_set_callback(cell_->native, &FdbFuture::on_ready, context.get());
  if (refused_ != 0) {
    cell_->waiting = {};
    return false;
  }
  static_cast<void>(context.release());
  return true;
}

FdbErrorCode FdbFuture::Ready::await_resume() {
  if (refused_ != 0) {
    return refused_;
  }
  CHECK(cell_->arrived && cell_->native != nullptr);
  return cell_->api->future_get_error(cell_->native);
}

// Any thread; inside the library. `native` may be destroyed already.
void FdbFuture::on_ready(FdbFutureHandle*, void* context) {
  const std::unique_ptr<std::shared_ptr<Cell>> share(static_cast<std::shared_ptr<Cell>*>(context));
  // Of its own: the work may be dropped here, and the cell with it.
  const std::shared_ptr<LoopPort> port = (*share)->port;
  port->post([cell = std::move(*share)] {
    cell->arrived = true;
    if (cell->waiting) {
      std::exchange(cell->waiting, {}).resume();
    }
  });
}

}  // namespace kelpie::store
