#include "sim/mutants.h"

#include <algorithm>

#include "base/check.h"

namespace kelpie::sim {
namespace {

// Where two oracles are named, both judge what the bug breaks, and chance decides who is first.
constexpr std::array kMutants = {
    Mutant{.name = "M1",
           .what = "fence missing from an actor's commit",
           .oracles = {"S1", "S4"},
           .scenario = "actors",
           .seeds_max = 400},
    Mutant{.name = "M2",
           .what = "fence renewed without a look at whose epoch it is",
           .oracles = {"S1", "S2"},
           .scenario = "actors",
           .seeds_max = 400},
    Mutant{.name = "M3",
           .what = "a node's death judged by wall clock",
           .oracles = {"S1", ""},
           .scenario = "actors",
           .seeds_max = 400},
    Mutant{.name = "M4",
           .what = "lost update: a read without a conflict before a write",
           .oracles = {"S19", "S4"},
           .scenario = "transactions",
           .seeds_max = 100,
           // What settles an undecided commit reads, too.
           .besides = "S6",
           .needs_no_fault = true},
    Mutant{.name = "M5",
           .what = "phantom: a range read without a conflict range",
           .oracles = {"S19", "S6"},
           .scenario = "transactions",
           .seeds_max = 100,
           .needs_no_fault = true},
    Mutant{.name = "M6",
           .what = "write skew between an owner's record and its node's epoch",
           .oracles = {"S1", ""},
           .scenario = "actors",
           .seeds_max = 1'000,
           // Two claims at once are enough.
           .needs_no_fault = true},
    Mutant{.name = "M7",
           .what = "a message's effect and its removal in two transactions",
           .oracles = {"S15", "S7"},
           .scenario = "messages",
           .seeds_max = 400},
    // Who drives a run reads its queue before the commit is there, and takes it for done; or goes
    // on behind what a crash then loses.
    Mutant{.name = "M8",
           .what = "reply before the commit resolves",
           .oracles = {"S3", "S16"},
           .scenario = "first_light",
           .seeds_max = 200,
           .besides = "L2"},
    Mutant{.name = "M9",
           .what = "blind retry of an undecided commit",
           .oracles = {"S6", ""},
           .scenario = "transactions",
           .seeds_max = 100},
    Mutant{.name = "M10",
           .what = "undecided commit reported to the client as not done",
           .oracles = {"S17", ""},
           .scenario = "first_light",
           .seeds_max = 1'000},
    Mutant{.name = "M11",
           .what = "a call's record overwritten by its repetition",
           .oracles = {"S6", "S15"},
           .scenario = "messages",
           .seeds_max = 100},
    Mutant{.name = "M18",
           .what = "a reminder removed before its effect commits",
           .oracles = {"S14", ""},
           .scenario = "messages",
           .seeds_max = 400},
    // The epoch changes though nobody died, too.
    Mutant{.name = "M20",
           .what = "heartbeat written into the fence key",
           .oracles = {"L1", "S11"},
           .scenario = "actors",
           .seeds_max = 20,
           .needs_no_fault = true},
    Mutant{.name = "M21",
           .what = "version arithmetic used as a lease clock",
           .oracles = {"S1", "L1"},
           .scenario = "actors",
           .seeds_max = 400},
    Mutant{.name = "M22",
           .what = "continuation ignored in a range read",
           .oracles = {"S19", "S18"},
           .scenario = "transactions",
           .seeds_max = 100,
           .needs_no_fault = true},
    Mutant{.name = "M23",
           .what = "a delete that leaves index entries behind",
           .oracles = {"S18", ""},
           .scenario = "first_light",
           .seeds_max = 200,
           .needs_no_fault = true},
    Mutant{.name = "M24",
           .what = "storage error on activation treated as a new actor",
           .oracles = {"S20", "S3"},
           .scenario = "first_light",
           .seeds_max = 200},
    Mutant{.name = "M25",
           .what = "read from memory without the check of the fence",
           .oracles = {"S4", ""},
           .scenario = "actors",
           .seeds_max = 1'000},
    Mutant{.name = "M29",
           .what = "a timer outlives its scope",
           .oracles = {"S21", ""},
           .scenario = "actors",
           .seeds_max = 20,
           .needs_no_fault = true},
    Mutant{.name = "M30",
           .what = "lost wake-up of the commit pipeline",
           .oracles = {"L2", "L1"},
           .scenario = "first_light",
           .seeds_max = 400,
           .needs_no_fault = true},
    Mutant{.name = "M31",
           .what = "unsynced batch acknowledged by the embedded store",
           .oracles = {"S3", ""},
           .scenario = "transactions",
           .seeds_max = 100,
           .needs_no_fault = true},
    Mutant{.name = "M32",
           .what = "answers in the order of addresses",
           .oracles = {"S22", ""},
           .scenario = "transactions",
           .seeds_max = 100,
           .needs_no_fault = true},
    Mutant{.name = "M34",
           .what = "undecided commit settled by rewriting the head",
           .oracles = {"S6", "S3"},
           .scenario = "transactions",
           .seeds_max = 1'000},
    Mutant{.name = "M36",
           .what = "an inbox's mark not in the sender's commit",
           .oracles = {"L6", "S15"},
           .scenario = "messages",
           .seeds_max = 100,
           .needs_no_fault = true},
    Mutant{.name = "M37",
           .what = "a turn that nobody could settle is left to land later",
           .oracles = {"S1", "S4"},
           .scenario = "actors",
           .seeds_max = 3'000},
};

// Of a run that is repeated.
constexpr std::string_view kSameHash = "S22";

}  // namespace

std::span<const Mutant> mutants() { return kMutants; }

MutantResult hunt(const Mutant& mutant, uint64_t first_seed, int replays) {
  const ScenarioInfo* scenario = find_scenario(mutant.scenario);
  CHECK(scenario != nullptr);
  const MutantSet on = {std::string(mutant.name)};
  MutantResult result;
  while (result.seeds < mutant.seeds_max) {
    const uint64_t seed = first_seed + result.seeds++;
    RunResult run = run_seed(*scenario, seed, on, nullptr);
    const bool by_hash = mutant.oracles[0] == kSameHash;
    if (by_hash && run_seed(*scenario, seed, on, nullptr).hash != run.hash) {
      run.failure = Failure{std::string(kSameHash), "the same seed gave another trace"};
    }
    if (!run.failure || run.failure->oracle == mutant.besides) {
      continue;
    }
    result.seed = seed;
    result.failure = run.failure;
    const bool named =
        std::ranges::find(mutant.oracles, run.failure->oracle) != mutant.oracles.end();
    result.verdict = named ? Verdict::kCaught : Verdict::kWrongOracle;
    for (int i = 0; i < replays && !by_hash; ++i) {
      if (run_seed(*scenario, seed, on, nullptr).hash != run.hash) {
        result.verdict = Verdict::kNotRepeatable;
      }
    }
    break;
  }
  return result;
}

std::optional<RunResult> red_without_faults(const Mutant& mutant, uint64_t first_seed,
                                            uint64_t seeds) {
  const ScenarioInfo* scenario = find_scenario(mutant.scenario);
  CHECK(scenario != nullptr);
  for (uint64_t seed = first_seed; seed < first_seed + seeds; ++seed) {
    RunOptions run{.seed = seed, .mutants = {std::string(mutant.name)}};
    run.swarm = Swarm::calm(Choices(seed));
    RunResult result = run_seed(*scenario, run);
    if (result.failure && result.failure->oracle != mutant.besides) {
      return result;
    }
  }
  return std::nullopt;
}

}  // namespace kelpie::sim
