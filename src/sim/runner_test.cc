#include "sim/runner.h"

#include <gtest/gtest.h>

#include "sim/mutants.h"
#include "sim/testing/first_seed.h"

namespace kelpie::sim {
namespace {

const ScenarioInfo& first_light() { return *find_scenario("first_light"); }

TEST(Runner, OneSeedGivesOneHashWithAndWithoutReadableTrace) {
  uint64_t lines = 0;
  const RunResult plain = run_seed(first_light(), 3, {}, nullptr);
  const RunResult traced = run_seed(first_light(), 3, {}, [&](std::string_view) { ++lines; });
  EXPECT_EQ(plain.hash, traced.hash);
  EXPECT_EQ(plain.operations, traced.operations);
  EXPECT_GT(lines, plain.events);
}

TEST(Runner, OtherSeedsGiveOtherHashes) {
  EXPECT_NE(run_seed(first_light(), 1, {}, nullptr).hash,
            run_seed(first_light(), 2, {}, nullptr).hash);
}

TEST(Runner, FirstLightIsCleanForAFewSeeds) {
  const CampaignResult campaign =
      run_campaign(first_light(), CampaignOptions{.first_seed = first_seed(1), .seeds = 5},
                   [](const RunResult& result) {
                     EXPECT_FALSE(result.failure.has_value())
                         << "seed " << result.seed << " " << result.failure->oracle << " "
                         << result.failure->message;
                     EXPECT_GT(result.operations, 50u);
                   });
  EXPECT_EQ(campaign.seeds, 5u);
}

TEST(Runner, ACampaignReportsTheCanary) {
  const CampaignResult campaign = run_campaign(
      *find_scenario("canary"), CampaignOptions{.seeds = 1'000}, [](const RunResult&) {});
  EXPECT_GT(campaign.failures.size(), 3u);
  EXPECT_LT(campaign.failures.size(), 25u);
  for (const RunResult& result : campaign.failures) {
    EXPECT_EQ(result.failure->oracle, "canary");
  }
}

class Mutants : public testing::TestWithParam<Mutant> {};

TEST_P(Mutants, AreCaughtByTheOracleThatIsNamedForThem) {
  const MutantResult result = hunt(GetParam(), first_seed(1), 1);
  EXPECT_EQ(result.verdict, Verdict::kCaught)
      << (result.failure ? result.failure->oracle + " " + result.failure->message : "missed");
}

INSTANTIATE_TEST_SUITE_P(All, Mutants, testing::ValuesIn(mutants().begin(), mutants().end()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace kelpie::sim
