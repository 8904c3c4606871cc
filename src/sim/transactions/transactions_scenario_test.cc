// The trace of transactions in whole runs: what every seed is held to goes red where the store has
// a bug. (The scenarios' other oracles would find these bugs, too: a message tells who did.)
#include <gtest/gtest.h>

#include <string>

#include "sim/runner.h"
#include "sim/scenario.h"

namespace kelpie::sim {
namespace {

// The first of so many seeds in which the trace speaks first; 0: none.
uint64_t seed_found_by_trace(std::string_view scenario, const std::string& mutant, uint64_t seeds) {
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    const RunResult run = run_seed(*find_scenario(scenario), seed, {mutant}, nullptr);
    if (run.failure && run.failure->oracle == "S19" &&
        run.failure->message.contains("by its commit")) {
      return seed;
    }
  }
  return 0;
}

TEST(TransactionsScenario, ItsTraceFindsTheLostUpdate) {
  EXPECT_GT(seed_found_by_trace("transactions", "M4", 20), 0U);
}

TEST(TransactionsScenario, ItsTraceFindsThePhantom) {
  EXPECT_GT(seed_found_by_trace("transactions", "M5", 20), 0U);
}

TEST(ActorsScenario, ItsTraceFindsTheLostUpdate) {
  EXPECT_GT(seed_found_by_trace("actors", "M4", 400), 0U);
}

}  // namespace
}  // namespace kelpie::sim
