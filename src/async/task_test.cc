#include "async/task.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "async/event.h"
#include "async/manual_loop.h"
#include "async/sleep.h"

namespace kelpie::async {
namespace {

// Notes its name when it is destroyed.
class Trace {
 public:
  Trace(std::vector<std::string>& log, std::string name) : log_(log), name_(std::move(name)) {}
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;
  ~Trace() { log_.push_back(name_); }

 private:
  std::vector<std::string>& log_;
  std::string name_;
};

Task<int> ready(int value) { co_return value; }
Task<int> failing(std::string why) { co_return base::unavailable(std::move(why)); }
Task<int> after(Loop& loop, int millis, int value) {
  co_await sleep_for(loop, Duration::millis(millis));
  co_return value;
}
Task<int> failing_after(Loop& loop, int millis) {
  co_await sleep_for(loop, Duration::millis(millis));
  co_return base::unavailable("gone");
}

Task<int> count_start(int& started) {
  ++started;
  co_return started;
}

TEST(Task, RunsNothingUntilItIsAwaited) {
  ManualLoop loop;
  int started = 0;
  {
    Task<int> dropped = count_start(started);
    EXPECT_TRUE(dropped.valid());
    EXPECT_FALSE(dropped.done());
  }
  EXPECT_EQ(started, 0);
  EXPECT_EQ(loop.run(count_start(started)).value(), 1);
}

Task<int> add_two(Loop& loop) {
  const int first = co_await ready(40);
  const int second = co_await after(loop, 5, 2);
  co_return first + second;
}

TEST(Task, UnwrapsTheValuesThatItAwaits) {
  ManualLoop loop;
  EXPECT_EQ(loop.run(add_two(loop)).value(), 42);
}

Task<int> goes_on_after(Task<int> inner, bool& reached) {
  const int value = co_await std::move(inner);
  reached = true;
  co_return value;
}

TEST(Task, ReturnsEarlyWithTheErrorOfAReadyTask) {
  ManualLoop loop;
  bool reached = false;
  const Result<int> result = loop.run(goes_on_after(failing("no route"), reached));
  EXPECT_EQ(result.error(), base::unavailable("no route"));
  EXPECT_FALSE(reached);
}

TEST(Task, ReturnsEarlyWithTheErrorOfATaskThatWaited) {
  ManualLoop loop;
  bool reached = false;
  const Result<int> result = loop.run(goes_on_after(failing_after(loop, 5), reached));
  EXPECT_EQ(result.error().code, Code::kUnavailable);
  EXPECT_FALSE(reached);
}

Task<std::string> look_at(Task<int> inner) {
  const Result<int> result = co_await std::move(inner).result();
  co_return result.ok() ? "value" : result.error().message;
}

TEST(Task, LooksAtAResultWithoutReturningEarly) {
  ManualLoop loop;
  EXPECT_EQ(loop.run(look_at(failing("no route"))).value(), "no route");
  EXPECT_EQ(loop.run(look_at(failing_after(loop, 1))).value(), "gone");
  EXPECT_EQ(loop.run(look_at(after(loop, 1, 3))).value(), "value");
}

Result<int> checked(int value) {
  if (value < 0) {
    return base::out_of_range("negative");
  }
  return value;
}
Task<int> unwraps_plain(int value) {
  const int got = co_await checked(value);
  co_return got + 1;
}

TEST(Task, AwaitsAPlainResultTheSameWay) {
  ManualLoop loop;
  EXPECT_EQ(loop.run(unwraps_plain(1)).value(), 2);
  EXPECT_EQ(loop.run(unwraps_plain(-1)).error().code, Code::kOutOfRange);
}

Task<int> fails_at_depth(Loop& loop, int depth, bool waits) {
  if (depth == 0) {
    co_return co_await (waits ? failing_after(loop, 1) : failing("bottom"));
  }
  co_return co_await fails_at_depth(loop, depth - 1, waits) + 1;
}

TEST(Task, CarriesAnErrorThroughManyLevels) {
  ManualLoop loop;
  EXPECT_EQ(loop.run(fails_at_depth(loop, 500, /*waits=*/false)).error().message, "bottom");
  EXPECT_EQ(loop.run(fails_at_depth(loop, 500, /*waits=*/true)).error().message, "gone");
}

Task<int64_t> sum_ready(int rounds) {
  int64_t sum = 0;
  for (int i = 0; i < rounds; ++i) {
    sum += co_await ready(1);
  }
  co_return sum;
}

TEST(Task, UsesNoStackForALongChainOfReadyAwaits) {
  ManualLoop loop;
  EXPECT_EQ(loop.run(sum_ready(1'000'000)).value(), 1'000'000);
}

Task<void> waits_with_trace(Event& event, std::vector<std::string>& log) {
  Trace outer(log, "outer");
  {
    Trace inner(log, "inner");
    co_await event.wait();
  }
  co_return kOk;
}
Task<void> parent_of_waiting(Event& event, std::vector<std::string>& log) {
  Trace parent(log, "parent");
  co_await waits_with_trace(event, log);
  co_return kOk;
}

TEST(Task, DroppingItDestroysAllThatItAwaitsAtOnceInnermostFirst) {
  ManualLoop loop;
  Event event(loop);
  std::vector<std::string> log;
  {
    Task<void> task = parent_of_waiting(event, log);
    EXPECT_FALSE(task.start([](void*) {}, nullptr));
    EXPECT_TRUE(log.empty());
  }
  EXPECT_EQ(log, (std::vector<std::string>{"inner", "outer", "parent"}));
  event.set();
  loop.run();
}

TEST(Task, DroppedBetweenWakeUpAndResumptionNeverResumes) {
  ManualLoop loop;
  Event event(loop);
  std::vector<std::string> log;
  Task<void> task = parent_of_waiting(event, log);
  EXPECT_FALSE(task.start([](void*) {}, nullptr));
  event.set();
  task = Task<void>();
  EXPECT_EQ(log.size(), 3U);
  loop.run();
  EXPECT_EQ(log.size(), 3U);
}

Task<void> fails_holding(std::vector<std::string>& log) {
  Trace held(log, "held");
  co_await failing("x");
  co_return kOk;
}
Task<void> notes_after_failure(std::vector<std::string>& log) {
  const Result<void> result = co_await fails_holding(log).result();
  log.push_back(result.ok() ? "ok" : "failed");
  co_return kOk;
}

TEST(Task, DestroysTheLocalsOfAFailedTaskBeforeItsErrorIsSeen) {
  ManualLoop loop;
  std::vector<std::string> log;
  EXPECT_TRUE(loop.run(notes_after_failure(log)).ok());
  EXPECT_EQ(log, (std::vector<std::string>{"held", "failed"}));
}

Task<std::unique_ptr<int>> owned(int value) { co_return std::make_unique<int>(value); }
Task<int> takes_owned() {
  std::unique_ptr<int> pointer = co_await owned(9);
  co_return *pointer;
}

TEST(Task, MovesAValueThatCannotBeCopied) {
  ManualLoop loop;
  EXPECT_EQ(loop.run(takes_owned()).value(), 9);
}

TEST(Task, TellsItsOwnerOnceAfterItHadToWait) {
  ManualLoop loop;
  int told = 0;
  Task<int> task = after(loop, 3, 7);
  EXPECT_FALSE(task.start([](void* count) { ++*static_cast<int*>(count); }, &told));
  EXPECT_EQ(told, 0);
  loop.run();
  EXPECT_EQ(told, 1);
  ASSERT_TRUE(task.done());
  EXPECT_EQ(task.take().value(), 7);
}

TEST(Task, DoesNotTellAnOwnerWhoseStartAlreadySawTheEnd) {
  int told = 0;
  Task<int> task = ready(7);
  EXPECT_TRUE(task.start([](void* count) { ++*static_cast<int*>(count); }, &told));
  EXPECT_EQ(told, 0);
  EXPECT_EQ(task.take().value(), 7);
}

}  // namespace
}  // namespace kelpie::async
