#include "async/event.h"

#include "base/check.h"

namespace kelpie::async {

Event::~Event() { CHECK(first_ == nullptr); }

void Event::set() {
  set_ = true;
  while (first_ != nullptr) {
    Awaiter& waiter = *first_;
    remove(waiter);
    waiter.wake_.fire(loop_);
  }
}

void Event::remove(Awaiter& waiter) {
  CHECK(waiter.listed_);
  (waiter.before_ != nullptr ? waiter.before_->after_ : first_) = waiter.after_;
  (waiter.after_ != nullptr ? waiter.after_->before_ : last_) = waiter.before_;
  waiter.listed_ = false;
}

Event::Awaiter::~Awaiter() {
  if (listed_) {
    event_->remove(*this);
  }
}

void Event::Awaiter::await_suspend(std::coroutine_handle<> waiting) {
  wake_.arm(waiting);
  before_ = event_->last_;
  after_ = nullptr;
  (before_ != nullptr ? before_->after_ : event_->first_) = this;
  event_->last_ = this;
  listed_ = true;
}

}  // namespace kelpie::async
