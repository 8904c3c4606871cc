#include "sim/simulation.h"

#include <gtest/gtest.h>

#include "async/scope.h"
#include "async/sleep.h"
#include "world/sites.h"

namespace kelpie::sim {
namespace {

TEST(Simulation, AnErrorInTheLogThatNoFaultExplainsFailsTheRun) {
  Simulation simulation(SimulationOptions{}, Swarm{});
  SimHost& host = simulation.add_host("node");
  host.boot().log.error("it broke", {{"why", "unknown"}});
  ASSERT_TRUE(simulation.failure().has_value());
  EXPECT_EQ(simulation.failure()->oracle, "log");
}

TEST(Simulation, AnErrorInTheLogAfterAStorageFaultIsExplained) {
  Simulation simulation(SimulationOptions{}, Swarm{});
  World& world = simulation.add_host("node").boot();
  simulation.ledger().receive_disk_error(Fault::kStorageReadFail);
  world.log.error("it broke");
  EXPECT_FALSE(simulation.failure().has_value());
}

TEST(Simulation, NothingIsExplainedByFaultsOfAnEarlierIncarnationOrLongAfterTheHeal) {
  Simulation simulation(SimulationOptions{}, Swarm{});
  simulation.ledger().receive_disk_error(Fault::kStorageSyncFail);
  EXPECT_TRUE(simulation.disk_error_since(0));
  EXPECT_FALSE(simulation.disk_error_since(1));
  EXPECT_TRUE(simulation.undecided_write_since(0));
  EXPECT_FALSE(simulation.undecided_write_since(1));
  simulation.heal();
  EXPECT_TRUE(simulation.disk_error_since(0));
  bool later = false;
  simulation.loop().start_timer(simulation.loop().now() + Duration::seconds(2),
                                [&] { later = true; });
  simulation.run_until(later);
  EXPECT_FALSE(simulation.disk_error_since(0));
  EXPECT_FALSE(simulation.undecided_write_since(0));
  // Another heal, of what was broken for good, explains nothing anew.
  simulation.heal();
  EXPECT_FALSE(simulation.disk_error_since(0));
}

TEST(Simulation, AReadThatFailsDoesNotExplainThatAStoreStopsNorAKillThatADiskFails) {
  Simulation simulation(SimulationOptions{}, Swarm{});
  simulation.ledger().receive_disk_error(Fault::kStorageReadFail);
  EXPECT_TRUE(simulation.disk_error_since(0));
  EXPECT_FALSE(simulation.undecided_write_since(0));
  simulation.ledger().receive(Fault::kOutOfMemory);
  EXPECT_FALSE(simulation.disk_error_since(1));
}

TEST(Simulation, TheFirstFailureIsTheFailureOfTheRun) {
  Simulation simulation(SimulationOptions{}, Swarm{});
  simulation.fail("S3", "first");
  simulation.fail("S4", "second");
  EXPECT_EQ(simulation.failure()->oracle, "S3");
}

Task<void> sleeper(SimLoop& loop) {
  co_await async::sleep_for(loop, Duration::hours(1));
  co_return kOk;
}

TEST(SimHost, ATimerThatIsLeftAtAnOrderlyStopFailsTheRun) {
  Simulation simulation(SimulationOptions{}, Swarm{});
  SimHost& host = simulation.add_host("node");
  host.boot();
  async::Scope scope(host.loop(), nullptr);
  scope.spawn(sleeper(host.loop()));
  host.stop();
  ASSERT_TRUE(simulation.failure().has_value());
  EXPECT_EQ(simulation.failure()->oracle, "S21");
}

TEST(SimHost, EachIncarnationHasRandomnessOfItsOwnThatTheSeedDecides) {
  const auto draws = [](uint64_t seed) {
    Simulation simulation(SimulationOptions{.seed = seed}, Swarm{});
    SimHost& host = simulation.add_host("node");
    std::vector<uint64_t> drawn = {host.boot().rng.next()};
    host.crash();
    drawn.push_back(host.boot().rng.next());
    return drawn;
  };
  EXPECT_EQ(draws(1), draws(1));
  EXPECT_NE(draws(1), draws(2));
  EXPECT_NE(draws(1).front(), draws(1).back());
}

TEST(SimHost, ACrashEndsAllLoopsOfItsProcess) {
  Simulation simulation(SimulationOptions{}, Swarm{});
  SimHost& host = simulation.add_host("node");
  World& first = host.boot();
  World& second = host.add_loop();
  EXPECT_EQ(second.self.get(), "node/1");
  EXPECT_EQ(first.loop.now(), second.loop.now());
  int ran = 0;
  second.loop.post_from_thread([&] { ++ran; });
  host.crash();
  second.loop.post_from_thread([&] { ++ran; });
  const bool never = false;
  simulation.run_until(never);
  EXPECT_EQ(ran, 0);
}

TEST(SimHost, ATimerThatIsLeftOnAnyLoopAtAnOrderlyStopFailsTheRun) {
  Simulation simulation(SimulationOptions{}, Swarm{});
  SimHost& host = simulation.add_host("node");
  host.boot();
  host.add_loop().loop.start_timer(Instant::from_nanos(1), [] {});
  host.stop();
  ASSERT_TRUE(simulation.failure().has_value());
  EXPECT_EQ(simulation.failure()->oracle, "S21");
}

TEST(SimHost, WorkThatTouchesAnotherLoopOfItsProcessTripsTheGuard) {
  Simulation simulation(SimulationOptions{}, Swarm{});
  SimHost& host = simulation.add_host("node");
  Loop& first = host.boot().loop;
  Loop& second = host.add_loop().loop;
  first.post([&] { second.post_from_thread([] {}); });
  first.post([&] { second.post([] {}); });
  const bool never = false;
  simulation.run_until(never);
  ASSERT_TRUE(simulation.failure().has_value());
  EXPECT_EQ(simulation.failure()->oracle, "guard");
}

TEST(SimHost, AWallClockThatJumpedIsCountedOnceItIsRead) {
  Simulation simulation(SimulationOptions{}, Swarm{});
  SimHost& host = simulation.add_host("node");
  World& world = host.boot();
  const WallTime before = world.clock.wall();
  host.clock().jump(Duration::hours(-1));
  EXPECT_EQ(simulation.ledger().received(Fault::kClockJump), 0u);
  EXPECT_EQ(world.clock.wall(), before + Duration::hours(-1));
  EXPECT_EQ(simulation.ledger().received(Fault::kClockJump), 1u);
}

TEST(SimFaults, AMutantIsOnWhenTheRunNamesItAndABuggifySiteWhenTheSeedHasIt) {
  Swarm swarm;
  swarm.buggify_per_million = 1'000'000;
  Simulation simulation(SimulationOptions{.mutants = {"M24"}}, swarm);
  World& world = simulation.add_host("node").boot();
  EXPECT_TRUE(world.faults.mutant("M24"));
  EXPECT_FALSE(world.faults.mutant("M1"));
  int fired = 0;
  for (int i = 0; i < 1'000; ++i) {
    fired += world.faults.buggify(world::kBuggifySites.front()) ? 1 : 0;
  }
  EXPECT_GT(fired, 150);
  EXPECT_LT(fired, 350);
}

TEST(SimFaults, AnAlwaysThatDoesNotHoldFailsTheRunAndASiteThatWasReachedIsCounted) {
  Simulation simulation(SimulationOptions{}, Swarm{});
  World& world = simulation.add_host("node").boot();
  world.faults.always(world::kAlwaysSites.front(), true);
  EXPECT_FALSE(simulation.failure());
  world.faults.sometimes(world::kReachedSites.front(), false);
  EXPECT_EQ(simulation.sites().count(world::kReachedSites.front()), 0u);
  world.faults.sometimes(world::kReachedSites.front(), true);
  EXPECT_EQ(simulation.sites().count(world::kReachedSites.front()), 1u);
  world.faults.always(world::kAlwaysSites.front(), false);
  ASSERT_TRUE(simulation.failure());
  EXPECT_EQ(simulation.failure()->oracle, "always");
}

TEST(SimHost, APausedHostStandsStillAndItsClockIsAheadWhenItGoesOn) {
  Simulation simulation(SimulationOptions{}, Swarm{});
  SimHost& host = simulation.add_host("node");
  World& world = host.boot();
  bool ran = false;
  const Instant before = world.loop.now();
  host.pause();
  world.loop.post([&] { ran = true; });
  bool later = false;
  simulation.loop().start_timer(simulation.loop().now() + Duration::seconds(5),
                                [&] { later = true; });
  simulation.run_until(later);
  EXPECT_FALSE(ran);
  host.resume();
  simulation.run_until(ran);
  EXPECT_TRUE(ran);
  EXPECT_GE(world.loop.now() - before, Duration::seconds(5));
  EXPECT_EQ(simulation.ledger().received(Fault::kHostPause), 1u);
}

TEST(SimHost, ACrashEndsAPause) {
  Simulation simulation(SimulationOptions{}, Swarm{});
  SimHost& host = simulation.add_host("node");
  host.boot();
  host.pause();
  host.crash();
  bool ran = false;
  host.boot().loop.post([&] { ran = true; });
  simulation.run_until(ran);
  EXPECT_TRUE(ran);
}

TEST(Swarm, SomeSeedsHaveNoFaultsAndEveryFamilyIsDrawn) {
  int calm = 0;
  int crashing = 0;
  int failing_reads = 0;
  int stopping = 0;
  int freezing = 0;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    const Swarm swarm = Swarm::draw(Choices(seed));
    crashing += swarm.crash_interval > Duration() ? 1 : 0;
    failing_reads += swarm.activation_read_fail_rate > 0 ? 1 : 0;
    stopping += swarm.stop_interval > Duration() ? 1 : 0;
    freezing += swarm.freezes ? 1 : 0;
    calm += swarm.to_string() == Swarm::calm(Choices(seed)).to_string() ? 1 : 0;
    EXPECT_EQ(Swarm::parse(swarm.to_string()).value().to_string(), swarm.to_string());
  }
  EXPECT_GT(calm, 5);
  EXPECT_GT(crashing, 100);
  EXPECT_GT(failing_reads, 100);
  EXPECT_GT(stopping, 100);
  EXPECT_GT(freezing, 200);
  EXPECT_FALSE(Swarm::parse("chaos_ns=1 nonsense=2").ok());
  EXPECT_FALSE(Swarm::parse("chaos_ns").ok());
}

}  // namespace
}  // namespace kelpie::sim
