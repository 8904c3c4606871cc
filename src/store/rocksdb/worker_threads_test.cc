#include "store/rocksdb/worker_threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>
#include <vector>

namespace kelpie::store {
namespace {

TEST(WorkerThreads, OneRunsEveryJobInOrderOnItsOwnThreadBeforeItIsGone) {
  std::vector<int> order;
  bool elsewhere = true;
  {
    WorkerThreads thread(1);
    for (int i = 0; i < 100; ++i) {
      thread.enqueue([&order, &elsewhere, i, caller = std::this_thread::get_id()] {
        elsewhere = elsewhere && std::this_thread::get_id() != caller;
        order.push_back(i);
      });
    }
  }
  ASSERT_EQ(order.size(), 100U);
  EXPECT_TRUE(elsewhere);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(order[static_cast<size_t>(i)], i);
  }
}

TEST(WorkerThreads, StartWhenAJobFindsNoneIdleAndOnlySoMany) {
  std::atomic<int> ran = 0;
  std::latch release(1);
  std::latch both_run(2);
  {
    WorkerThreads threads(2);
    EXPECT_EQ(threads.threads_started(), 0U);
    for (size_t i = 1; i <= 2; ++i) {
      threads.enqueue([&] {
        both_run.count_down();
        release.wait();
        ++ran;
      });
      EXPECT_EQ(threads.threads_started(), i);
    }
    both_run.wait();
    for (int i = 0; i < 10; ++i) {
      threads.enqueue([&] { ++ran; });
    }
    EXPECT_EQ(threads.threads_started(), 2U);
    EXPECT_EQ(ran, 0);
    release.count_down();
  }
  EXPECT_EQ(ran, 12);
}

TEST(WorkerThreads, NoneRunTheJobWhereItIsEnqueued) {
  WorkerThreads none(0);
  std::thread::id ran_on;
  none.enqueue([&ran_on] { ran_on = std::this_thread::get_id(); });
  EXPECT_EQ(ran_on, std::this_thread::get_id());
  EXPECT_EQ(none.threads_started(), 0U);
}

}  // namespace
}  // namespace kelpie::store
