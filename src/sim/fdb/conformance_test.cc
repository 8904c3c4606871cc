// The production adapter conforms over the simulated cluster, whatever the order of things.
#include "store/conformance.h"

#include <gtest/gtest.h>

#include <string>
#include <tuple>

#include "sim/fdb/testing/rig.h"

namespace kelpie::sim {
namespace {

using testing::FdbNode;
using testing::FdbRig;

using Parameter = std::tuple<store::ConformanceCase, Policy>;

class SimFdbEngine : public ::testing::TestWithParam<Parameter> {};

Task<void> on_the_node(FdbNode& node, const store::ConformanceCase& which) {
  co_await async::yield(node.world.loop);
  co_return co_await which.body(node.database, node.world.loop).result();
}

TEST_P(SimFdbEngine, Conforms) {
  const auto& [which, policy] = GetParam();
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    FdbRig rig(seed, {}, policy);
    const Result<void> result = rig.run(on_the_node(rig.add_node(), which));
    EXPECT_TRUE(result.ok()) << "seed " << seed << ": " << result.error().to_string();
    rig.nodes.clear();
    rig.run_for(Duration::seconds(1));
    const FdbClient::Counts counts = rig.fdb.counts();
    EXPECT_EQ(counts.futures_made, counts.futures_destroyed);
    EXPECT_EQ(counts.transactions_made, counts.transactions_destroyed);
    EXPECT_EQ(counts.broken_commits, 0u);
    EXPECT_EQ(rig.fdb.watches(), 0u);
    EXPECT_FALSE(rig.simulation.failure().has_value());
  }
}

INSTANTIATE_TEST_SUITE_P(Conformance, SimFdbEngine,
                         ::testing::Combine(::testing::ValuesIn(store::whole_conformance()),
                                            ::testing::Values(Policy::kFifo, Policy::kUniform,
                                                              Policy::kHostUniform, Policy::kPct)),
                         [](const auto& info) {
                           std::string name(std::get<0>(info.param).name);
                           for (const char letter : policy_name(std::get<1>(info.param))) {
                             name += letter == '-' ? '_' : letter;
                           }
                           return name;
                         });

}  // namespace
}  // namespace kelpie::sim
