// Minimiser: of a run that fails, a smaller one that fails by the same promise. Every step runs the
// whole simulation again.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sim/runner.h"

namespace kelpie::sim {

struct MinimiseOptions {
  uint64_t runs_max = 400;
  // Hears of what has been left out, one line each.
  std::function<void(std::string_view)> on_step = nullptr;
};

struct Minimised {
  RunOptions run;  // with its swarm, and its tapes where these could be cut
  Failure failure;
  uint64_t runs = 0;           // that it took
  uint64_t events_before = 0;  // of the run that was given, and of what remains
  uint64_t events = 0;
  size_t decisions_before = 0;
  size_t decisions = 0;  // on the tapes that remain
};

// In this order: fault families off one by one, schedule towards first come first served; a shorter
// chaos; fewer loops, nodes and clients; streams of decisions off one by one; and the shortest
// prefix of the tape beyond which every decision is mild. failed_precondition when the run that is
// given is clean.
Result<Minimised> minimise(const ScenarioInfo& scenario, const RunOptions& failing,
                           const MinimiseOptions& options = {});

}  // namespace kelpie::sim
