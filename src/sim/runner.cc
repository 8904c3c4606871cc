#include "sim/runner.h"

#include <fmt/format.h>

#include <utility>

#include "base/hash.h"
#include "sim/tripwire.h"

namespace kelpie::sim {
namespace {

constexpr uint64_t kRepeatOneIn = 20;

struct Ended {
  bool done = false;
};

void drive(Simulation& simulation, Scenario& scenario) {
  Task<void> task = scenario.run();
  Ended ended;
  ended.done = task.start([](void* self) { static_cast<Ended*>(self)->done = true; }, &ended);
  simulation.run_until(ended.done);
  if (ended.done) {
    const Result<void> result = task.take();
    if (!result.ok()) {
      simulation.fail("scenario", result.error().to_string());
    }
  }
}

}  // namespace

RunResult run_seed(const ScenarioInfo& scenario, uint64_t seed, const MutantSet& mutants,
                   Trace::Sink sink) {
  Tripwire armed;
  RunResult result;
  result.seed = seed;
  const Swarm swarm = Swarm::draw(Choices(seed));
  result.swarm = swarm.to_string();
  Simulation simulation(
      SimulationOptions{.seed = seed, .mutants = mutants, .sink = std::move(sink)}, swarm);
  {
    const std::unique_ptr<Scenario> running = scenario.make(simulation);
    drive(simulation, *running);
    result.hash = simulation.trace().hash();
    result.events = simulation.scheduler().events();
    result.simulated_ns = simulation.now_ns();
    running->judge();
    result.operations = running->operations();
  }
  result.failure = simulation.failure();
  result.ledger = simulation.ledger();
  return result;
}

CampaignResult run_campaign(const ScenarioInfo& scenario, const CampaignOptions& options,
                            const std::function<void(const RunResult&)>& on_result) {
  CampaignResult campaign;
  for (uint64_t i = 0; i < options.seeds; ++i) {
    const uint64_t seed = options.first_seed + i;
    RunResult result = run_seed(scenario, seed, options.mutants, nullptr);
    const bool again = options.repeat == Repeat::kAll || result.failure.has_value() ||
                       base::mix64(seed) % kRepeatOneIn == 0;
    if (again) {
      ++campaign.repeated;
      const RunResult second = run_seed(scenario, seed, options.mutants, nullptr);
      if (second.hash != result.hash) {
        result.failure = Failure{
            "S22", fmt::format("one seed, two hashes: {:016x} and {:016x} (first verdict: {})",
                               result.hash, second.hash,
                               result.failure ? result.failure->message : "clean")};
      }
    }
    ++campaign.seeds;
    campaign.operations += result.operations;
    campaign.events += result.events;
    campaign.simulated_ns += result.simulated_ns;
    campaign.hash = base::mix64(campaign.hash ^ result.hash);
    campaign.ledger.add(result.ledger);
    on_result(result);
    if (result.failure) {
      campaign.failures.push_back(std::move(result));
      if (options.stop_at_failure) {
        break;
      }
    }
  }
  return campaign;
}

}  // namespace kelpie::sim
