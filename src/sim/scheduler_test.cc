#include "sim/scheduler.h"

#include <gtest/gtest.h>

#include <string>

#include "async/scope.h"
#include "async/sleep.h"

namespace kelpie::sim {
namespace {

struct Rig {
  explicit Rig(uint64_t seed, Policy policy = Policy::kUniform)
      : choices(seed), scheduler(choices, trace, SchedulerOptions{.policy = policy}) {}
  void run() {
    while (scheduler.step()) {
    }
  }
  Choices choices;
  Trace trace;
  Scheduler scheduler;
};

constexpr Policy kPolicies[] = {Policy::kFifo, Policy::kUniform, Policy::kHostUniform,
                                Policy::kPct};

uint64_t hash_of(uint64_t seed, Policy policy) {
  Rig rig(seed, policy);
  SimLoop& a = rig.scheduler.add_loop(HostId(1), "a", Incarnation(1));
  SimLoop& b = rig.scheduler.add_loop(HostId(2), "b", Incarnation(1));
  for (int i = 0; i < 50; ++i) {
    a.post([&b] { b.post([] {}); });
    b.start_timer(b.now() + Duration::micros(i % 7), [&a] { a.post([] {}); });
  }
  rig.run();
  EXPECT_EQ(rig.scheduler.events(), 200u);
  return rig.trace.hash();
}

TEST(Scheduler, OneSeedGivesOneHashUnderEveryPolicy) {
  for (Policy policy : kPolicies) {
    EXPECT_EQ(hash_of(1, policy), hash_of(1, policy)) << policy_name(policy);
  }
}

TEST(Scheduler, AnotherSeedGivesAnotherHash) {
  for (Policy policy : kPolicies) {
    EXPECT_NE(hash_of(1, policy), hash_of(2, policy)) << policy_name(policy);
  }
}

TEST(Scheduler, TimeMovesByFiftyToAHundredNanosecondsPerEvent) {
  Rig rig(3);
  SimLoop& loop = rig.scheduler.add_loop(HostId(1), "a", Incarnation(1));
  for (int i = 0; i < 100; ++i) {
    loop.post([] {});
  }
  rig.run();
  EXPECT_GE(rig.scheduler.now_ns(), 5'000);
  EXPECT_LE(rig.scheduler.now_ns(), 10'000);
}

TEST(Scheduler, TimeJumpsToTheNextTimerWhenNothingIsReady) {
  Rig rig(3);
  SimLoop& loop = rig.scheduler.add_loop(HostId(1), "a", Incarnation(1));
  const Instant due = loop.now() + Duration::minutes(30);
  Instant ran;
  loop.start_timer(due, [&] { ran = loop.now(); });
  rig.run();
  EXPECT_EQ(ran, due);
}

TEST(SimLoop, RunsItsTimersInOrderOfDueAndCreationUnderEveryPolicy) {
  for (Policy policy : kPolicies) {
    for (uint64_t seed = 1; seed < 20; ++seed) {
      Rig rig(seed, policy);
      SimLoop& loop = rig.scheduler.add_loop(HostId(1), "a", Incarnation(1));
      std::string order;
      const Instant due = loop.now() + Duration::nanos(500);
      loop.start_timer(due + Duration::nanos(1), [&] { order += 'c'; });
      loop.start_timer(due, [&] {
        order += 'a';
        loop.start_timer(due, [&] { order += '!'; });
      });
      loop.start_timer(due, [&] { order += 'b'; });
      rig.run();
      ASSERT_EQ(order.size(), 4u);
      EXPECT_LT(order.find('a'), order.find('b'));
      EXPECT_LT(order.find('b'), order.find('c'));
    }
  }
}

TEST(SimLoop, ACancelledTimerDoesNotRunEvenWhenItIsDue) {
  Rig rig(3, Policy::kFifo);
  SimLoop& loop = rig.scheduler.add_loop(HostId(1), "a", Incarnation(1));
  bool ran = false;
  const Instant due = loop.now() + Duration::nanos(10);
  const async::TimerId late = loop.start_timer(due + Duration::nanos(1), [&] { ran = true; });
  loop.start_timer(due, [&] { loop.cancel_timer(late); });
  loop.post([] {});
  rig.run();
  EXPECT_FALSE(ran);
  EXPECT_EQ(loop.timers(), 0u);
}

TEST(SimLoop, AfterItsGateClosedNothingOfItRunsAndNothingNewIsTaken) {
  Rig rig(3);
  SimLoop& dead = rig.scheduler.add_loop(HostId(1), "a", Incarnation(1));
  SimLoop& alive = rig.scheduler.add_loop(HostId(1), "a", Incarnation(2));
  int ran = 0;
  dead.post([&] { ran += 100; });
  dead.start_timer(dead.now() + Duration::millis(1), [&] { ran += 100; });
  alive.post([&] { ran += 1; });
  dead.close_gate();
  dead.post([&] { ran += 100; });
  dead.start_timer(dead.now(), [&] { ran += 100; });
  rig.run();
  EXPECT_EQ(ran, 1);
  EXPECT_EQ(dead.queued() + dead.timers(), 0u);
}

Task<void> sleeper(SimLoop& loop, bool& woke) {
  co_await async::sleep_for(loop, Duration::millis(5));
  woke = true;
  co_return kOk;
}

TEST(SimLoop, ATaskOfADeadIncarnationIsDestroyedWithoutRunning) {
  Rig rig(3);
  SimLoop& loop = rig.scheduler.add_loop(HostId(1), "a", Incarnation(1));
  bool woke = false;
  {
    async::Scope scope(loop, nullptr);
    scope.spawn(sleeper(loop, woke));
    loop.close_gate();
  }
  rig.run();
  EXPECT_FALSE(woke);
}

TEST(Scheduler, AGuardStopsWhatNeverEnds) {
  Choices choices(1);
  Trace trace;
  Scheduler scheduler(choices, trace, SchedulerOptions{.simulated_ns_max = 1'000'000'000});
  SimLoop& loop = scheduler.add_loop(HostId(1), "a", Incarnation(1));
  struct Ticker {
    static void again(SimLoop& on) {
      on.start_timer(on.now() + Duration::millis(10), [&on] { again(on); });
    }
  };
  Ticker::again(loop);
  while (scheduler.step()) {
  }
  EXPECT_NE(scheduler.tripped().find("simulated seconds"), std::string::npos);
}

TEST(Scheduler, AGuardStopsWhatSpins) {
  Choices choices(1);
  Trace trace;
  Scheduler scheduler(choices, trace, SchedulerOptions{.events_without_timer_max = 1'000});
  SimLoop& loop = scheduler.add_loop(HostId(1), "a", Incarnation(1));
  struct Spin {
    static void again(SimLoop& on) {
      on.post([&on] { again(on); });
    }
  };
  Spin::again(loop);
  while (scheduler.step()) {
  }
  EXPECT_NE(scheduler.tripped().find("spins"), std::string::npos);
}

}  // namespace
}  // namespace kelpie::sim
