#include <gtest/gtest.h>

#include "sim/runner.h"
#include "sim/scenario.h"

namespace kelpie::sim {
namespace {

TEST(ProviderScenarios, OneSeedIsOneHashOverTlsToo) {
  for (const std::string_view name : {"provider", "tls"}) {
    const ScenarioInfo* scenario = find_scenario(name);
    ASSERT_NE(scenario, nullptr);
    const RunResult first = run_seed(*scenario, 3, {}, nullptr);
    EXPECT_FALSE(first.failure.has_value()) << first.failure->oracle << first.failure->message;
    EXPECT_EQ(run_seed(*scenario, 3, {}, nullptr).hash, first.hash) << name;
    EXPECT_NE(run_seed(*scenario, 4, {}, nullptr).hash, first.hash) << name;
  }
}

TEST(ProviderScenarios, TheSameSeedOnAnotherWireIsAnotherRun) {
  EXPECT_NE(run_seed(*find_scenario("provider"), 3, {}, nullptr).hash,
            run_seed(*find_scenario("tls"), 3, {}, nullptr).hash);
}

}  // namespace
}  // namespace kelpie::sim
