// What a durable turn of an actor writes, and a store full of agents to write it into; the same
// rows for Kelpie's store and for the raw engines beside it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/bytes.h"
#include "bench/harness.h"
#include "store/database.h"
#include "store/rocksdb/rocksdb_backend.h"
#include "store/rocksdb/rocksdb_store.h"
#include "world/rng.h"
#include "world/world.h"

namespace kelpie::bench {

inline constexpr const char* kActorType = "bench";
inline constexpr const char* kNamespace = "default";
inline constexpr size_t kDataBytes = 256;     // what a turn changes of its agent
inline constexpr size_t kDedupeBytes = 64;    // that a request was answered, and how
inline constexpr size_t kStateBytes = 1'000;  // what an activation reads

// The agent's id: all have the same length, and order by number.
std::string agent_id(int agent);
// 1 kB that does not compress, as text of a conversation hardly does at this size.
Bytes state_of(int agent);
Bytes state_key(int agent);
// A node's fence, which every turn depends on.
Bytes epoch_key();

// All that one turn writes: the head with a fresh nonce, the data, the record that the request was
// answered.
struct TurnRows {
  Bytes nonce;
  store::KeyValue head;
  store::KeyValue data;
  store::KeyValue dedupe;
  [[nodiscard]] size_t bytes() const;
};
// Turns of one agent after the other; each agent's keys are made once, as an activation would.
class TurnSource {
 public:
  // `agents` are the numbers of those that take turns.
  TurnSource(world::Rng nonces, const std::vector<int>& agents);
  [[nodiscard]] int agents() const { return static_cast<int>(templates_.size()); }
  // The next turn of the agent in this place.
  TurnRows next(int place);

 private:
  struct Template {
    TurnRows rows;
    int64_t turn = 0;
  };
  world::Rng nonces_;
  std::vector<Template> templates_;
};

// As many agents, spread evenly over `of`.
std::vector<int> spread_agents(int agents, int of);

// One durable turn as the store sees it: read conflicts on the epoch and on the nonce's guard key,
// and blind writes. The first commits a transaction of the caller's own.
Task<store::Version> commit_turn(store::Transaction& transaction, TurnRows rows);
Task<void> store_turn(store::Database& database, TurnRows rows);

// Writes heads and states of agents 0 to `agents` - 1.
Task<void> load_agents(Loop& loop, store::Database& database, int agents);

// Copies a closed store; its immutable files are shared.
Result<void> copy_store(const std::string& from, const std::string& to);

// RocksDB without anything of Kelpie's above it. kPlain: RocksDB's own defaults. kEngine: the
// options, and the directory format, that Kelpie's engine uses.
enum class RawOptions : uint8_t { kPlain, kEngine };
class RawStore {
 public:
  static Result<std::unique_ptr<RawStore>> open(RawOptions which, store::RocksdbOptions options);
  [[nodiscard]] rocksdb::DB& db() { return engine_ ? engine_->db() : *plain_; }

 private:
  std::shared_ptr<store::RocksdbStore> engine_;
  std::unique_ptr<rocksdb::DB> plain_;
};
// On this thread: batches of so many turns, each synced before the next is built.
Result<Throughput> raw_turns(rocksdb::DB& db, TurnSource& source, int turns, int turns_per_batch);
Result<void> check(const rocksdb::Status& status, const char* doing);

}  // namespace kelpie::bench
