#include "bench/gets.h"

#include <utility>

namespace kelpie::bench {
namespace {

constexpr int kAgents = 100'000;
constexpr int kAgentsInMemory = 1'000;
constexpr size_t kBlockCacheBytes = 8'000'000;

constexpr uint64_t kOrderSeed = 7;

Error wrong_size(const char* who, size_t size) {
  return base::internal(std::string(who) + " found a state of " + std::to_string(size) +
                        " bytes, expected " + std::to_string(kStateBytes));
}

// The first agents: their rows lie together, so that they fit in the cache.
std::vector<int> first_agents(int agents) { return spread_agents(agents, agents); }

}  // namespace

Result<std::unique_ptr<PairOfStores>> PairOfStores::make(Bench& bench, const std::string& directory,
                                                         int agents, size_t block_cache_bytes) {
  const std::string ours = directory + "/ours";
  const std::string raw = directory + "/raw";
  {
    auto loading = TRY(OpenStore::open(bench, {.directory = ours}));
    TRY(bench.loop.run(load_agents(bench.loop, *loading->database, agents)));
  }
  auto pair = std::make_unique<PairOfStores>();
  {
    // Opening moves what is still in the log into tables.
    auto settled = TRY(RawStore::open(RawOptions::kEngine, {.directory = ours}));
    rocksdb::CompactRangeOptions whole;
    TRY(check(settled->db().CompactRange(whole, nullptr, nullptr), "compacting"));
  }
  TRY(copy_store(ours, raw));
  pair->ours =
      TRY(OpenStore::open(bench, {.directory = ours, .block_cache_bytes = block_cache_bytes}));
  pair->raw = TRY(RawStore::open(RawOptions::kEngine,
                                 {.directory = raw, .block_cache_bytes = block_cache_bytes}));
  return pair;
}

Task<Samples> store_gets(store::Database& database, const std::vector<int>& wanted, int samples) {
  world::Rng order(kOrderSeed);
  Samples times(samples);
  for (int i = 0; i < samples; ++i) {
    Bytes key = state_key(wanted[order.below(wanted.size())]);
    const Stopwatch watch;
    auto transaction = database.begin();
    const std::optional<Bytes> value = co_await transaction->get(std::move(key));
    transaction.reset();
    times.add(watch.microseconds());
    if (!value || value->size() != kStateBytes) {
      co_return wrong_size("the store", value ? value->size() : 0);
    }
  }
  co_return std::move(times);
}

Result<Samples> raw_gets(rocksdb::DB& db, const std::vector<int>& wanted, int samples) {
  world::Rng order(kOrderSeed);
  Samples times(samples);
  for (int i = 0; i < samples; ++i) {
    const Bytes key = state_key(wanted[order.below(wanted.size())]);
    const Stopwatch watch;
    std::string value;
    TRY(check(db.Get(rocksdb::ReadOptions(), key, &value), "a raw get"));
    times.add(watch.microseconds());
    if (value.size() != kStateBytes) {
      return wrong_size("RocksDB", value.size());
    }
  }
  return times;
}

Result<void> measure_gets(Bench& bench, const StoreRun& run, Report& report) {
  const int agents = std::min(kAgents, run.agents_many);
  auto pair = TRY(PairOfStores::make(bench, run.directory, agents, kBlockCacheBytes));
  const std::vector<int> few = first_agents(std::min(kAgentsInMemory, agents));
  const std::vector<int> all = first_agents(agents);
  store::Database& ours = *pair->ours->database;
  for (int round = 0; round < run.rounds; ++round) {
    // The first pass of each only fills its cache.
    static_cast<void>(TRY(bench.loop.run(store_gets(ours, few, run.gets))));
    static_cast<void>(TRY(raw_gets(pair->raw->db(), few, run.gets)));
    const store::RocksdbReadCounts before = pair->ours->engine->read_counts();
    Samples memory = TRY(bench.loop.run(store_gets(ours, few, run.gets)));
    const store::RocksdbReadCounts between = pair->ours->engine->read_counts();
    Samples memory_raw = TRY(raw_gets(pair->raw->db(), few, run.gets));
    Samples disk = TRY(bench.loop.run(store_gets(ours, all, run.gets)));
    Samples disk_raw = TRY(raw_gets(pair->raw->db(), all, run.gets));
    const store::RocksdbReadCounts after = pair->ours->engine->read_counts();
    report.add_times("B7.memory", memory);
    report.add_times("B7.memory.raw", memory_raw);
    report.add_times("B7.all", disk);
    report.add_times("B7.all.raw", disk_raw);
    report.add("B7.memory.share", "%",
               100.0 * static_cast<double>(between.memory - before.memory) / run.gets);
    report.add("B7.all.share", "%",
               100.0 * static_cast<double>(after.memory - between.memory) / run.gets);
  }
  report.fact("B7.agents", agents);
  report.fact("B7.agents_in_memory", static_cast<double>(few.size()));
  report.fact("B7.cache_mb", kBlockCacheBytes / 1e6);
  report.fact("B7.gets", run.gets);
  report.fact("B7.bytes", kStateBytes);
  return kOk;
}

}  // namespace kelpie::bench
