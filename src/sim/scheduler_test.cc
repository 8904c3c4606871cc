#include "sim/scheduler.h"

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

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

TEST(Scheduler, TimeStandsStillWhereTicksAreZero) {
  Choices choices(3);
  Trace trace;
  Scheduler scheduler(choices, trace, {.tick_min_ns = 0, .tick_spread_ns = 1});
  SimLoop& loop = scheduler.add_loop(HostId(1), "a", Incarnation(1));
  for (int i = 0; i < 100; ++i) {
    loop.post([] {});
  }
  while (scheduler.step()) {
  }
  EXPECT_EQ(scheduler.events(), 100U);
  EXPECT_EQ(scheduler.now_ns(), 0);
}

class Readiness final : public ReadyListener {
 public:
  void ready(std::span<const ReadyWork> works) override {
    std::string hosts;
    for (const ReadyWork& work : works) {
      hosts += std::to_string(work.host.get());
    }
    heard.push_back(hosts);
  }
  std::vector<std::string> heard;
};

TEST(Scheduler, ItsListenerHearsWhatMayRunNext) {
  for (const Policy policy : {Policy::kUniform, Policy::kHostUniform}) {
    Rig rig(3, policy);
    Readiness readiness;
    rig.scheduler.set_ready_listener(readiness);
    SimLoop& a = rig.scheduler.add_loop(HostId(1), "a", Incarnation(1));
    SimLoop& b = rig.scheduler.add_loop(HostId(2), "b", Incarnation(1));
    a.post([] {});
    a.post([] {});
    b.post([] {});
    rig.run();
    ASSERT_EQ(readiness.heard.size(), 3U);
    EXPECT_EQ(readiness.heard.front(), policy == Policy::kUniform ? "112" : "12");
    EXPECT_EQ(readiness.heard.back().size(), 1U);
  }
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

TEST(Scheduler, AClockThatDriftsFiresItsTimersByItsOwnTime) {
  for (const int64_t ppm : {-100'000, -1, 0, 1, 99'999}) {
    Rig rig(7);
    SimLoop& loop = rig.scheduler.add_loop(HostId(1), "a", Incarnation(1), ppm);
    const Instant due = loop.now() + Duration::seconds(10);
    Instant fired;
    loop.start_timer(due, [&] { fired = loop.now(); });
    rig.run();
    EXPECT_GE(fired, due) << ppm;
    EXPECT_LT(fired, due + Duration::millis(1)) << ppm;
    const int64_t simulated = rig.scheduler.now_ns();
    if (ppm < -1'000) {
      EXPECT_GT(simulated, 10'500'000'000);
    } else if (ppm > 1'000) {
      EXPECT_LT(simulated, 9'500'000'000);
    }
  }
}

TEST(Scheduler, ALocalClockNeverGoesBack) {
  const LocalTime time{.origin_ns = 5, .drift_ppm = -99'999};
  int64_t last = time.at(0);
  for (int64_t ns = 0; ns < 3'000'000; ns += 7) {
    const int64_t now = time.at(ns);
    ASSERT_GE(now, last);
    last = now;
    ASSERT_LE(time.when(now), ns);
  }
}

TEST(Scheduler, WorkOfASlowHostWaitsAndThatIsFelt) {
  Rig rig(8);
  SimLoop& loop = rig.scheduler.add_loop(HostId(1), "a", Incarnation(1));
  int felt = 0;
  rig.scheduler.slow_down(HostId(1), Duration::millis(3), [&] { ++felt; });
  int ran = 0;
  for (int i = 0; i < 5; ++i) {
    loop.post([&] { ++ran; });
  }
  rig.run();
  EXPECT_EQ(ran, 5);
  EXPECT_EQ(felt, 4);
  EXPECT_GE(rig.scheduler.now_ns(), 12'000'000);
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

// Of a run that is left to itself, once `begin` has set it going.
std::string tripped(SchedulerOptions options, void (*begin)(Scheduler&, SimLoop&)) {
  Choices choices(1);
  Trace trace;
  Scheduler scheduler(choices, trace, options);
  begin(scheduler, scheduler.add_loop(HostId(1), "a", Incarnation(1)));
  while (scheduler.step()) {
  }
  return scheduler.tripped();
}

TEST(Scheduler, AGuardStopsAQueueThatGrows) {
  const auto ten = [](Scheduler&, SimLoop& loop) {
    for (int i = 0; i < 10; ++i) {
      loop.post([] {});
    }
  };
  EXPECT_EQ(tripped({.ready_max = 10}, ten), "");
  EXPECT_EQ(tripped({.ready_max = 9}, ten), "more than 9 pieces of work are ready");
}

TEST(Scheduler, AGuardStopsAQueueThatGrowsWhileItsHostStandsStill) {
  const auto ten = [](Scheduler& scheduler, SimLoop& loop) {
    scheduler.pause(HostId(1));
    for (int i = 0; i < 10; ++i) {
      loop.post([] {});
    }
    SimLoop& system = scheduler.system();
    system.start_timer(system.now() + Duration::seconds(1),
                       [&scheduler] { scheduler.resume(HostId(1)); });
  };
  EXPECT_EQ(tripped({.ready_max = 10}, ten), "");
  EXPECT_EQ(tripped({.ready_max = 9}, ten), "more than 9 pieces of work wait for a#1");
}

TEST(Scheduler, AGuardStopsALoopWithEverMoreTimers) {
  const auto ten = [](Scheduler&, SimLoop& loop) {
    for (int i = 0; i < 10; ++i) {
      loop.start_timer(loop.now() + Duration::seconds(i), [] {});
    }
  };
  EXPECT_EQ(tripped({.timers_max = 10}, ten), "");
  EXPECT_EQ(tripped({.timers_max = 9}, ten), "a#1 has more than 9 timers");
}

struct NoDelay {
  static void again(SimLoop& on) {
    on.start_timer(on.now(), [&on] { again(on); });
  }
};

// Each of its events is a timer's, so that nothing but the clock tells.
TEST(Scheduler, AGuardStopsTimersThatAreDueAgainAndAgainAtOneInstant) {
  const auto spin = [](Scheduler&, SimLoop& loop) { NoDelay::again(loop); };
  EXPECT_NE(tripped({.tick_min_ns = 0, .tick_spread_ns = 1, .events_at_instant_max = 1'000}, spin)
                .find("time stood still"),
            std::string::npos);
  EXPECT_EQ(tripped({.events_max = 5'000, .events_at_instant_max = 1'000}, spin),
            "more than 5000 events");
}

}  // namespace
}  // namespace kelpie::sim
