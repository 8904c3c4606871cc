#include "async/run_on.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <utility>

#include "async/manual_loop.h"
#include "async/sleep.h"

namespace kelpie::async {
namespace {

Task<int> answer_after(Loop& loop, Duration pause, int value) {
  co_await sleep_for(loop, pause);
  co_return value;
}

Task<int> refuse() { co_return base::not_found("nothing here"); }

Task<void> note(Loop& loop, bool& done) {
  co_await sleep_for(loop, Duration::millis(5));
  done = true;
  co_return kOk;
}

// Runs two loops in turn until both are idle.
void run_both(ManualLoop& one, ManualLoop& two) {
  while (one.step() || two.step()) {
  }
}

class RunOnTest : public ::testing::Test {
 protected:
  template <class T>
  std::optional<Result<T>> result_of(Task<T> task) {
    task.start([](void*) {}, nullptr);
    run_both(here_, there_);
    if (!task.done()) {
      return std::nullopt;
    }
    return task.take();
  }
  ManualLoop here_;
  ManualLoop there_;
  Scope scope_{there_, nullptr};
  const LoopHandle handle_{there_, scope_};
};

TEST_F(RunOnTest, HandsTheValueOver) {
  auto result = result_of(
      run_on<int>(here_, handle_, [this] { return answer_after(there_, Duration::millis(3), 7); }));
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->value(), 7);
}

TEST_F(RunOnTest, HandsTheErrorOver) {
  auto result = result_of(run_on<int>(here_, handle_, refuse));
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->error().code, Code::kNotFound);
}

TEST_F(RunOnTest, RunsNothingOnTheCallersOwnStack) {
  bool called = false;
  auto task = run_on<int>(here_, handle_, [&called] {
    called = true;
    return refuse();
  });
  task.start([](void*) {}, nullptr);
  EXPECT_FALSE(called);
  run_both(here_, there_);
  EXPECT_TRUE(called);
}

TEST_F(RunOnTest, WorkGoesOnWhenTheWaitingSideIsDropped) {
  bool done = false;
  {
    auto task = run_on<void>(here_, handle_, [&] { return note(there_, done); });
    task.start([](void*) {}, nullptr);
  }
  run_both(here_, there_);
  EXPECT_TRUE(done);
}

TEST_F(RunOnTest, TheWaitingSideWaitsWhenTheOtherScopeIsCancelled) {
  auto task =
      run_on<int>(here_, handle_, [this] { return answer_after(there_, Duration::seconds(1), 1); });
  task.start([](void*) {}, nullptr);
  there_.run_ready();
  scope_.cancel();
  run_both(here_, there_);
  EXPECT_FALSE(task.done());
}

}  // namespace
}  // namespace kelpie::async
