#include "async/manual_loop.h"

#include <gtest/gtest.h>

#include <vector>

namespace kelpie::async {
namespace {

TEST(ManualLoop, RunsPostedWorkInOrderAndNeverInline) {
  ManualLoop loop;
  std::vector<int> order;
  loop.post([&] {
    order.push_back(1);
    loop.post([&] { order.push_back(3); });
  });
  loop.post_from_thread([&] { order.push_back(2); });
  EXPECT_TRUE(order.empty());
  loop.run_ready();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(ManualLoop, FiresTimersInOrderOfTimeThenOfCreation) {
  ManualLoop loop;
  std::vector<int> order;
  const Instant start = loop.now();
  loop.start_timer(start + Duration::millis(2), [&] { order.push_back(3); });
  loop.start_timer(start + Duration::millis(1), [&] { order.push_back(1); });
  loop.start_timer(start + Duration::millis(1), [&] { order.push_back(2); });
  loop.run();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(ManualLoop, NeverMovesTimeBackForATimerThatIsLate) {
  ManualLoop loop;
  const Instant start = loop.now();
  loop.start_timer(start + Duration::seconds(1), [&] { loop.start_timer(start, [] {}); });
  loop.run();
  EXPECT_EQ(loop.now(), start + Duration::seconds(1));
}

TEST(ManualLoop, DoesNotRunACancelledTimer) {
  ManualLoop loop;
  int fired = 0;
  const TimerId timer = loop.start_timer(loop.now() + Duration::millis(1), [&] { ++fired; });
  loop.cancel_timer(timer);
  loop.cancel_timer(timer);
  loop.cancel_timer(TimerId(999));
  EXPECT_FALSE(loop.step());
  EXPECT_EQ(fired, 0);
}

TEST(ManualLoop, RunsWhatIsReadyBeforeItMovesTime) {
  ManualLoop loop;
  std::vector<int> order;
  loop.start_timer(loop.now(), [&] { order.push_back(2); });
  loop.post([&] { order.push_back(1); });
  loop.run();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

}  // namespace
}  // namespace kelpie::async
