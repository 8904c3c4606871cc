// Scenario: what runs in a simulation, and who judges it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "async/task.h"
#include "sim/simulation.h"

namespace kelpie::sim {

// Owns the code under test of one run. Destroyed before its Simulation.
class Scenario {
 public:
  Scenario() = default;
  Scenario(const Scenario&) = delete;
  Scenario& operator=(const Scenario&) = delete;
  virtual ~Scenario() = default;

  // From set-up to the last audit; runs on the simulation's own loop. An error is a failure of the
  // run, as is whatever it reports to Simulation::fail.
  virtual Task<void> run() = 0;
  // Judges what was recorded, after `run` has ended or the run has failed; may call fail.
  virtual void judge() = 0;
  // Operations of clients that were checked.
  [[nodiscard]] virtual uint64_t operations() const = 0;
  // Of these, how many belong to a check that gave up: they count as neither passed nor failed.
  [[nodiscard]] virtual uint64_t undecided() const { return 0; }
};

struct ScenarioInfo {
  std::string_view name;
  std::string_view what;
  // In a campaign, this many of a million seeds are meant to fail, by the oracle "canary".
  uint64_t canary_per_million = 0;
  std::unique_ptr<Scenario> (*make)(Simulation& simulation);
};

// All that there are; the first is the default.
std::span<const ScenarioInfo> scenarios();
// nullptr when there is none of that name.
const ScenarioInfo* find_scenario(std::string_view name);

}  // namespace kelpie::sim
