#include "store/differential.h"

#include <gtest/gtest.h>

#include <iostream>
#include <string>

#include "async/manual_loop.h"
#include "store/local_database.h"
#include "store/memory/memory_backend.h"
#include "store/rocksdb/rocksdb_backend.h"
#include "store/rocksdb/testing/temporary_directory.h"
#include "store/rocksdb/testing/thread_loop.h"
#include "store/testing/test_world.h"

namespace kelpie::store {
namespace {

constexpr int64_t kOperations = 20'000;

// --gtest_random_seed=N asks for other rounds.
uint64_t seed() {
  const auto number = static_cast<uint64_t>(::testing::UnitTest::GetInstance()->random_seed());
  std::cout << "seed " << number << "\n";
  return number;
}

Result<void> run_on_memory(const std::set<std::string>& planted, uint64_t seed,
                           DifferentialCounts& counts) {
  async::ManualLoop loop;
  testing::TestWorld test(loop);
  test.faults.planted = planted;
  MemoryBackend backend;
  LocalDatabase database(test.world, backend);
  Model model;
  TRY(loop.run(
      run_differential(database, model, {.seed = seed, .operations = kOperations}, counts)));
  return loop.run(expect_contents(database, model));
}

TEST(Differential, MemoryAgreesWithTheModel) {
  DifferentialCounts counts;
  const Result<void> result = run_on_memory({}, seed(), counts);
  EXPECT_TRUE(result.ok()) << result.error().to_string();
  EXPECT_GT(counts.commits, 500);
  EXPECT_GT(counts.conflicts, 50);
}

TEST(Differential, MemoryAgreesWherePagesHaveOneRow) {
  DifferentialCounts counts;
  const Result<void> result = run_on_memory({"store.range.short_page"}, seed(), counts);
  EXPECT_TRUE(result.ok()) << result.error().to_string();
}

TEST(Differential, RocksdbAgreesWithTheModelOverRestarts) {
  constexpr uint64_t kLives = 4;
  testing::TemporaryDirectory directory;
  // What reaches the disk in time is not the question here.
  const RocksdbOptions options{.directory = directory.path() + "/store",
                               .write_buffer_bytes = 64'000,
                               .durability = Durability::kUnsynced};
  Model model;
  DifferentialCounts counts;
  const uint64_t first = seed();
  for (uint64_t life = 0; life < kLives && !HasFailure(); ++life) {
    testing::ThreadLoop loop;
    testing::TestWorld test(loop);
    auto backend = RocksdbBackend::open(loop, options);
    ASSERT_TRUE(backend.ok()) << backend.error().to_string();
    LocalDatabase database(test.world, **backend);
    model.forget_pasts();
    Result<void> result = loop.run(expect_contents(database, model));
    EXPECT_TRUE(result.ok()) << result.error().to_string();
    result = loop.run(run_differential(
        database, model, {.seed = first + life, .operations = kOperations / 4}, counts));
    EXPECT_TRUE(result.ok()) << result.error().to_string();
  }
  EXPECT_GT(counts.commits, 500);
}

// The planted bugs that are its own: a lost update, a phantom, a range that ends too early.
TEST(Differential, FindsTheBugsThatItIsThereFor) {
  for (const char* mutant : {"M4", "M5", "M22"}) {
    DifferentialCounts counts;
    const Result<void> result = run_on_memory({mutant}, seed(), counts);
    EXPECT_FALSE(result.ok()) << mutant;
    std::cout << mutant << " after " << counts.operations << " operations\n";
  }
}

}  // namespace
}  // namespace kelpie::store
