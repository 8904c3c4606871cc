#include "sim/runner.h"

#include <fmt/format.h>

#include <utility>

#include "base/hash.h"
#include "sim/tripwire.h"

namespace kelpie::sim {
namespace {

constexpr uint64_t kSampleOneIn = 20;

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

RunResult run_seed(const ScenarioInfo& scenario, const RunOptions& options, Trace::Sink sink) {
  Tripwire armed;
  RunResult result;
  result.seed = options.seed;
  result.swarm =
      options.swarm ? *options.swarm : Swarm::draw(Choices(options.seed), options.profile);
  Simulation simulation(SimulationOptions{.seed = options.seed,
                                          .mutants = options.mutants,
                                          .sink = std::move(sink),
                                          .choices = options.choices,
                                          .events_until = options.events_until},
                        result.swarm);
  {
    const std::unique_ptr<Scenario> running = scenario.make(simulation);
    drive(simulation, *running);
    result.hash = simulation.trace().hash();
    result.events = simulation.scheduler().events();
    result.simulated_ns = simulation.now_ns();
    if (result.events < options.events_until) {
      running->judge();
    }
    result.operations = running->operations();
    result.undecided = running->undecided();
  }
  result.failure = simulation.failure();
  result.frozen = simulation.frozen();
  result.ledger = simulation.ledger();
  result.sites = simulation.sites();
  if (options.choices.record) {
    result.tape = simulation.choices().tape();
    result.labels = simulation.choices().labels();
  }
  return result;
}

RunResult run_seed(const ScenarioInfo& scenario, uint64_t seed, const MutantSet& mutants,
                   Trace::Sink sink) {
  return run_seed(scenario, RunOptions{.seed = seed, .mutants = mutants}, std::move(sink));
}

bool is_sampled(uint64_t seed) { return base::mix64(seed) % kSampleOneIn == 0; }

CampaignResult run_campaign(const ScenarioInfo& scenario, const CampaignOptions& options,
                            const std::function<void(const RunResult&)>& on_result) {
  CampaignResult campaign;
  for (uint64_t i = 0; i < options.seeds; ++i) {
    const uint64_t seed = options.first_seed + i;
    const RunOptions run{.seed = seed, .profile = options.profile, .mutants = options.mutants};
    RunResult result = run_seed(scenario, run);
    const bool again =
        options.repeat == Repeat::kAll || result.failure.has_value() || is_sampled(seed);
    if (again) {
      ++campaign.repeated;
      const RunResult second = run_seed(scenario, run);
      if (second.hash != result.hash) {
        result.failure = Failure{
            "S22", fmt::format("one seed, two hashes: {:016x} and {:016x} (first verdict: {})",
                               result.hash, second.hash,
                               result.failure ? result.failure->message : "clean")};
      }
    }
    ++campaign.seeds;
    campaign.operations += result.operations;
    campaign.undecided += result.undecided;
    campaign.events += result.events;
    campaign.simulated_ns += result.simulated_ns;
    campaign.hash = base::mix64(campaign.hash ^ result.hash);
    campaign.ledger.add(result.ledger);
    for (size_t i = 0; i < kFaultCount; ++i) {
      campaign.runs_with[i] += result.ledger.configured(static_cast<Fault>(i)) > 0 ? 1 : 0;
    }
    campaign.sites.add(result.sites);
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
