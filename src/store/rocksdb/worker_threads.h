// WorkerThreads: where the engine waits for the disk. Internal to the rocksdb engine.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace kelpie::store {

// Starts jobs in the order in which they came, on up to `threads_max` threads; with one thread they
// also end in that order. A thread starts when a job finds none idle, and lives as long as this: an
// idle server keeps few. The destructor runs what is queued, then joins.
//
// Without a thread (0 are wanted, or the system refuses the first) a job runs where it is enqueued:
// slow, but right.
class WorkerThreads {
 public:
  using Job = std::move_only_function<void()>;

  explicit WorkerThreads(size_t threads_max) : threads_max_(threads_max) {}
  WorkerThreads(const WorkerThreads&) = delete;
  WorkerThreads& operator=(const WorkerThreads&) = delete;
  ~WorkerThreads();

  // One thread at a time. The queue has no bound: see DiskReads and CommitPipeline for theirs.
  void enqueue(Job job);
  [[nodiscard]] size_t threads_started() const { return threads_.size(); }

 private:
  // False if there is no thread at all.
  bool ensure_thread();
  void run();

  const size_t threads_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  std::atomic<size_t> queued_ = 0;  // as many as jobs_ has
  size_t idle_ = 0;
  bool closing_ = false;
  std::vector<std::thread> threads_;  // of the enqueuing thread alone
};

}  // namespace kelpie::store
