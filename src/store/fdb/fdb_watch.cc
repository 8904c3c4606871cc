#include "store/fdb/fdb_watch.h"

#include "store/fdb/errors.h"

namespace kelpie::store {
namespace {

// Needs nothing of the watch, which may be destroyed meanwhile.
Task<void> wait_for(std::shared_ptr<const FdbApi> api, std::shared_ptr<FdbFuture> future) {
  const FdbErrorCode code = co_await future->ready();
  if (code != 0) {
    co_return to_error(*api, code, FdbOrigin::kWatch);
  }
  co_return kOk;
}

Task<void> fail(Error error) { co_return std::move(error); }

}  // namespace

FdbWatch::~FdbWatch() {
  if (future_ != nullptr) {
    future_->cancel();
  }
}

Task<void> FdbWatch::changed() { return error_ ? fail(*error_) : wait_for(api_, future_); }

}  // namespace kelpie::store
