// Explorer: runs a small scenario once for each way in which its work can interleave and its named
// faults can fall, on the production classes. It is stateless: each run starts from scratch, takes
// a prefix of decisions, and beyond it the first alternative of each; then the last decision that
// has alternatives left takes its next one.
//
// What is decided: which ready piece of work runs next ("schedule/order"), and whatever the
// scenario names. All else is pinned (Choices::set_decider). Time stands still while anything is
// ready, so a timer fires only when nothing else can happen, but one of length zero at once: a race
// with a timer is explored where the scenario gives it that length, or lets other timers be due at
// the same instant.
//
// Reduction by host: two pieces of work of different hosts commute, because hosts share nothing but
// what they post to each other; so of runs that differ in the order of such neighbours alone, one
// is enough (sleep sets: Godefroid, "Partial-Order Methods for the Verification of Concurrent
// Systems", 1996). Work of the simulation itself, host 0, commutes with nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sim/choices.h"
#include "sim/scheduler.h"
#include "sim/simulation.h"

namespace kelpie::sim {

class SmallRun;

// One run of a scenario. Made, set up, started, judged, destroyed.
class SmallScenario {
 public:
  SmallScenario() = default;
  SmallScenario(const SmallScenario&) = delete;
  SmallScenario& operator=(const SmallScenario&) = delete;
  virtual ~SmallScenario() = default;

  // Everything up to the race, in one fixed order.
  virtual Task<void> set_up() = 0;
  // Spawns the tasks that race (SmallRun::spawn).
  virtual void start() = 0;
  // Nothing is left to run. Fails the simulation by a promise's name; SmallRun::end_in says which
  // of the possible ends this is. May run tasks, in one fixed order.
  virtual Task<void> judge() = 0;
};

// Which runs may stand for others.
enum class Reduction : uint8_t {
  kNone,
  // For scenarios under Policy::kUniform whose hosts share nothing but posts, and whose judgement
  // looks at what each host saw, never at which of two hosts saw something first.
  kByHost,
};

struct SmallMutant {
  std::string_view name;    // "M1"
  std::string_view oracle;  // the promise that it must be caught by
};

struct SmallScenarioInfo {
  std::string_view name;
  std::string_view what;  // one line
  std::unique_ptr<SmallScenario> (*make)(SmallRun&) = nullptr;
  // Labels of choices that are explored besides the order. What they refer to is constant.
  std::span<const std::string_view> decisions;
  std::span<const SmallMutant> mutants;
  Reduction reduction = Reduction::kByHost;
  // kUniform, or kHostUniform where a host's own work keeps its order, as on a real Loop.
  Policy policy = Policy::kUniform;
  // Of different ends that a complete exploration without mutants comes to: a witness that the race
  // takes place. Zero: not stated.
  uint64_t ends = 0;
};

struct ExploreOptions {
  uint64_t runs_max = 1'000'000;
  // Of one run; one that needs more is cut off there and counted as truncated.
  size_t choices_max = 2'000;
  // In place of the scenario's own.
  std::optional<Reduction> reduction;
};

struct Violation {
  Failure failure;
  Tape tape;            // of the decisions that were explored
  uint64_t at_run = 0;  // counted from one, redundant ones included
};

struct ExploreResult {
  uint64_t runs = 0;       // that came to their end
  uint64_t redundant = 0;  // given up on the way, as others stand for them
  uint64_t truncated = 0;
  size_t tape_max = 0;  // decisions of the longest run
  uint64_t ends = 0;    // different ends
  bool exhausted = false;
  std::optional<Violation> violation;

  [[nodiscard]] bool passed() const { return exhausted && truncated == 0 && !violation; }
  // On one line.
  [[nodiscard]] std::string to_string() const;
};

// Explores until the space is exhausted, a violation, or the bound. The scenario's promise holds in
// the whole space if the result has passed.
ExploreResult explore(const SmallScenarioInfo& scenario, ExploreOptions options,
                      const MutantSet& mutants);

struct SmallReplay {
  std::optional<Failure> failure;
  uint64_t hash = 0;  // of the trace
  Tape tape;          // what was decided, which is longer than what was given where that ends early
};
// One run with the values of these decisions; where there are no more, or one is none of the
// alternatives, the first.
SmallReplay replay_small(const SmallScenarioInfo& scenario, const Tape& tape,
                         const MutantSet& mutants, Trace::Sink sink);

// A tape as text, to be handed on: "2.0.1". Trailing first alternatives are left out; the empty
// tape is "0".
std::string tape_text(const Tape& tape);
// Values only; the rest is zero, and replay_small does not look at it. `invalid_argument` for
// anything that tape_text does not write.
Result<Tape> parse_tape(std::string_view text);

std::span<const SmallScenarioInfo> small_scenarios();
// nullptr when there is none of that name.
const SmallScenarioInfo* find_small_scenario(std::string_view name);

}  // namespace kelpie::sim
