#include "sim/cli.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "sim/cli/output.h"
#include "sim/tools/campaign_log.h"

namespace kelpie::sim {
namespace {

// `kelpie sim` with these words, as a process would be told them.
int kelpie_sim(std::vector<std::string> words) {
  std::vector<char*> argv;
  for (std::string& word : words) {
    argv.push_back(word.data());
  }
  return run_sim_cli(static_cast<int>(argv.size()), argv.data(), nullptr, "0.1.0+test");
}

class SimCli : public testing::Test {
 protected:
  SimCli() {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~SimCli() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& name) const { return (folder_ / name).string(); }

  std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) /
      ("sim_cli_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
};

uint64_t seeds_in(const std::string& path) {
  uint64_t seeds = 0;
  const Result<CampaignLog> log = read_log_file(path);
  EXPECT_TRUE(log.ok()) << log.error().message;
  for (const ChunkLine& chunk : log->chunks) {
    EXPECT_EQ(chunk.first_seed, seeds + 1);
    EXPECT_EQ(chunk.commit, "0.1.0+test");
    seeds += chunk.seeds;
  }
  return seeds;
}

TEST_F(SimCli, ACampaignGoesOnWhereItWasLeft) {
  const std::string log = file("log");
  kelpie_sim({"run", "--scenario", "canary", "--count", "150", "--log", log});
  EXPECT_EQ(seeds_in(log), 150u);
  kelpie_sim({"run", "--scenario", "canary", "--count", "320", "--log", log});
  EXPECT_EQ(seeds_in(log), 320u);
  kelpie_sim({"run", "--scenario", "canary", "--count", "320", "--log", log});
  EXPECT_EQ(seeds_in(log), 320u);
}

TEST_F(SimCli, ALineThatADyingProcessLeftIsRunAgain) {
  const std::string log = file("log");
  kelpie_sim({"run", "--scenario", "canary", "--count", "200", "--log", log});
  std::filesystem::resize_file(log, std::filesystem::file_size(log) - 5);
  EXPECT_EQ(seeds_in(log), 100u);
  kelpie_sim({"run", "--scenario", "canary", "--count", "200", "--log", log});
  EXPECT_EQ(seeds_in(log), 200u);
}

TEST_F(SimCli, SaysByItsExitCodeWhetherAllIsWell) {
  // Among these many seeds the canary sings.
  EXPECT_EQ(kelpie_sim({"run", "--scenario", "canary", "--count", "500"}), 1);
  EXPECT_EQ(kelpie_sim({"list"}), 0);
  EXPECT_EQ(kelpie_sim({"dance"}), 2);
  EXPECT_EQ(kelpie_sim({"replay", "--tape", file("none")}), 2);
  EXPECT_EQ(kelpie_sim({"corpus", file("none")}), 2);
  EXPECT_EQ(kelpie_sim({"report", file("none")}), 2);
}

TEST_F(SimCli, ARecordedRunIsReplayedToTheSameHash) {
  const std::string first = file("first.tape");
  const std::string second = file("second.tape");
  ASSERT_EQ(kelpie_sim({"replay", "7", "--scenario", "canary", "--record", first}), 0);
  ASSERT_EQ(kelpie_sim({"replay", "--tape", first, "--record", second}), 0);
  EXPECT_EQ(*read_file(first), *read_file(second));
  EXPECT_EQ(kelpie_sim({"corpus", folder_.string()}), 0);
}

TEST_F(SimCli, TheCorpusFailsByATapeWhosePlantedBugIsNotFound) {
  const std::string path = file("a.tape");
  ASSERT_EQ(kelpie_sim({"replay", "7", "--scenario", "canary", "--record", path}), 0);
  const std::string text = *read_file(path);
  ASSERT_TRUE(write_file(path, text + "mutant M8\noracle S3\n").ok());
  EXPECT_EQ(kelpie_sim({"corpus", path}), 1);
}

TEST_F(SimCli, AReportIsWrittenFromLogs) {
  const std::string log = file("log");
  kelpie_sim({"run", "--scenario", "canary", "--count", "10", "--log", log});
  ASSERT_EQ(kelpie_sim({"report", log, "--out", file("report.md")}), 0);
  EXPECT_NE(read_file(file("report.md"))->find("| canary | short | 1 to 10 | 0.1.0+test |"),
            std::string::npos);
  // The canary hits no site.
  EXPECT_EQ(kelpie_sim({"report", log, "--check"}), 1);
}

}  // namespace
}  // namespace kelpie::sim
