// Runner: one seed from start to verdict, and campaigns of many.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "sim/faults.h"
#include "sim/scenario.h"
#include "sim/simulation.h"

namespace kelpie::sim {

struct RunOptions {
  uint64_t seed = 1;
  Profile profile = Profile::kShort;
  MutantSet mutants = {};
  std::optional<Swarm> swarm = std::nullopt;  // none: what the seed draws
  ChoiceOptions choices = {};
  // Left where it is after so many events; it is not judged then.
  uint64_t events_until = std::numeric_limits<uint64_t>::max();
};

struct RunResult {
  uint64_t seed = 0;
  uint64_t hash = 0;
  std::optional<Failure> failure;
  uint64_t operations = 0;
  uint64_t undecided = 0;  // of these: see Scenario::undecided
  uint64_t events = 0;
  int64_t simulated_ns = 0;
  Swarm swarm;
  Frozen frozen;  // what stayed broken when its chaos had ended
  FaultLedger ledger;
  SiteLedger sites;
  // When recorded: all decisions.
  Tape tape;
  StreamLabels labels;
};

// A function of its arguments: equal arguments give equal results, hash included (S22).
RunResult run_seed(const ScenarioInfo& scenario, const RunOptions& options,
                   Trace::Sink sink = nullptr);
RunResult run_seed(const ScenarioInfo& scenario, uint64_t seed, const MutantSet& mutants,
                   Trace::Sink sink);

// One seed in twenty: those that are run more often than once.
bool is_sampled(uint64_t seed);

enum class Repeat : uint8_t { kSome, kAll };  // kSome: one seed in twenty, and every failing one

struct CampaignOptions {
  uint64_t first_seed = 1;
  uint64_t seeds = 1;
  Profile profile = Profile::kShort;
  MutantSet mutants;
  Repeat repeat = Repeat::kSome;
  bool stop_at_failure = false;
};

struct CampaignResult {
  std::vector<RunResult> failures;
  uint64_t seeds = 0;
  uint64_t repeated = 0;
  uint64_t operations = 0;
  uint64_t undecided = 0;
  uint64_t events = 0;
  int64_t simulated_ns = 0;
  uint64_t hash = 0;  // over the hashes of all seeds, in order
  FaultLedger ledger;
  // Runs in which each fault could happen, by its number.
  std::array<uint64_t, kFaultCount> runs_with{};
  SiteLedger sites;
};

// `on_result` hears of each seed, in order.
CampaignResult run_campaign(const ScenarioInfo& scenario, const CampaignOptions& options,
                            const std::function<void(const RunResult&)>& on_result);

}  // namespace kelpie::sim
