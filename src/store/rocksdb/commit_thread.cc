#include "store/rocksdb/commit_thread.h"

#include <utility>

#include "base/check.h"

namespace kelpie::store {

CommitThread::CommitThread() : thread_([this] { run(); }) {}

CommitThread::~CommitThread() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void CommitThread::enqueue(Job job) {
  {
    const std::lock_guard lock(mutex_);
    CHECK(!closing_);
    jobs_.push_back(std::move(job));
  }
  changed_.notify_one();
}

void CommitThread::run() {
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return closing_ || !jobs_.empty(); });
      if (jobs_.empty()) {
        return;
      }
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
  }
}

}  // namespace kelpie::store
