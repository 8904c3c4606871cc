#include "agent/agent_store_suite.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "async/manual_loop.h"
#include "store/local_database.h"
#include "store/memory/memory_backend.h"
#include "store/rocksdb/rocksdb_backend.h"
#include "store/rocksdb/testing/temporary_directory.h"
#include "store/rocksdb/testing/thread_loop.h"
#include "store/testing/test_world.h"

namespace kelpie::agent {
namespace {

// The rare but legal branches that are named, each drawn one time in three; planted bugs always.
class DrawnFaults final : public world::Faults {
 public:
  explicit DrawnFaults(std::string_view sites) : sites_(sites) {}
  bool mutant(std::string_view name) override { return name == planted; }
  bool buggify(std::string_view site) override {
    return sites_.contains(site) && rng_.next() % 3 == 0;
  }
  std::string planted;

 private:
  std::string sites_;
  world::Rng rng_{7};
};

Result<void> on_memory(const SuiteCase& suite_case, DrawnFaults& faults) {
  async::ManualLoop loop;
  store::testing::TestWorld test(loop);
  World world{loop, test.clock, test.rng, test.net, test.log, faults, world::NodeName("test")};
  store::MemoryBackend backend;
  store::LocalDatabase database(world, backend);
  return loop.run(suite_case.body(Bench{database, loop, faults}));
}

class AgentStoreSuite : public ::testing::TestWithParam<SuiteCase> {};

TEST_P(AgentStoreSuite, HoldsInMemory) {
  DrawnFaults faults("");
  const Result<void> result = on_memory(GetParam(), faults);
  EXPECT_TRUE(result.ok()) << result.error().to_string();
}

TEST_P(AgentStoreSuite, HoldsInMemoryWithShortPagesAndBatchesOfOne) {
  DrawnFaults faults("store.range.short_page store.commit.batch_of_one");
  const Result<void> result = on_memory(GetParam(), faults);
  EXPECT_TRUE(result.ok()) << result.error().to_string();
}

TEST_P(AgentStoreSuite, HoldsOnRocksdb) {
  store::testing::TemporaryDirectory directory;
  store::testing::ThreadLoop loop;
  store::testing::TestWorld test(loop);
  auto backend = store::RocksdbBackend::open(loop, {.directory = directory.path() + "/store"});
  ASSERT_TRUE(backend.ok()) << backend.error().to_string();
  store::LocalDatabase database(test.world, **backend);
  const Result<void> result = loop.run(GetParam().body(Bench{database, loop, test.faults}));
  EXPECT_TRUE(result.ok()) << result.error().to_string();
}

INSTANTIATE_TEST_SUITE_P(Suite, AgentStoreSuite, ::testing::ValuesIn(agent_store_suite()),
                         [](const auto& info) { return std::string(info.param.name); });

Result<void> outcome(std::string_view name, std::string planted, std::string_view sites) {
  for (const SuiteCase& candidate : agent_store_suite()) {
    if (candidate.name == name) {
      DrawnFaults faults(sites);
      faults.planted = std::move(planted);
      return on_memory(candidate, faults);
    }
  }
  ADD_FAILURE() << "the suite has no case " << name;
  return kOk;
}

// Cases that commit a transaction of their own must see no conflict that is none; the others go on
// in spite of them.
TEST(AgentStoreSuiteItself, HoldsWithFalseConflictsWhereItRetries) {
  for (std::string_view name :
       {"KeepsConcurrentAppendsToABlock", "KeepsAllOfSeveralAppenders",
        "CheckpointsOfSeveralRunsKeepAllSteps", "GivesANameToOneOfSeveral",
        "ADeleteLeavesNoKeyOfTheAgent", "ADeleteBesideReadersAndWritersLeavesNothing"}) {
    const Result<void> result = outcome(name, "", "store.commit.false_conflict");
    EXPECT_TRUE(result.ok()) << name << ": " << result.error().to_string();
  }
}

// The suite must be able to fail: it finds the planted bugs that are its own.
TEST(AgentStoreSuiteItself, FindsADeleteThatLeavesIndexEntries) {
  for (std::string_view name : {"SavesLoadsListsAndDeletesAgents", "ADeleteLeavesNoKeyOfTheAgent",
                                "ADeleteBesideReadersAndWritersLeavesNothing"}) {
    EXPECT_TRUE(outcome(name, "", "").ok()) << name;
    const Result<void> caught = outcome(name, "M23", "");
    EXPECT_FALSE(caught.ok()) << name;
  }
}

TEST(AgentStoreSuiteItself, FindsALostUpdateAndAPhantomOfTheEngine) {
  EXPECT_FALSE(outcome("KeepsConcurrentAppendsToABlock", "M4", "").ok());
  EXPECT_FALSE(outcome("GivesANameToOneOfSeveral", "M5", "").ok());
}

}  // namespace
}  // namespace kelpie::agent
