#include "sim/mutants.h"

#include <algorithm>

#include "base/check.h"

namespace kelpie::sim {
namespace {

constexpr std::array kMutants = {
    // Who drives a run reads its queue before the commit is there, and takes it for done.
    Mutant{"M8", "reply before the commit resolves", {"S3", ""}, "first_light", 200, "L2"},
    Mutant{"M24",
           "storage error on activation treated as a new actor",
           {"S20", "S3"},
           "first_light",
           200},
};

}  // namespace

std::span<const Mutant> mutants() { return kMutants; }

MutantResult hunt(const Mutant& mutant, uint64_t first_seed, int replays) {
  const ScenarioInfo* scenario = find_scenario(mutant.scenario);
  CHECK(scenario != nullptr);
  const MutantSet on = {std::string(mutant.name)};
  MutantResult result;
  while (result.seeds < mutant.seeds_max) {
    const uint64_t seed = first_seed + result.seeds++;
    const RunResult run = run_seed(*scenario, seed, on, nullptr);
    if (!run.failure || run.failure->oracle == mutant.besides) {
      continue;
    }
    result.seed = seed;
    result.failure = run.failure;
    const bool named =
        std::ranges::find(mutant.oracles, run.failure->oracle) != mutant.oracles.end();
    result.verdict = named ? Verdict::kCaught : Verdict::kWrongOracle;
    for (int i = 0; i < replays; ++i) {
      if (run_seed(*scenario, seed, on, nullptr).hash != run.hash) {
        result.verdict = Verdict::kNotRepeatable;
      }
    }
    break;
  }
  return result;
}

}  // namespace kelpie::sim
