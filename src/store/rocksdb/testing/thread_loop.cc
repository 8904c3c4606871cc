#include "store/rocksdb/testing/thread_loop.h"

namespace kelpie::store::testing {

void ThreadLoop::post_from_thread(async::Work work) {
  {
    const std::lock_guard lock(mutex_);
    ready_.push_back(std::move(work));
  }
  changed_.notify_one();
}

async::TimerId ThreadLoop::start_timer(Instant due, async::Work work) {
  const async::TimerId id(++last_timer_);
  timers_.emplace(std::pair(due, id), std::move(work));
  due_by_id_.emplace(id, due);
  return id;
}

void ThreadLoop::cancel_timer(async::TimerId timer) {
  const auto found = due_by_id_.find(timer);
  if (found != due_by_id_.end()) {
    timers_.erase(std::pair(found->second, timer));
    due_by_id_.erase(found);
  }
}

void ThreadLoop::run_ready() {
  for (;;) {
    async::Work work;
    {
      const std::lock_guard lock(mutex_);
      if (ready_.empty()) {
        return;
      }
      work = std::move(ready_.front());
      ready_.pop_front();
    }
    now_ = clock_now();
    work();
  }
}

void ThreadLoop::step() {
  now_ = clock_now();
  if (async::Work due = take_due_timer()) {
    due();
    return;
  }
  async::Work work;
  {
    std::unique_lock lock(mutex_);
    const auto ready = [this] { return !ready_.empty(); };
    if (timers_.empty()) {
      changed_.wait(lock, ready);
    } else {
      const Duration left = timers_.begin()->first.first - now_;
      changed_.wait_for(lock, std::chrono::nanoseconds(left.nanos()), ready);
    }
    if (ready_.empty()) {
      return;
    }
    work = std::move(ready_.front());
    ready_.pop_front();
  }
  now_ = clock_now();
  work();
}

Instant ThreadLoop::clock_now() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return Instant::from_nanos(std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
}

async::Work ThreadLoop::take_due_timer() {
  if (timers_.empty() || timers_.begin()->first.first > now_) {
    return {};
  }
  const auto first = timers_.begin();
  async::Work work = std::move(first->second);
  due_by_id_.erase(first->first.second);
  timers_.erase(first);
  return work;
}

}  // namespace kelpie::store::testing
