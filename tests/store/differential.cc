// The differential test at length: engines against the model, in rounds of fresh stores.
//
//   store_differential ENGINE OPERATIONS FIRST_SEED      ENGINE: memory, rocksdb
//
// Prints a line for each tenth of the work, so that a run that was cut goes on from its seed.
#include "store/differential.h"

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "async/manual_loop.h"
#include "store/local_database.h"
#include "store/memory/memory_backend.h"
#include "store/rocksdb/rocksdb_backend.h"
#include "store/rocksdb/testing/temporary_directory.h"
#include "store/rocksdb/testing/thread_loop.h"
#include "store/testing/test_world.h"

namespace kelpie::store {
namespace {

constexpr int64_t kOperationsPerRound = 20'000;

template <class AnyLoop>
Result<void> run_round(AnyLoop& loop, Backend& backend, DifferentialOptions options,
                       DifferentialCounts& counts) {
  testing::TestWorld test(loop);
  LocalDatabase database(test.world, backend);
  Model model;
  TRY(loop.run(run_differential(database, model, options, counts)));
  return loop.run(expect_contents(database, model));
}

Result<void> run_round(std::string_view engine, DifferentialOptions options,
                       DifferentialCounts& counts) {
  if (engine == "memory") {
    async::ManualLoop loop;
    MemoryBackend backend;
    return run_round(loop, backend, options, counts);
  }
  testing::TemporaryDirectory directory;
  testing::ThreadLoop loop;
  const auto backend = TRY(RocksdbBackend::open(loop, {.directory = directory.path() + "/store",
                                                       .write_buffer_bytes = 64'000,
                                                       .durability = Durability::kUnsynced}));
  return run_round(loop, *backend, options, counts);
}

template <class Number>
bool parse(std::string_view text, Number& number) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  return code == std::errc() && end == text.data() + text.size();
}

int run(std::string_view engine, int64_t operations, uint64_t seed) {
  DifferentialCounts counts;
  int64_t tenths = 0;
  for (; counts.operations < operations; ++seed) {
    const Result<void> done =
        run_round(engine, {.seed = seed, .operations = kOperationsPerRound}, counts);
    if (!done.ok()) {
      std::printf("%.*s: %s\n", static_cast<int>(engine.size()), engine.data(),
                  done.error().to_string().c_str());
      return 1;
    }
    if (counts.operations * 10 / operations > tenths) {
      tenths = counts.operations * 10 / operations;
      std::printf("%.*s: %lld operations, %lld commits, %lld conflicts, next seed %llu\n",
                  static_cast<int>(engine.size()), engine.data(),
                  static_cast<long long>(counts.operations), static_cast<long long>(counts.commits),
                  static_cast<long long>(counts.conflicts),
                  static_cast<unsigned long long>(seed + 1));
      std::fflush(stdout);
    }
  }
  return 0;
}

}  // namespace
}  // namespace kelpie::store

int main(int argc, char** argv) {
  int64_t operations = 0;
  uint64_t seed = 0;
  const std::string_view engine = argc > 1 ? argv[1] : "";
  if (argc != 4 || (engine != "memory" && engine != "rocksdb") ||
      !kelpie::store::parse(argv[2], operations) || operations < 1 ||
      !kelpie::store::parse(argv[3], seed)) {
    std::fprintf(stderr, "usage: store_differential memory|rocksdb OPERATIONS FIRST_SEED\n");
    return 2;
  }
  return kelpie::store::run(engine, operations, seed);
}
