#include "async/sleep.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "async/manual_loop.h"
#include "async/scope.h"

namespace kelpie::async {
namespace {

Task<void> sleep_and_note(Loop& loop, int millis, std::vector<int>& order) {
  co_await sleep_for(loop, Duration::millis(millis));
  order.push_back(millis);
  co_return kOk;
}

TEST(Sleep, EndsAtItsTimeInOrderOfTime) {
  ManualLoop loop;
  Scope scope(loop, nullptr);
  std::vector<int> order;
  for (int millis : {30, 10, 20}) {
    scope.spawn(sleep_and_note(loop, millis, order));
  }
  const Instant start = loop.now();
  loop.run();
  EXPECT_EQ(order, (std::vector<int>{10, 20, 30}));
  EXPECT_EQ(loop.now() - start, Duration::millis(30));
}

TEST(Sleep, CancelsItsTimerWhenItIsDropped) {
  ManualLoop loop;
  std::vector<int> order;
  const Instant start = loop.now();
  {
    Scope scope(loop, nullptr);
    scope.spawn(sleep_and_note(loop, 50, order));
  }
  loop.run();
  EXPECT_TRUE(order.empty());
  EXPECT_EQ(loop.now(), start);
}

TEST(Sleep, UntilAPastTimeStillGoesThroughTheLoop) {
  ManualLoop loop;
  Scope scope(loop, nullptr);
  std::vector<int> order;
  scope.spawn(sleep_and_note(loop, -5, order));
  EXPECT_TRUE(order.empty());
  loop.run();
  EXPECT_EQ(order.size(), 1U);
}

Task<void> speak_twice(Loop& loop, std::string name, std::vector<std::string>& log) {
  log.push_back(name + "1");
  co_await yield(loop);
  log.push_back(name + "2");
  co_return kOk;
}

TEST(Yield, LetsWhatIsReadyRunFirst) {
  ManualLoop loop;
  Scope scope(loop, nullptr);
  std::vector<std::string> log;
  scope.spawn(speak_twice(loop, "a", log));
  scope.spawn(speak_twice(loop, "b", log));
  loop.run();
  EXPECT_EQ(log, (std::vector<std::string>{"a1", "b1", "a2", "b2"}));
}

TEST(Yield, IsForgottenWhenItsTaskIsDropped) {
  ManualLoop loop;
  std::vector<std::string> log;
  {
    Scope scope(loop, nullptr);
    scope.spawn(speak_twice(loop, "a", log));
  }
  loop.run();
  EXPECT_EQ(log.size(), 1U);
}

}  // namespace
}  // namespace kelpie::async
