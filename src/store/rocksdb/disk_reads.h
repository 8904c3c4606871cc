// DiskReads: reads that may wait for the disk, away from the Loop. Internal to the rocksdb engine.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "async/event.h"
#include "async/loop.h"
#include "async/task.h"
#include "store/rocksdb/rocksdb_backend.h"
#include "store/rocksdb/worker_threads.h"

namespace kelpie::store {

// One Loop, which is not used after `close`. Shared by the backend, which closes it at its end, and
// its snapshots, which may be released on any thread.
//
// The queue has no bound. Each waiting read is that of a task that waits for its answer and
// asks for nothing more meanwhile, so there are as many as callers were let in, at a few hundred
// bytes each; an error here would only fail, under load, what is served a moment later.
class DiskReads {
 public:
  // With 0 threads, reads run on the Loop.
  DiskReads(async::Loop& loop, size_t threads_max)
      : loop_(loop), threads_(std::make_unique<WorkerThreads>(threads_max)) {}

  // Runs `read`, which owns what it reads from, on a worker, and ends on the Loop. A task that is
  // dropped leaves its read to itself: it is skipped if it has not begun, its answer is thrown away
  // otherwise. Once closed, `read` runs in place.
  template <class T>
  Task<T> run(std::move_only_function<Result<T>()> read);

  // Waits for the reads that have been asked for: their answers are posted.
  void close() { threads_.reset(); }

  void count_memory_read() { ++counts_.memory; }
  [[nodiscard]] RocksdbReadCounts counts() const { return counts_; }

 private:
  // A read on its way: the worker fills in the answer, the Loop takes it.
  template <class T>
  struct Reading {
    explicit Reading(async::Loop& loop) : done(loop) {}
    std::optional<Result<T>> answer;
    async::Event done;
    // Only saves work: a read whose caller is gone does no harm.
    std::atomic<bool> wanted = true;
  };
  template <class T>
  struct Caller {
    ~Caller() { reading->wanted.store(false, std::memory_order_relaxed); }
    std::shared_ptr<Reading<T>> reading;
  };

  async::Loop& loop_;
  std::unique_ptr<WorkerThreads> threads_;  // null once closed
  RocksdbReadCounts counts_;
};

template <class T>
Task<T> DiskReads::run(std::move_only_function<Result<T>()> read) {
  ++counts_.disk;
  if (!threads_) {
    co_return read();
  }
  const Caller<T> caller{std::make_shared<Reading<T>>(loop_)};
  threads_->enqueue([&loop = loop_, reading = caller.reading, read = std::move(read)]() mutable {
    if (reading->wanted.load(std::memory_order_relaxed)) {
      reading->answer = read();
    }
    // With the worker's share in it: the event must end on the Loop.
    loop.post_from_thread([reading = std::move(reading)] { reading->done.set(); });
  });
  co_await caller.reading->done.wait();
  co_return *std::move(caller.reading->answer);
}

}  // namespace kelpie::store
