// Gets of agents' states, through the store and raw, of the same rows.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/harness.h"
#include "bench/rows.h"
#include "bench/store_bench.h"

namespace kelpie::bench {

// A store of agents, and a copy of its files for RocksDB alone: both opened anew, so both have
// everything in tables and nothing in memory.
struct PairOfStores {
  static Result<std::unique_ptr<PairOfStores>> make(Bench& bench, const std::string& directory,
                                                    int agents, size_t block_cache_bytes);
  std::unique_ptr<OpenStore> ours;
  std::unique_ptr<RawStore> raw;
};

// `samples` gets of agents out of `wanted`, in an order of no pattern, one at a time; each is a
// transaction of its own.
Task<Samples> store_gets(store::Database& database, const std::vector<int>& wanted, int samples);
Result<Samples> raw_gets(rocksdb::DB& db, const std::vector<int>& wanted, int samples);

}  // namespace kelpie::bench
