#include "store/conformance.h"

#include <gtest/gtest.h>

#include <string>

#include "async/manual_loop.h"
#include "store/local_database.h"
#include "store/memory/memory_backend.h"
#include "store/testing/test_world.h"

namespace kelpie::store {
namespace {

class MemoryEngine : public ::testing::TestWithParam<ConformanceCase> {
 protected:
  void expect_conforms() {
    LocalDatabase database(test_.world, backend_);
    const Result<void> result = loop_.run(GetParam().body(database, loop_));
    EXPECT_TRUE(result.ok()) << result.error().to_string();
  }
  async::ManualLoop loop_;
  testing::TestWorld test_{loop_};
  MemoryBackend backend_;
};

TEST_P(MemoryEngine, Conforms) { expect_conforms(); }

// Legal but rare: ranges that come in pages of one row, batches of one transaction.
TEST_P(MemoryEngine, ConformsWithBatchesOfOne) {
  test_.faults.planted = {"store.commit.batch_of_one"};
  expect_conforms();
}

INSTANTIATE_TEST_SUITE_P(Conformance, MemoryEngine, ::testing::ValuesIn(whole_conformance()),
                         [](const auto& info) { return std::string(info.param.name); });

// The kit must be able to fail: it finds the planted bugs that are its own.
TEST(ConformanceKit, FindsALostUpdateAndAPhantom) {
  const auto result_with = [](std::string_view mutant, std::string_view name) {
    async::ManualLoop loop;
    testing::TestWorld test(loop);
    test.faults.planted = {std::string(mutant)};
    MemoryBackend backend;
    LocalDatabase database(test.world, backend);
    for (const ConformanceCase& candidate : whole_conformance()) {
      if (candidate.name == name) {
        return loop.run(candidate.body(database, loop));
      }
    }
    return Result<void>(kOk);
  };
  EXPECT_FALSE(result_with("M4", "RefusesALostUpdate").ok());
  EXPECT_FALSE(result_with("M5", "RefusesAPhantom").ok());
}

}  // namespace
}  // namespace kelpie::store
