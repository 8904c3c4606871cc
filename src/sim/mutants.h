// The planted bugs (promises.md) and the oracles that must catch them.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sim/runner.h"

namespace kelpie::sim {

struct Mutant {
  std::string_view name;
  std::string_view what;
  std::array<std::string_view, 2> oracles;  // any of them; an empty one is none
  std::string_view scenario;
  uint64_t seeds_max;  // to be caught within
  // A promise that it breaks on the way, too: seeds that turn red by it are passed over.
  std::string_view besides = {};
  // It breaks its promise in a run without any fault, too.
  bool needs_no_fault = false;
};

std::span<const Mutant> mutants();

enum class Verdict : uint8_t {
  kCaught,
  kMissed,         // by every seed
  kWrongOracle,    // something else turned red first
  kNotRepeatable,  // its replay had another hash
};

struct MutantResult {
  Verdict verdict = Verdict::kMissed;
  uint64_t seeds = 0;  // that were run
  uint64_t seed = 0;   // that turned red
  std::optional<Failure> failure;
};

// Runs seeds from `first_seed` with the mutant on until an oracle turns red, then that seed
// `replays` times more.
MutantResult hunt(const Mutant& mutant, uint64_t first_seed, int replays);

// The first of so many runs without any fault that turns red with the mutant on, if there is one;
// what it breaks `besides` is passed over.
// What fails there is no bug that a fault brings out, unless the mutant says that it needs none.
std::optional<RunResult> red_without_faults(const Mutant& mutant, uint64_t first_seed,
                                            uint64_t seeds);

}  // namespace kelpie::sim
