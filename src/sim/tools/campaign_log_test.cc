#include "sim/tools/campaign_log.h"

#include <gtest/gtest.h>

namespace kelpie::sim {
namespace {

ChunkLine chunk(uint64_t first, uint64_t count, std::string scenario = "s") {
  ChunkLine line;
  line.scenario = std::move(scenario);
  line.profile = "short";
  line.commit = "0.1.0+abc";
  line.first_seed = first;
  line.seeds = count;
  return line;
}

CampaignLog log_of(std::string_view text) {
  CampaignLog log;
  const Result<void> read = read_log(text, log);
  EXPECT_TRUE(read.ok()) << read.error().message;
  return log;
}

TEST(CampaignLog, EveryKindOfLineComesBackWhole) {
  ChunkLine seeds = chunk(101, 50);
  seeds.repeated = 3;
  seeds.operations = 12'000;
  seeds.undecided = 7;
  seeds.events = 900'000;
  seeds.simulated_ms = 4'000'000;
  seeds.wall_ms = 5'000;
  seeds.failures = {FailedSeed{117, "S3", "a \"message\"\nis missing"}};
  seeds.faults = {{"NetworkDelay", FaultCount{40, 1'234}}};
  seeds.sites = {{"store.range.short_page", 99}};
  const MutantLine mutant{"M8", "early", "0.1.0+abc", "caught", "S3", 3, 3, 450};
  const ExploreLine explored{"lease", "two nodes", "0.1.0+abc", "exhausted", "17 runs", 17, 4, 12};
  const CampaignLog log = log_of(to_line(seeds) + to_line(mutant) + to_line(explored));
  ASSERT_EQ(log.chunks.size(), 1u);
  EXPECT_EQ(to_line(log.chunks[0]), to_line(seeds));
  EXPECT_EQ(log.chunks[0].failures.at(0).message, seeds.failures[0].message);
  EXPECT_EQ(log.chunks[0].faults.at("NetworkDelay").received, 1'234u);
  EXPECT_EQ(log.chunks[0].sites.at("store.range.short_page"), 99u);
  ASSERT_EQ(log.mutants.size(), 1u);
  EXPECT_EQ(to_line(log.mutants[0]), to_line(mutant));
  ASSERT_EQ(log.explored.size(), 1u);
  EXPECT_EQ(to_line(log.explored[0]), to_line(explored));
}

TEST(CampaignLog, ALineThatADyingProcessLeftIsNotThere) {
  const std::string whole = to_line(chunk(1, 10));
  const std::string torn = to_line(chunk(11, 10)).substr(0, 40);
  EXPECT_EQ(log_of(whole + torn).chunks.size(), 1u);
}

TEST(CampaignLog, SaysWhichLineIsNone) {
  CampaignLog log;
  const Result<void> read = read_log(to_line(chunk(1, 10)) + "no json\n", log);
  ASSERT_FALSE(read.ok());
  EXPECT_NE(read.error().message.find("line 2"), std::string::npos);
  EXPECT_FALSE(read_log("{\"kind\":\"weather\"}\n", log).ok());
}

TEST(CampaignLog, ACampaignGoesOnBehindWhatItsLogHolds) {
  CampaignLog log;
  const auto missing = [&] { return next_missing(log, "s", "short", SeedRange{1, 100}); };
  ASSERT_TRUE(missing());
  EXPECT_EQ(missing()->first, 1u);
  EXPECT_EQ(missing()->count, 100u);
  log.chunks = {chunk(1, 30), chunk(31, 10)};
  EXPECT_EQ(missing()->first, 41u);
  EXPECT_EQ(missing()->count, 60u);
  log.chunks.push_back(chunk(91, 10));
  EXPECT_EQ(missing()->first, 41u);
  EXPECT_EQ(missing()->count, 50u);
  log.chunks.push_back(chunk(41, 50));
  EXPECT_FALSE(missing());
}

TEST(CampaignLog, SeedsOfAnotherScenarioOrProfileAreOthers) {
  CampaignLog log;
  log.chunks = {chunk(1, 100, "another")};
  EXPECT_EQ(next_missing(log, "s", "short", SeedRange{1, 100})->first, 1u);
  EXPECT_EQ(next_missing(log, "another", "long", SeedRange{1, 100})->first, 1u);
  EXPECT_FALSE(next_missing(log, "another", "short", SeedRange{1, 100}));
  EXPECT_FALSE(next_missing(log, "another", "short", SeedRange{20, 30}));
}

}  // namespace
}  // namespace kelpie::sim
