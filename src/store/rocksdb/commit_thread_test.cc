#include "store/rocksdb/commit_thread.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace kelpie::store {
namespace {

TEST(CommitThread, RunsEveryJobInOrderOnItsOwnThreadBeforeItIsGone) {
  std::vector<int> order;
  bool elsewhere = true;
  {
    CommitThread thread;
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

}  // namespace
}  // namespace kelpie::store
