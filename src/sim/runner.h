// Runner: one seed from start to verdict, and campaigns of many.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sim/faults.h"
#include "sim/scenario.h"
#include "sim/simulation.h"

namespace kelpie::sim {

struct RunResult {
  uint64_t seed = 0;
  uint64_t hash = 0;
  std::optional<Failure> failure;
  uint64_t operations = 0;
  uint64_t events = 0;
  int64_t simulated_ns = 0;
  std::string swarm;
  FaultLedger ledger;
};

// A function of its arguments: equal arguments give equal results, hash included (S22).
RunResult run_seed(const ScenarioInfo& scenario, uint64_t seed, const MutantSet& mutants,
                   Trace::Sink sink);

enum class Repeat : uint8_t { kSome, kAll };  // kSome: one seed in twenty, and every failing one

struct CampaignOptions {
  uint64_t first_seed = 1;
  uint64_t seeds = 1;
  MutantSet mutants;
  Repeat repeat = Repeat::kSome;
  bool stop_at_failure = false;
};

struct CampaignResult {
  std::vector<RunResult> failures;
  uint64_t seeds = 0;
  uint64_t repeated = 0;
  uint64_t operations = 0;
  uint64_t events = 0;
  int64_t simulated_ns = 0;
  uint64_t hash = 0;  // over the hashes of all seeds, in order
  FaultLedger ledger;
};

// `on_result` hears of each seed, in order.
CampaignResult run_campaign(const ScenarioInfo& scenario, const CampaignOptions& options,
                            const std::function<void(const RunResult&)>& on_result);

}  // namespace kelpie::sim
