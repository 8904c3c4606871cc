#include "async/event.h"

#include <gtest/gtest.h>

#include <vector>

#include "async/manual_loop.h"
#include "async/scope.h"
#include "async/task.h"

namespace kelpie::async {
namespace {

Task<void> wait_and_note(Event& event, std::vector<int>& order, int name) {
  co_await event.wait();
  order.push_back(name);
  co_return kOk;
}

TEST(Event, ResumesItsWaitersThroughTheLoopInTheOrderInWhichTheyCame) {
  ManualLoop loop;
  Event event(loop);
  std::vector<int> order;
  Scope scope(loop, nullptr);
  for (int name = 1; name <= 3; ++name) {
    scope.spawn(wait_and_note(event, order, name));
  }
  event.set();
  EXPECT_TRUE(order.empty());
  loop.run_ready();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(Event, LetsThroughWhoeverComesAfterItWasSet) {
  ManualLoop loop;
  Event event(loop);
  event.set();
  std::vector<int> order;
  EXPECT_TRUE(loop.run(wait_and_note(event, order, 1)).ok());
  EXPECT_EQ(order.size(), 1U);
}

TEST(Event, WaitsAgainOnceCleared) {
  ManualLoop loop;
  Event event(loop);
  event.set();
  event.clear();
  EXPECT_FALSE(event.is_set());
  std::vector<int> order;
  Scope scope(loop, nullptr);
  scope.spawn(wait_and_note(event, order, 1));
  loop.run();
  EXPECT_TRUE(order.empty());
  event.set();
  loop.run();
  EXPECT_EQ(order.size(), 1U);
}

TEST(Event, WakesAWaiterEvenWhenItIsClearedBeforeTheLoopRuns) {
  ManualLoop loop;
  Event event(loop);
  std::vector<int> order;
  Scope scope(loop, nullptr);
  scope.spawn(wait_and_note(event, order, 1));
  event.set();
  event.clear();
  loop.run();
  EXPECT_EQ(order.size(), 1U);
}

TEST(Event, ForgetsAWaiterThatIsDropped) {
  ManualLoop loop;
  Event event(loop);
  std::vector<int> order;
  Scope stays(loop, nullptr);
  {
    Scope leaves(loop, nullptr);
    leaves.spawn(wait_and_note(event, order, 1));
    stays.spawn(wait_and_note(event, order, 2));
  }
  event.set();
  loop.run();
  EXPECT_EQ(order, (std::vector<int>{2}));
}

TEST(EventDeathTest, MustOutliveItsWaiters) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        ManualLoop loop;
        std::vector<int> order;
        Scope scope(loop, nullptr);
        Event event(loop);
        scope.spawn(wait_and_note(event, order, 1));
      },
      "CHECK failed");
}

}  // namespace
}  // namespace kelpie::async
