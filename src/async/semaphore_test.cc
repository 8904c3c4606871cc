#include "async/semaphore.h"

#include <gtest/gtest.h>

#include <optional>
#include <utility>
#include <vector>

#include "async/manual_loop.h"
#include "async/scope.h"
#include "async/sleep.h"

namespace kelpie::async {
namespace {

Task<void> hold(Loop& loop, Semaphore& semaphore, int millis, int name, std::vector<int>& order) {
  Semaphore::Permit permit = co_await semaphore.acquire();
  order.push_back(name);
  co_await sleep_for(loop, Duration::millis(millis));
  co_return kOk;
}

struct Peak {
  int now = 0;
  int most = 0;
};
Task<void> hold_counted(Loop& loop, Semaphore& semaphore, Peak& peak) {
  Semaphore::Permit permit = co_await semaphore.acquire();
  peak.most = std::max(peak.most, ++peak.now);
  co_await sleep_for(loop, Duration::millis(5));
  --peak.now;
  co_return kOk;
}

TEST(Semaphore, LetsAtMostItsPermitsInAtATime) {
  ManualLoop loop;
  Semaphore semaphore(loop, 3);
  Scope scope(loop, nullptr);
  Peak peak;
  for (int i = 0; i < 10; ++i) {
    scope.spawn(hold_counted(loop, semaphore, peak));
  }
  EXPECT_EQ(semaphore.waiting(), 7U);
  loop.run();
  EXPECT_EQ(peak.most, 3);
  EXPECT_EQ(peak.now, 0);
  EXPECT_EQ(scope.size(), 0U);
}

TEST(Semaphore, ServesInTheOrderOfAsking) {
  ManualLoop loop;
  Semaphore semaphore(loop, 1);
  Scope scope(loop, nullptr);
  std::vector<int> order;
  for (int name = 1; name <= 5; ++name) {
    scope.spawn(hold(loop, semaphore, 10 - name, name, order));
  }
  loop.run();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3, 4, 5}));
}

TEST(Semaphore, ForgetsAWaiterThatIsDropped) {
  ManualLoop loop;
  Semaphore semaphore(loop, 1);
  std::vector<int> order;
  Scope stays(loop, nullptr);
  stays.spawn(hold(loop, semaphore, 5, 1, order));
  {
    Scope leaves(loop, nullptr);
    leaves.spawn(hold(loop, semaphore, 5, 2, order));
    EXPECT_EQ(semaphore.waiting(), 1U);
  }
  EXPECT_EQ(semaphore.waiting(), 0U);
  stays.spawn(hold(loop, semaphore, 5, 3, order));
  loop.run();
  EXPECT_EQ(order, (std::vector<int>{1, 3}));
}

TEST(Semaphore, HandsAPermitOnWhenItsReceiverIsDroppedBeforeItRan) {
  ManualLoop loop;
  Semaphore semaphore(loop, 1);
  std::vector<int> order;
  Scope stays(loop, nullptr);
  std::optional<Semaphore::Permit> first(loop.run(semaphore.acquire()).value());
  {
    Scope leaves(loop, nullptr);
    leaves.spawn(hold(loop, semaphore, 5, 1, order));
    stays.spawn(hold(loop, semaphore, 5, 2, order));
    first.reset();
  }
  loop.run();
  EXPECT_EQ(order, (std::vector<int>{2}));
}

TEST(Semaphore, TakesAPermitBackOnce) {
  ManualLoop loop;
  Semaphore semaphore(loop, 1);
  Semaphore::Permit permit = loop.run(semaphore.acquire()).value();
  Semaphore::Permit moved = std::move(permit);
  permit.release();
  std::vector<int> order;
  Scope scope(loop, nullptr);
  scope.spawn(hold(loop, semaphore, 1, 1, order));
  EXPECT_TRUE(order.empty());
  moved.release();
  moved.release();
  scope.spawn(hold(loop, semaphore, 1, 2, order));
  EXPECT_EQ(semaphore.waiting(), 1U) << "one permit must not have become two";
  loop.run();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

}  // namespace
}  // namespace kelpie::async
