// The suite of the agent domain's stores on a real FoundationDB; skipped, by name, where there is
// none (store/fdb/testing/test_cluster.h says what is looked for).
#include <gtest/gtest.h>

#include "agent/agent_store_suite.h"
#include "store/fdb/testing/test_cluster.h"
#include "store/testing/test_world.h"

namespace kelpie::agent {
namespace {

using store::testing::TestCluster;

class AgentStoreOnACluster : public ::testing::TestWithParam<SuiteCase> {};

TEST_P(AgentStoreOnACluster, Conforms) {
  const Result<TestCluster*> cluster = store::testing::shared_test_cluster();
  if (!cluster.ok() && cluster.error().code == Code::kNotFound) {
    GTEST_SKIP() << cluster.error().message;
  }
  ASSERT_TRUE(cluster.ok()) << cluster.error().to_string();
  store::testing::ThreadLoop loop;
  ASSERT_TRUE((*cluster)->clear(loop).ok());
  store::testing::TestWorld test(loop);
  store::FdbDatabase database(loop, (*cluster)->connection());
  const Result<void> result = loop.run(GetParam().body(Bench{database, loop, test.faults}));
  EXPECT_TRUE(result.ok()) << result.error().to_string();
}

INSTANTIATE_TEST_SUITE_P(Suite, AgentStoreOnACluster, ::testing::ValuesIn(agent_store_suite()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace kelpie::agent
