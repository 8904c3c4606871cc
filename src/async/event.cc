#include "async/event.h"

#include "base/check.h"

namespace kelpie::async {

Event::~Event() { CHECK(waiters_.empty()); }

void Event::set() {
  set_ = true;
  for (Awaiter* waiter : waiters_) {
    waiter->listed_ = false;
    waiter->wake_.fire(loop_);
  }
  waiters_.clear();
}

Event::Awaiter::~Awaiter() {
  if (listed_) {
    event_->waiters_.erase(place_);
  }
}

void Event::Awaiter::await_suspend(std::coroutine_handle<> waiting) {
  wake_.arm(waiting);
  place_ = event_->waiters_.insert(event_->waiters_.end(), this);
  listed_ = true;
}

}  // namespace kelpie::async
