#include "sim/explore/explorer.h"

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <set>
#include <string>

#include "async/event.h"
#include "async/sleep.h"
#include "sim/explore/depth_first.h"
#include "sim/explore/small_run.h"

namespace kelpie::sim {
namespace {

// Hosts that do so many things each, one after the other, and share nothing.
template <int kHosts, int kSteps>
class Strangers final : public SmallScenario {
 public:
  explicit Strangers(SmallRun& run) : run_(run) {
    for (int i = 0; i < kHosts; ++i) {
      hosts_.at(i) = &run.add_host("host-" + std::to_string(i));
    }
  }
  static std::unique_ptr<SmallScenario> make(SmallRun& run) {
    return std::make_unique<Strangers>(run);
  }
  Task<void> set_up() override { co_return kOk; }
  void start() override {
    for (SimHost* host : hosts_) {
      run_.spawn(*host, host->name(), walk(host->loop()));
    }
  }
  Task<void> judge() override { co_return kOk; }

 private:
  static Task<void> walk(Loop& loop) {
    for (int i = 1; i < kSteps; ++i) {
      co_await async::yield(loop);
    }
    co_return kOk;
  }
  SmallRun& run_;
  std::array<SimHost*, kHosts> hosts_{};
};

// Two hosts that append their letters to a word which a third one keeps.
class Writers final : public SmallScenario {
 public:
  explicit Writers(SmallRun& run) : run_(run) {}
  static std::unique_ptr<SmallScenario> make(SmallRun& run) {
    return std::make_unique<Writers>(run);
  }
  Task<void> set_up() override { co_return kOk; }
  void start() override {
    run_.spawn(a_, "a", write(a_.loop(), 'a'));
    run_.spawn(b_, "b", write(b_.loop(), 'b'));
  }
  Task<void> judge() override {
    run_.end_in(word_);
    if (run_.simulation().mutants().contains("no abba") && word_ == "abba") {
      run_.fail("toy", "abba");
    }
    co_return kOk;
  }

 private:
  Task<void> write(Loop& here, char letter) {
    for (int i = 0; i < 2; ++i) {
      co_await async::yield(here);
      co_await async::yield(keeper_.loop());
      word_ += letter;
      co_await async::yield(here);
    }
    co_return kOk;
  }
  SmallRun& run_;
  SimHost& a_{run_.add_host("a")};
  SimHost& b_{run_.add_host("b")};
  SimHost& keeper_{run_.add_host("keeper")};
  std::string word_;
};

// Draws of which one label is explored.
class Draws final : public SmallScenario {
 public:
  explicit Draws(SmallRun& run) : run_(run) {}
  static std::unique_ptr<SmallScenario> make(SmallRun& run) { return std::make_unique<Draws>(run); }
  Task<void> set_up() override {
    EXPECT_EQ(run_.choose("explored", 5), 0U);
    co_return kOk;
  }
  void start() override { run_.spawn(host_, "draws", draw()); }
  Task<void> judge() override {
    EXPECT_EQ(run_.choose("explored", 5), 0U);
    co_return kOk;
  }

 private:
  Task<void> draw() {
    EXPECT_EQ(run_.choose("pinned", 5), 0U);
    const uint64_t first = run_.choose("explored", 3);
    const uint64_t second = first == 2 ? run_.choose("explored", 4) : 9;
    const bool third = run_.simulation().choices().stream("explored").chance(500'000);
    run_.end_in(std::to_string(first * 100 + second * 10) + (third ? "y" : "n"));
    co_return kOk;
  }
  SmallRun& run_;
  SimHost& host_{run_.add_host("host")};
};

// A queue with the planted bug M30: what is sent between its look and its wait wakes nobody.
class ForgetfulQueue {
 public:
  explicit ForgetfulQueue(Loop& loop) : loop_(loop), readable_(loop) {}
  void send(int value) {
    values_.push_back(value);
    readable_.set();
  }
  Task<int> receive() {
    while (values_.empty()) {
      co_await async::yield(loop_);
      readable_.clear();
      co_await readable_.wait();
    }
    const int value = values_.front();
    values_.pop_front();
    co_return value;
  }

 private:
  Loop& loop_;
  std::deque<int> values_;
  async::Event readable_;
};

class Forgetful final : public SmallScenario {
 public:
  explicit Forgetful(SmallRun& run) : run_(run) {}
  static std::unique_ptr<SmallScenario> make(SmallRun& run) {
    return std::make_unique<Forgetful>(run);
  }
  Task<void> set_up() override { co_return kOk; }
  void start() override {
    run_.spawn(host_, "the sender", send());
    run_.spawn(host_, "the receiver", receive());
  }
  Task<void> judge() override { co_return kOk; }

