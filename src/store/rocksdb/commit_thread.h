// CommitThread: the one thread that writes to RocksDB. Internal to the rocksdb engine.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace kelpie::store {

// Runs jobs in the order in which they came. The destructor runs what is queued, then joins.
class CommitThread {
 public:
  using Job = std::move_only_function<void()>;

  CommitThread();
  CommitThread(const CommitThread&) = delete;
  CommitThread& operator=(const CommitThread&) = delete;
  ~CommitThread();

  // From any thread.
  void enqueue(Job job);

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool closing_ = false;
  std::thread thread_;  // last: it uses everything above
};

}  // namespace kelpie::store
