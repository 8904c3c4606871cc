#include "sim/frozen.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sim/runner.h"
#include "sim/simulation.h"

namespace kelpie::sim {
namespace {

const Breakable kAll = {.servers = {"node-2", "node-3"},
                        .clients = {"client-2"},
                        .network = true,
                        .disk = true,
                        .cluster = true};

Frozen drawn(uint64_t seed, const Swarm& swarm, const Breakable& breakable) {
  Choices choices(seed);
  return Frozen::draw(choices.stream("liveness"), swarm, breakable);
}

TEST(Frozen, SomeSeedsFreezeNothingAndEveryKindOfLossIsDrawn) {
  uint64_t empty = 0;
  std::map<Lost, uint64_t> lost;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    const Frozen frozen = drawn(seed, Swarm::draw(Choices(seed)), kAll);
    empty += frozen.nothing() ? 1 : 0;
    for (const auto& [host, how] : frozen.lost) {
      ++lost[how];
    }
  }
  EXPECT_GT(empty, 60u);
  EXPECT_LT(empty, 200u);
  EXPECT_EQ(lost.size(), kLostKinds);
}

TEST(Frozen, OnlyFaultsThatTheSwarmHasStayAndNeverMoreOftenThanThey) {
  uint64_t kept = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Swarm swarm;
    swarm.freezes = true;
    swarm.network.reset_rate = 300;
    swarm.fdb.throttled_rate = 900'000;
    const Frozen frozen = drawn(seed, swarm, kAll);
    EXPECT_TRUE(frozen.network.reset_rate == 0 || frozen.network.reset_rate == 300u);
    EXPECT_LE(frozen.fdb.throttled_rate, 10'000u);
    EXPECT_EQ(frozen.fdb.unknown_rate, 0u);
    EXPECT_EQ(frozen.disk.slow_rate, 0u);
    EXPECT_FALSE(frozen.slow_processors);
    kept += frozen.fdb.throttled_rate > 0 ? 1 : 0;
  }
  EXPECT_GT(kept, 50u);
}

TEST(Frozen, WhatAScenarioDoesNotHaveAndHostsThatMustNotDieAreSpared) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Swarm swarm;
    swarm.freezes = true;
    swarm.network.reset_rate = 300;
    swarm.disk.slow_rate = 300;
    swarm.fdb.throttled_rate = 300;
    const Frozen frozen = drawn(seed, swarm, {.servers = {}, .clients = {"client-2"}});
    EXPECT_FALSE(frozen.is_dead("client-2"));
    EXPECT_FALSE(frozen.has_lost("client-1"));
    Frozen hosts_only;
    hosts_only.lost = frozen.lost;
    EXPECT_EQ(frozen.to_string(), hosts_only.to_string());
  }
}

TEST(Frozen, ACalmRunAndOneWhoseSwarmDoesNotFreezeKeepNothing) {
  EXPECT_TRUE(drawn(1, Swarm::calm(Choices(1)), kAll).nothing());
  Swarm swarm;
  swarm.fdb.throttled_rate = 300;
  EXPECT_EQ(drawn(1, swarm, kAll).to_string(), "nothing");
}

TEST(Frozen, AllButOneLeavesEachOutForSomeSeed) {
  std::set<std::string> spared;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Choices choices(seed);
    const std::vector<std::string> rest = all_but_one(choices.stream("x"), {"a", "b", "c"});
    ASSERT_EQ(rest.size(), 2u);
    for (const std::string name : {"a", "b", "c"}) {
      if (std::ranges::find(rest, name) == rest.end()) {
        spared.insert(name);
      }
    }
  }
  EXPECT_EQ(spared.size(), 3u);
}

TEST(Frozen, LinksOfALostHostStayCutUntilAllIsHealed) {
  Simulation simulation(SimulationOptions{}, Swarm{});
  for (const char* name : {"a", "deaf", "mute", "gone", "dead"}) {
    simulation.add_host(name);
  }
  Links& links = simulation.network().links();
  links.cut("a", "dead");
  Frozen frozen;
  frozen.lost = {
      {"deaf", Lost::kDeaf}, {"mute", Lost::kMute}, {"gone", Lost::kCutOff}, {"dead", Lost::kDead}};
  simulation.heal(frozen);
  EXPECT_TRUE(links.is_cut("a", "deaf"));
  EXPECT_FALSE(links.is_cut("deaf", "a"));
  EXPECT_FALSE(links.is_cut("a", "mute"));
  EXPECT_TRUE(links.is_cut("mute", "a"));
  EXPECT_TRUE(links.is_cut("a", "gone"));
  EXPECT_TRUE(links.is_cut("gone", "a"));
  EXPECT_FALSE(links.is_cut("a", "dead"));
  EXPECT_EQ(simulation.frozen().to_string(), "dead=dead deaf=deaf gone=cut_off mute=mute");
  simulation.heal();
  EXPECT_EQ(links.cuts(), 0u);
  EXPECT_FALSE(simulation.frozen().nothing());
}

TEST(Frozen, AShareOfTheRunsOfEachScenarioIsJudgedBesideWhatIsBrokenForGood) {
  for (const std::string_view name : {"actors", "takeover", "first_light", "transactions"}) {
    uint64_t frozen = 0;
    for (uint64_t seed = 1; seed <= 8; ++seed) {
      Swarm swarm = Swarm::draw(Choices(seed));
      swarm.chaos = Duration::seconds(1);
      RunOptions options{.seed = seed};
      options.swarm = swarm;
      const RunResult result = run_seed(*find_scenario(name), options);
      frozen += result.frozen.nothing() ? 0 : 1;
      EXPECT_EQ(result.swarm.freezes || result.frozen.nothing(), true) << name << " " << seed;
    }
    EXPECT_GE(frozen, 2u) << name;
    EXPECT_LT(frozen, 8u) << name;
  }
}

}  // namespace
}  // namespace kelpie::sim
