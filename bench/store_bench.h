// The parts of store_bench: each opens its own stores below `directory`, and reports one value a
// round for each of its series.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "bench/harness.h"
#include "real/real_log.h"
#include "real/real_loop.h"
#include "real/real_world.h"
#include "store/local_database.h"
#include "store/rocksdb/rocksdb_backend.h"

namespace kelpie::bench {

// What every part runs in.
struct Bench {
  real::RealLog log{real::LogOptions{.level = world::LogLevel::kWarn}};
  real::RealLoop loop;
  real::RealWorld real{loop, log, world::NodeName("bench")};
};

struct StoreRun {
  std::string directory;  // of the part's own
  int rounds = 0;
  int turns = 0;  // a round
  int gets = 0;   // a round
  int in_flight = 0;
  int agents_few = 0;
  int agents_many = 0;
};

// A LocalDatabase over a RocksDB directory.
struct OpenStore {
  static Result<std::unique_ptr<OpenStore>> open(Bench& bench, store::RocksdbOptions options);
  std::unique_ptr<store::RocksdbBackend> engine;
  std::unique_ptr<store::LocalDatabase> database;
};

// B3: durable turns with many in flight, at the store and through the actor runtime, beside one
// thread that writes the same rows into RocksDB in synced batches of as many turns.
Result<void> measure_turns(Bench& bench, const StoreRun& run, Report& report);
// B7: a transaction's get of an actor's state, beside a raw get of the same rows.
Result<void> measure_gets(Bench& bench, const StoreRun& run, Report& report);
// B15: turns and gets with few and with many agents stored, and as many of them in use.
Result<void> measure_growth(Bench& bench, const StoreRun& run, Report& report);

}  // namespace kelpie::bench
