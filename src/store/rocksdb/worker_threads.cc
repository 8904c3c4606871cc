#include "store/rocksdb/worker_threads.h"

#include <system_error>
#include <utility>

#include "base/check.h"

namespace kelpie::store {

namespace {

// A thread that sleeps takes some 20 us to wake; who has just had an answer often asks again within
// that time. Some 50 us if nobody else wants the processor.
constexpr int kYieldsBeforeSleep = 100;

}  // namespace

WorkerThreads::~WorkerThreads() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) {
    thread.join();
  }
  CHECK(jobs_.empty());
}

void WorkerThreads::enqueue(Job job) {
  if (!ensure_thread()) {
    job();
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    CHECK(!closing_);
    jobs_.push_back(std::move(job));
    ++queued_;
  }
  changed_.notify_one();
}

bool WorkerThreads::ensure_thread() {
  {
    const std::lock_guard lock(mutex_);
    // Each queued job will take one of the idle threads.
    if (jobs_.size() < idle_ || threads_.size() == threads_max_) {
      return !threads_.empty();
    }
  }
  try {
    threads_.emplace_back([this] { run(); });
  } catch (const std::system_error&) {
    // The threads that there are do its work.
  }
  return !threads_.empty();
}

void WorkerThreads::run() {
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      ++idle_;
      if (jobs_.empty() && !closing_) {
        lock.unlock();
        for (int i = 0; i < kYieldsBeforeSleep && queued_ == 0; ++i) {
          std::this_thread::yield();
        }
        lock.lock();
      }
      changed_.wait(lock, [this] { return closing_ || !jobs_.empty(); });
      --idle_;
      if (jobs_.empty()) {
        return;
      }
      job = std::move(jobs_.front());
      jobs_.pop_front();
      --queued_;
    }
    job();
  }
}

}  // namespace kelpie::store