 private:
  Task<void> send() {
    queue_.send(1);
    co_return kOk;
  }
  Task<void> receive() {
    co_await queue_.receive();
    co_return kOk;
  }
  SmallRun& run_;
  SimHost& host_{run_.add_host("host")};
  ForgetfulQueue queue_{host_.loop()};
};

SmallScenarioInfo toy(std::unique_ptr<SmallScenario> (*make)(SmallRun&)) {
  return SmallScenarioInfo{
      .name = "toy", .what = "a toy", .make = make, .decisions = {}, .mutants = {}};
}

ExploreOptions unreduced() { return {.reduction = Reduction::kNone}; }

TEST(Explorer, RunsEachInterleavingOnce) {
  // 2n over n, and (3n)! over n! to the third.
  EXPECT_EQ(explore(toy(Strangers<2, 1>::make), unreduced(), {}).runs, 2U);
  EXPECT_EQ(explore(toy(Strangers<2, 3>::make), unreduced(), {}).runs, 20U);
  EXPECT_EQ(explore(toy(Strangers<2, 5>::make), unreduced(), {}).runs, 252U);
  EXPECT_EQ(explore(toy(Strangers<3, 2>::make), unreduced(), {}).runs, 90U);
  const ExploreResult three = explore(toy(Strangers<3, 3>::make), unreduced(), {});
  EXPECT_EQ(three.runs, 1'680U);
  EXPECT_TRUE(three.passed());
}

TEST(Explorer, OneRunStandsForAllOrdersOfWorkThatCommutes) {
  const ExploreResult result = explore(toy(Strangers<3, 3>::make), {}, {});
  EXPECT_EQ(result.runs, 1U);
  EXPECT_TRUE(result.passed());
}

TEST(Explorer, TheReductionLeavesOutNoEnd) {
  const ExploreResult all = explore(toy(Writers::make), unreduced(), {});
  const ExploreResult reduced = explore(toy(Writers::make), {}, {});
  EXPECT_TRUE(all.passed());
  EXPECT_TRUE(reduced.passed());
  EXPECT_EQ(all.ends, 6U);
  EXPECT_EQ(reduced.ends, 6U);
  EXPECT_EQ(reduced.runs, 6U);
  EXPECT_GT(all.runs, 100 * reduced.runs);
}

TEST(Explorer, MultipliesTheNamedDecisionsAndPinsAllOthers) {
  constexpr std::array kExplored = {std::string_view("explored")};
  SmallScenarioInfo draws = toy(Draws::make);
  draws.decisions = kExplored;
  const ExploreResult result = explore(draws, {}, {});
  // Two first draws without a second one and one with four, each with a yes and a no.
  EXPECT_EQ(result.runs, 12U);
  EXPECT_EQ(result.ends, 12U);
  EXPECT_EQ(result.tape_max, 3U);
  EXPECT_TRUE(result.passed());
  draws.decisions = {};
  EXPECT_EQ(explore(draws, {}, {}).runs, 1U);
}

TEST(Explorer, AViolationsTapeReplaysToIt) {
  const MutantSet mutants = {"no abba"};
  const ExploreResult result = explore(toy(Writers::make), {}, mutants);
  ASSERT_TRUE(result.violation.has_value());
  EXPECT_FALSE(result.passed());
  EXPECT_EQ(result.violation->failure.oracle, "toy");
  EXPECT_NE(result.to_string().find(tape_text(result.violation->tape)), std::string::npos);
  const Tape typed = parse_tape(tape_text(result.violation->tape)).value();
  const SmallReplay replay = replay_small(toy(Writers::make), typed, mutants, nullptr);
  ASSERT_TRUE(replay.failure.has_value());
  EXPECT_EQ(replay.failure->message, "abba");
  EXPECT_EQ(replay.tape, result.violation->tape);
  EXPECT_EQ(replay_small(toy(Writers::make), typed, mutants, nullptr).hash, replay.hash);
  EXPECT_FALSE(replay_small(toy(Writers::make), {}, mutants, nullptr).failure.has_value());
}

TEST(Explorer, ABoundThatIsReachedIsNoPass) {
  ExploreOptions few_runs = unreduced();
  few_runs.runs_max = 10;
  const ExploreResult cut = explore(toy(Strangers<2, 5>::make), few_runs, {});
  EXPECT_EQ(cut.runs, 10U);
  EXPECT_FALSE(cut.exhausted);
  EXPECT_FALSE(cut.passed());
  ExploreOptions few_choices = unreduced();
  few_choices.choices_max = 3;
  const ExploreResult shallow = explore(toy(Strangers<2, 5>::make), few_choices, {});
  EXPECT_TRUE(shallow.exhausted);
  EXPECT_GT(shallow.truncated, 0U);
  EXPECT_FALSE(shallow.passed());
}

TEST(Explorer, FindsALostWakeUp) {
  const ExploreResult result = explore(toy(Forgetful::make), {}, {});
  ASSERT_TRUE(result.violation.has_value());
  EXPECT_EQ(result.violation->failure.oracle, "L2");
  // In the order of arrival it works.
  EXPECT_FALSE(replay_small(toy(Forgetful::make), {}, {}, nullptr).failure.has_value());
}

TEST(Explorer, ATapeAsTextIsReadBack) {
  EXPECT_EQ(tape_text({}), "0");
  EXPECT_EQ(tape_text({{.value = 2}, {.value = 0}, {.value = 1}, {.value = 0}}), "2.0.1");
  const Tape tape = parse_tape("2.0.1").value();
  ASSERT_EQ(tape.size(), 3U);
  EXPECT_EQ(tape[0].value, 2U);
  EXPECT_EQ(tape[2].value, 1U);
  for (const std::string_view bad : {"", ".", "1.", "1,2", "x", "-1", "1..2"}) {
    EXPECT_EQ(parse_tape(bad).error().code, Code::kInvalidArgument) << bad;
  }
}

TEST(DepthFirst, TellsAProgramThatIsNotDeterministic) {
  constexpr std::array kExplored = {std::string_view("x")};
  Choices choices(1);
  DepthFirst tree({.decisions = kExplored, .choices_max = 10});
  choices.set_decider(tree);
  tree.begin_run();
  tree.set_active(true);
  choices.choose("x", 3);
  choices.choose("x", 3);
  EXPECT_FALSE(tree.ended());
  ASSERT_TRUE(tree.next());
  tree.begin_run();
  tree.set_active(true);
  choices.choose("x", 4);
  EXPECT_TRUE(tree.diverged());
}

class SmallScenarios : public ::testing::TestWithParam<std::string> {
 protected:
  const SmallScenarioInfo& scenario_ = *find_small_scenario(GetParam());
};

std::vector<std::string> names() {
  std::vector<std::string> names;
  for (const SmallScenarioInfo& each : small_scenarios()) {
    names.emplace_back(each.name);
  }
  return names;
}

TEST_P(SmallScenarios, IsExhaustedAndClean) {
  const ExploreResult result = explore(scenario_, {}, {});
  EXPECT_TRUE(result.passed()) << result.to_string();
  EXPECT_EQ(result.ends, scenario_.ends) << result.to_string();
  EXPECT_GT(scenario_.ends, 1U);
}

TEST_P(SmallScenarios, FindsItsPlantedBugsAndReplaysThem) {
  for (const SmallMutant& mutant : scenario_.mutants) {
    const MutantSet on = {std::string(mutant.name)};
    const ExploreResult result = explore(scenario_, {}, on);
    ASSERT_TRUE(result.violation.has_value()) << mutant.name << ": " << result.to_string();
    EXPECT_EQ(result.violation->failure.oracle, mutant.oracle) << result.to_string();
    const SmallReplay replay = replay_small(scenario_, result.violation->tape, on, nullptr);
    ASSERT_TRUE(replay.failure.has_value()) << mutant.name;
    EXPECT_EQ(replay.failure->message, result.violation->failure.message);
  }
}

INSTANTIATE_TEST_SUITE_P(All, SmallScenarios, ::testing::ValuesIn(names()),
                         [](const auto& info) { return info.param; });

TEST(SmallScenario, TheReductionLeavesOutNoEndOfARealOne) {
  for (const std::string_view name : {"settle_against_late_commit", "take_over_against_turn"}) {
    const SmallScenarioInfo& scenario = *find_small_scenario(name);
    ExploreOptions options = unreduced();
    options.runs_max = 20'000;
    const ExploreResult all = explore(scenario, options, {});
    EXPECT_FALSE(all.violation.has_value()) << all.to_string();
    EXPECT_LE(all.ends, scenario.ends) << all.to_string();
    EXPECT_TRUE(!all.exhausted || all.ends == scenario.ends) << all.to_string();
  }
}

}  // namespace
}  // namespace kelpie::sim
