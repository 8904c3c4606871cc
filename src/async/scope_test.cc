#include "async/scope.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "async/manual_loop.h"
#include "async/sleep.h"

namespace kelpie::async {
namespace {

class Counted {
 public:
  explicit Counted(int& alive) : alive_(alive) { ++alive_; }
  Counted(const Counted&) = delete;
  ~Counted() { --alive_; }

 private:
  int& alive_;
};

Task<void> live_for(Loop& loop, int millis, int& alive) {
  Counted counted(alive);
  co_await sleep_for(loop, Duration::millis(millis));
  co_return kOk;
}
Task<void> live_not_at_all(int& alive) {
  Counted counted(alive);
  co_return kOk;
}
Task<void> end_with(Loop& loop, int millis, Error error) {
  co_await sleep_for(loop, Duration::millis(millis));
  co_return error;
}
Task<void> wait_for(Event& event, bool& seen) {
  co_await event.wait();
  seen = true;
  co_return kOk;
}

TEST(Scope, StartsATaskBeforeSpawnReturns) {
  ManualLoop loop;
  Scope scope(loop, nullptr);
  int alive = 0;
  scope.spawn(live_for(loop, 5, alive));
  EXPECT_EQ(alive, 1);
  EXPECT_EQ(scope.size(), 1U);
  loop.run();
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(scope.size(), 0U);
}

TEST(Scope, TakesATaskThatEndsAtOnce) {
  ManualLoop loop;
  Scope scope(loop, nullptr);
  int alive = 0;
  scope.spawn(live_not_at_all(alive));
  EXPECT_EQ(scope.size(), 0U);
  loop.run();
  EXPECT_EQ(alive, 0);
}

TEST(Scope, DestroysWhatStillRunsWhenItIsDestroyed) {
  ManualLoop loop;
  int alive = 0;
  {
    Scope scope(loop, nullptr);
    scope.spawn(live_for(loop, 5, alive));
    scope.spawn(live_for(loop, 9, alive));
    EXPECT_EQ(alive, 2);
  }
  EXPECT_EQ(alive, 0);
  EXPECT_FALSE(loop.step()) << "no timer may be left";
}

TEST(Scope, MayBeDestroyedBeforeTheLoopHasBuriedAnEndedTask) {
  ManualLoop loop;
  int alive = 0;
  {
    Scope scope(loop, nullptr);
    scope.spawn(live_not_at_all(alive));
  }
  EXPECT_EQ(alive, 0);
  loop.run();
}

TEST(Scope, ReportsErrorsButNotCancellation) {
  ManualLoop loop;
  std::vector<std::string> reported;
  Scope scope(loop, [&](const Error& error) { reported.push_back(error.message); });
  scope.spawn(end_with(loop, 1, base::unavailable("first")));
  scope.spawn(end_with(loop, 2, base::cancelled("quiet")));
  scope.spawn(end_with(loop, 3, base::internal("third")));
  loop.run();
  EXPECT_EQ(reported, (std::vector<std::string>{"first", "third"}));
}

TEST(Scope, DrainsOnceTheLastTaskHasEndedAndIsGone) {
  ManualLoop loop;
  Scope scope(loop, nullptr);
  int alive = 0;
  scope.spawn(live_for(loop, 5, alive));
  scope.spawn(live_for(loop, 9, alive));
  const Instant start = loop.now();
  EXPECT_TRUE(loop.run(scope.drain()).ok());
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(loop.now() - start, Duration::millis(9));
}

TEST(Scope, DrainsAtOnceWhenItIsEmpty) {
  ManualLoop loop;
  Scope scope(loop, nullptr);
  EXPECT_TRUE(loop.run(scope.drain()).ok());
}

TEST(Scope, DropsUnstartedWhatIsSpawnedWhileItDrains) {
  ManualLoop loop;
  Scope scope(loop, nullptr);
  int alive = 0;
  scope.spawn(live_for(loop, 5, alive));
  Task<void> drain = scope.drain();
  EXPECT_FALSE(drain.start([](void*) {}, nullptr));
  scope.spawn(live_for(loop, 50, alive));
  EXPECT_EQ(alive, 1);
  loop.run();
  EXPECT_TRUE(drain.done());
}

TEST(Scope, CancelEndsADrainThatWaits) {
  ManualLoop loop;
  Scope scope(loop, nullptr);
  int alive = 0;
  scope.spawn(live_for(loop, 5'000, alive));
  Task<void> drain = scope.drain();
  EXPECT_FALSE(drain.start([](void*) {}, nullptr));
  scope.cancel();
  EXPECT_EQ(alive, 0);
  loop.run();
  EXPECT_TRUE(drain.done());
}

Task<void> spawn_more(Scope& scope, Loop& loop, int depth, int& alive) {
  Counted counted(alive);
  if (depth > 0) {
    scope.spawn(spawn_more(scope, loop, depth - 1, alive));
  }
  co_await sleep_for(loop, Duration::millis(depth));
  co_return kOk;
}

TEST(Scope, LetsItsTasksSpawnTasks) {
  ManualLoop loop;
  Scope scope(loop, nullptr);
  int alive = 0;
  scope.spawn(spawn_more(scope, loop, 10, alive));
  EXPECT_EQ(alive, 11);
  EXPECT_TRUE(loop.run(scope.drain()).ok());
  EXPECT_EQ(alive, 0);
}

// Spawns from its destructor, as a careless owner might.
class SpawnsAtEnd {
 public:
  SpawnsAtEnd(Scope& scope, Loop& loop, int& alive) : scope_(scope), loop_(loop), alive_(alive) {}
  SpawnsAtEnd(const SpawnsAtEnd&) = delete;
  ~SpawnsAtEnd() { scope_.spawn(live_for(loop_, 1, alive_)); }

 private:
  Scope& scope_;
  Loop& loop_;
  int& alive_;
};
Task<void> careless(Scope& scope, Loop& loop, int& alive) {
  SpawnsAtEnd spawns(scope, loop, alive);
  co_await sleep_for(loop, Duration::seconds(1));
  co_return kOk;
}

TEST(Scope, StartsNothingWhileItIsCancelled) {
  ManualLoop loop;
  int alive = 0;
  Scope scope(loop, nullptr);
  scope.spawn(careless(scope, loop, alive));
  scope.cancel();
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(scope.size(), 0U);
}

TEST(Scope, DropsATaskThatWasWokenButHasNotRun) {
  ManualLoop loop;
  Event event(loop);
  bool seen = false;
  Scope scope(loop, nullptr);
  scope.spawn(wait_for(event, seen));
  event.set();
  scope.cancel();
  loop.run();
  EXPECT_FALSE(seen);
}

}  // namespace
}  // namespace kelpie::async
