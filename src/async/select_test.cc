#include "async/select.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "async/event.h"
#include "async/manual_loop.h"
#include "async/scope.h"

namespace kelpie::async {
namespace {

Task<int> now(int value) { co_return value; }
Task<int> after(Loop& loop, int millis, int value) {
  co_await sleep_for(loop, Duration::millis(millis));
  co_return value;
}
Task<std::string> fail_after(Loop& loop, int millis) {
  co_await sleep_for(loop, Duration::millis(millis));
  co_return base::unavailable("broken");
}

class Flag {
 public:
  explicit Flag(bool& flag) : flag_(flag) {}
  Flag(const Flag&) = delete;
  ~Flag() { flag_ = true; }

 private:
  bool& flag_;
};
Task<int> never(Event& event, bool& dropped) {
  Flag flag(dropped);
  co_await event.wait();
  co_return 0;
}

TEST(Select, EndsWithTheFirstSideAndDropsTheOther) {
  ManualLoop loop;
  Event event(loop);
  bool dropped = false;
  const auto either = loop.run(select(after(loop, 5, 1), never(event, dropped))).value();
  ASSERT_TRUE(either.first.has_value());
  EXPECT_FALSE(either.second.has_value());
  EXPECT_EQ(either.first->value(), 1);
  EXPECT_TRUE(dropped);
}

TEST(Select, EndsWithTheSecondSideWhenThatIsFirst) {
  ManualLoop loop;
  const auto either = loop.run(select(after(loop, 9, 1), after(loop, 3, 2))).value();
  EXPECT_FALSE(either.first.has_value());
  ASSERT_TRUE(either.second.has_value());
  EXPECT_EQ(either.second->value(), 2);
  EXPECT_EQ(loop.now() - Instant::from_nanos(1), Duration::millis(3));
}

TEST(Select, TakesASideThatIsReadyAtOnce) {
  ManualLoop loop;
  const auto first = loop.run(select(now(1), after(loop, 3, 2))).value();
  EXPECT_EQ(first.first->value(), 1);
  const auto second = loop.run(select(after(loop, 3, 1), now(2))).value();
  EXPECT_EQ(second.second->value(), 2);
  EXPECT_FALSE(second.first.has_value());
}

TEST(Select, PassesAnErrorOfASideOnAsThatSidesResult) {
  ManualLoop loop;
  const auto either = loop.run(select(fail_after(loop, 2), after(loop, 9, 1))).value();
  ASSERT_TRUE(either.first.has_value());
  EXPECT_EQ(either.first->error().code, Code::kUnavailable);
}

TEST(Select, MayBeDroppedWhileBothSidesWait) {
  ManualLoop loop;
  Event event(loop);
  bool first_dropped = false;
  bool second_dropped = false;
  {
    auto task = select(never(event, first_dropped), never(event, second_dropped));
    EXPECT_FALSE(task.start([](void*) {}, nullptr));
    EXPECT_FALSE(first_dropped || second_dropped);
  }
  EXPECT_TRUE(first_dropped && second_dropped);
}

TEST(Timeout, PassesAResultInTimeThrough) {
  ManualLoop loop;
  EXPECT_EQ(loop.run(timeout(loop, Duration::millis(10), after(loop, 5, 3))).value(), 3);
  EXPECT_EQ(loop.run(timeout(loop, Duration::millis(10), fail_after(loop, 5))).error().code,
            Code::kUnavailable);
}

TEST(Timeout, DropsATaskThatIsLateAndSaysAfterHowLong) {
  ManualLoop loop;
  Event event(loop);
  bool dropped = false;
  const Instant start = loop.now();
  const Result<int> result = loop.run(timeout(loop, Duration::millis(10), never(event, dropped)));
  EXPECT_EQ(result.error(), base::deadline_exceeded("timed out after 10 ms"));
  EXPECT_TRUE(dropped);
  EXPECT_EQ(loop.now() - start, Duration::millis(10));
}

TEST(Timeout, LeavesNoTimerBehind) {
  ManualLoop loop;
  EXPECT_TRUE(loop.run(timeout(loop, Duration::hours(1), after(loop, 1, 3))).ok());
  loop.run();
  EXPECT_LT(loop.now() - Instant::from_nanos(1), Duration::seconds(1));
}

}  // namespace
}  // namespace kelpie::async
