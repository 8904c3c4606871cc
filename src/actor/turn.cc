#include "actor/turn.h"

#include <utility>

#include "actor/once.h"
#include "codec/tuple.h"

namespace kelpie::actor {

Task<store::Transaction*> Turn::reading() {
  if (!fenced_) {
    auto guarded = co_await parts_.fence.guard(parts_.transaction).result();
    if (!guarded.ok()) {
      fence_lost_ = guarded.error().code == Code::kFailedPrecondition;
      reading_error_ = guarded.error();
      co_return std::move(guarded).error();
    }
    fenced_ = true;
  }
  co_return &parts_.transaction;
}

SessionCache& Turn::sessions() {
  if (!parts_.sessions) {
    parts_.sessions = std::make_unique<SessionCache>();
  }
  return *parts_.sessions;
}

Bytes Turn::cause() const {
  if (!cause_.empty()) {
    return cause_;
  }
  return std::move(codec::TuplePacker()
                       .string("call")
                       .bytes(parts_.fence.epoch().get())
                       .integer(static_cast<int64_t>(place_.serial)))
      .take();
}

}  // namespace kelpie::actor
