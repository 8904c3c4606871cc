#include "sim/tools/minimise.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "async/sleep.h"

namespace kelpie::sim {
namespace {

// Fails by what the test can foresee: resets, eight seconds of chaos, two clients, and a die that
// shows no zero in its tenth throw.
class Foreseeable final : public Scenario {
 public:
  explicit Foreseeable(Simulation& simulation) : simulation_(simulation) {}

  Task<void> run() override {
    for (int i = 0; i < 50; ++i) {
      simulation_.choices().choose("noise", 1'000);
      dice_.push_back(simulation_.choices().choose("dice", 6));
      co_await async::sleep_for(simulation_.loop(), Duration::millis(1));
    }
    co_return kOk;
  }
  void judge() override {
    const Swarm& swarm = simulation_.swarm();
    if (swarm.network.reset_rate > 0 && swarm.chaos >= Duration::seconds(8) && swarm.clients >= 2 &&
        dice_.at(9) != 0) {
      simulation_.fail("S3", "as foreseen");
    } else if (swarm.chaos < Duration::seconds(4)) {
      simulation_.fail("S4", "another promise");
    }
  }
  [[nodiscard]] uint64_t operations() const override { return 50; }

 private:
  Simulation& simulation_;
  std::vector<uint64_t> dice_;
};

std::unique_ptr<Scenario> make_foreseeable(Simulation& simulation) {
  return std::make_unique<Foreseeable>(simulation);
}

constexpr ScenarioInfo kForeseeable{"foreseeable", "for this test", 0, make_foreseeable};

Swarm large_swarm() {
  Swarm swarm;
  swarm.chaos = Duration::seconds(90);
  swarm.clients = 4;
  swarm.scheduler.policy = Policy::kUniform;
  swarm.network.reset_rate = 2'000;
  swarm.network.clog_rate = 2'000;
  swarm.crash_interval = Duration::seconds(5);
  return swarm;
}

// The first seed whose tenth throw is no zero.
RunOptions failing_run() {
  for (uint64_t seed = 1;; ++seed) {
    RunOptions options{.seed = seed, .swarm = large_swarm()};
    if (run_seed(kForeseeable, options).failure) {
      return options;
    }
  }
}

TEST(Minimise, LeavesOnlyWhatTheFailureNeeds) {
  std::vector<std::string> steps;
  const Result<Minimised> small = minimise(
      kForeseeable, failing_run(),
      MinimiseOptions{.on_step = [&](std::string_view step) { steps.emplace_back(step); }});
  ASSERT_TRUE(small.ok()) << small.error().message;
  const Swarm& swarm = *small->run.swarm;
  EXPECT_EQ(swarm.network.reset_rate, 2'000u);
  EXPECT_EQ(swarm.network.clog_rate, 0u);
  EXPECT_EQ(swarm.crash_interval, Duration());
  EXPECT_EQ(swarm.scheduler.policy, Policy::kFifo);
  EXPECT_EQ(swarm.clients, 2);
  EXPECT_GE(swarm.chaos, Duration::seconds(8));
  EXPECT_LT(swarm.chaos, Duration::millis(8'500));
  ASSERT_TRUE(small->run.choices.tapes.has_value());
  EXPECT_EQ(small->decisions, 10u);
  EXPECT_EQ(small->run.choices.tapes->at("dice").size(), 10u);
  EXPECT_EQ(small->run.choices.tapes->size(), 1u);
  EXPECT_FALSE(steps.empty());
}

TEST(Minimise, WhatRemainsFailsByTheSamePromise) {
  const Result<Minimised> small = minimise(kForeseeable, failing_run());
  ASSERT_TRUE(small.ok());
  const RunResult again = run_seed(kForeseeable, small->run);
  ASSERT_TRUE(again.failure.has_value());
  EXPECT_EQ(again.failure->oracle, "S3");
}

TEST(Minimise, ACleanRunIsRefused) {
  const Result<Minimised> none = minimise(kForeseeable, RunOptions{.seed = 1, .swarm = Swarm{}});
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, base::Code::kFailedPrecondition);
}

}  // namespace
}  // namespace kelpie::sim
