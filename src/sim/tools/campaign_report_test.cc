#include "sim/tools/campaign_report.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace kelpie::sim {
namespace {

// Nothing is wrong with it.
ChunkLine clean_chunk(uint64_t first, std::string commit) {
  ChunkLine line;
  line.scenario = "first_light";
  line.profile = "short";
  line.commit = std::move(commit);
  line.first_seed = first;
  line.seeds = 100;
  line.operations = 20'000;
  line.events = 1'500'000;
  line.simulated_ms = 9'000'000;
  line.wall_ms = 10'000;
  line.faults = {{"NetworkDelay", FaultCount{60, 300}}};
  for (const Site& site : known_sites()) {
    line.sites[std::string(site.name)] = 5;
  }
  return line;
}

CampaignLog clean_log() {
  CampaignLog log;
  log.chunks = {clean_chunk(1, "a"), clean_chunk(101, "b")};
  log.mutants = {MutantLine{"M8", "early", "b", "caught", "S3", 3, 3, 450}};
  log.explored = {ExploreLine{"lease", "two nodes", "b", "exhausted", "", 17, 4, 12}};
  return log;
}

bool holds(const std::vector<std::string>& lines, std::string_view text) {
  return std::ranges::any_of(
      lines, [&](const std::string& line) { return line.find(text) != std::string::npos; });
}

TEST(CampaignReport, AddsUpWhatBelongsTogether) {
  const std::vector<CampaignTotal> all = totals(clean_log());
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].sum.seeds, 200u);
  EXPECT_EQ(all[0].sum.operations, 40'000u);
  EXPECT_EQ(all[0].sum.faults.at("NetworkDelay").received, 600u);
  EXPECT_EQ(all[0].commits, (std::vector<std::string>{"a", "b"}));
  ASSERT_EQ(all[0].seed_ranges.size(), 1u);
  EXPECT_EQ(all[0].seed_ranges[0].first, 1u);
  EXPECT_EQ(all[0].seed_ranges[0].count, 200u);
}

TEST(CampaignReport, NamesWhatItAddsUp) {
  const std::string text = write_report(clean_log());
  for (const std::string_view part :
       {"| first_light | short | 200 | 200 | 0 |", "| first_light | short | 1 to 200 | a, b |",
        "| NetworkDelay | 600 in 120 |", "| M8 | early | caught | S3 | 3 | 0.5 |",
        "| lease | two nodes | exhausted | 17 | 4 |", "| 900 | 600 | 150000 |", "None: every"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  EXPECT_EQ(text.find("never**"), std::string::npos);
}

TEST(CampaignReport, ACleanLogHasNoFindings) { EXPECT_TRUE(findings(clean_log()).empty()); }

TEST(CampaignReport, EveryDemandThatIsNotMetIsAFinding) {
  CampaignLog log = clean_log();
  log.chunks[1].failures = {FailedSeed{117, "S3", "missing"}};
  log.chunks[0].undecided = 200;
  for (ChunkLine& chunk : log.chunks) {
    chunk.faults["ClockJump"] = FaultCount{50, 0};
    chunk.sites.erase(std::string(known_sites().front().name));
  }
  log.mutants.push_back(MutantLine{"M9", "retry", "b", "MISSED", "-", 0, 200, 9'000});
  log.explored.push_back(ExploreLine{"view", "", "b", "FAILED by S10", "", 3, 1, 1});
  const std::vector<std::string> found = findings(log);
  EXPECT_TRUE(holds(found, "seed 117 failed by S3"));
  EXPECT_TRUE(holds(found, "200 of 40000 operations are undecided"));
  EXPECT_TRUE(holds(found, "ClockJump was configured in 100 runs and never received"));
  EXPECT_TRUE(holds(found, "site " + std::string(known_sites().front().name)));
  EXPECT_TRUE(holds(found, "mutant M9: MISSED"));
  EXPECT_TRUE(holds(found, "scenario view: FAILED by S10"));
  EXPECT_EQ(found.size(), 6u);
}

TEST(CampaignReport, AFaultThatFewRunsHadMayBeSilent) {
  CampaignLog log = clean_log();
  log.chunks[0].faults["ClockJump"] = FaultCount{29, 0};
  EXPECT_TRUE(findings(log).empty());
}

TEST(CampaignReport, TheNewestVerdictOfAMutantCounts) {
  CampaignLog log = clean_log();
  log.mutants.insert(log.mutants.begin(),
                     MutantLine{"M8", "early", "a", "MISSED", "-", 0, 200, 9'000});
  EXPECT_TRUE(findings(log).empty());
}

TEST(CampaignReport, TheCanaryMaySing) {
  CampaignLog log = clean_log();
  ChunkLine canary = clean_chunk(1, "a");
  canary.scenario = "canary";
  canary.failures = {FailedSeed{7, "canary", "on purpose"}};
  log.chunks.push_back(canary);
  EXPECT_TRUE(findings(log).empty());
}

}  // namespace
}  // namespace kelpie::sim
