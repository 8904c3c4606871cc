#include "bench/rows.h"

#include <rocksdb/write_batch.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "actor/head.h"
#include "base/check.h"
#include "store/exactly_once.h"
#include "store/keys.h"

namespace kelpie::bench {
namespace {

namespace fs = std::filesystem;

constexpr size_t kIdDigits = 9;
constexpr int kAgentsPerLoad = 500;
constexpr int kLoadsInFlight = 4;

store::keys::ActorName name_of(const std::string& id) { return {kActorType, kNamespace, id}; }

Bytes generation() { return Bytes(store::Versionstamp::kBytes, '\1'); }

Bytes random_bytes(world::Rng& rng, size_t size) {
  Bytes bytes;
  bytes.reserve(size + sizeof(uint64_t));
  while (bytes.size() < size) {
    uint64_t word = rng.next();
    for (size_t i = 0; i < sizeof word; ++i, word >>= 8) {
      bytes += static_cast<char>(word);
    }
  }
  bytes.resize(size);
  return bytes;
}

enum class Rows : uint8_t { kHeads, kStates };

Task<void> load_some(store::Database& database, Rows rows, int first, int last) {
  auto transaction = database.begin();
  for (int agent = first; agent < last; ++agent) {
    if (rows == Rows::kHeads) {
      const actor::Head head{.generation = cluster::Generation(generation()),
                             .turn = 1,
                             .nonce = Bytes(store::kNonceBytes, '\2')};
      transaction->set(store::keys::actor_head(name_of(agent_id(agent))), head.encode());
    } else {
      transaction->set(state_key(agent), state_of(agent));
    }
  }
  co_await transaction->commit();
  co_return kOk;
}

}  // namespace

std::string agent_id(int agent) {
  const std::string digits = std::to_string(agent);
  CHECK(digits.size() <= kIdDigits);
  return "agent-" + std::string(kIdDigits - digits.size(), '0') + digits;
}

Bytes state_of(int agent) {
  world::Rng rng(static_cast<uint64_t>(agent) + 1);
  return random_bytes(rng, kStateBytes);
}

Bytes state_key(int agent) { return store::keys::agent_config(agent_id(agent)); }

Bytes epoch_key() { return store::keys::epoch("bench"); }

size_t TurnRows::bytes() const {
  size_t bytes = 0;
  for (const store::KeyValue* row : {&head, &data, &dedupe}) {
    bytes += row->key.size() + row->value.size();
  }
  return bytes;
}

TurnSource::TurnSource(world::Rng nonces, const std::vector<int>& agents) : nonces_(nonces) {
  for (const int agent : agents) {
    const std::string id = agent_id(agent);
    TurnRows rows;
    rows.head.key = store::keys::actor_head(name_of(id));
    rows.data = {store::keys::agent_block(id, "memory"), random_bytes(nonces_, kDataBytes)};
    rows.dedupe = {store::keys::agent_run(id, "request"), random_bytes(nonces_, kDedupeBytes)};
    templates_.push_back({std::move(rows)});
  }
}

TurnRows TurnSource::next(int place) {
  Template& from = templates_[static_cast<size_t>(place)];
  TurnRows rows = from.rows;
  rows.nonce = store::fresh_nonce(nonces_);
  const actor::Head head{
      .generation = cluster::Generation(generation()), .turn = ++from.turn, .nonce = rows.nonce};
  rows.head.value = head.encode();
  return rows;
}

std::vector<int> spread_agents(int agents, int of) {
  CHECK(agents <= of);
  std::vector<int> chosen;
  chosen.reserve(static_cast<size_t>(agents));
  for (int i = 0; i < agents; ++i) {
    chosen.push_back(static_cast<int>(int64_t{i} * of / agents));
  }
  return chosen;
}

Task<store::Version> commit_turn(store::Transaction& transaction, TurnRows rows) {
  transaction.add_read_conflict(store::KeyRange::single(epoch_key()));
  transaction.set(std::move(rows.data.key), std::move(rows.data.value));
  transaction.set(std::move(rows.dedupe.key), std::move(rows.dedupe.value));
  transaction.set(std::move(rows.head.key), std::move(rows.head.value));
  store::guard_commit(transaction, rows.nonce);
  return transaction.commit();
}

Task<void> store_turn(store::Database& database, TurnRows rows) {
  const auto transaction = database.begin();
  co_await commit_turn(*transaction, std::move(rows));
  co_return kOk;
}

// All heads and then all states: in the order of their keys, as a compacted store has them.
Task<void> load_agents(Loop& loop, store::Database& database, int agents) {
  for (const Rows rows : {Rows::kHeads, Rows::kStates}) {
    int next = 0;
    const auto load_next = [&database, &next, rows, agents](int) {
      const int first = next;
      next = std::min(agents, next + kAgentsPerLoad);
      return load_some(database, rows, first, next);
    };
    const int loads = (agents + kAgentsPerLoad - 1) / kAgentsPerLoad;
    co_await keep_in_flight(loop, {.in_flight = kLoadsInFlight, .operations = loads}, load_next);
  }
  co_return kOk;
}

Result<void> copy_store(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::create_directories(to, error);
  for (const fs::directory_entry& entry : fs::directory_iterator(from, error)) {
    const fs::path target = fs::path(to) / entry.path().filename();
    if (entry.path().extension() == ".sst") {
      fs::create_hard_link(entry.path(), target, error);
    } else {
      fs::copy_file(entry.path(), target, error);
    }
    if (error) {
      break;
    }
  }
  if (error) {
    return base::unavailable("copying the store in " + from + ": " + error.message());
  }
  return kOk;
}

Result<void> check(const rocksdb::Status& status, const char* doing) {
  if (status.ok()) {
    return kOk;
  }
  return store::rocksdb_error(status, doing);
}

Result<Throughput> raw_turns(rocksdb::DB& db, TurnSource& source, int turns, int turns_per_batch) {
  rocksdb::WriteOptions synced;
  synced.sync = true;
  const ThroughputClock clock;
  for (int done = 0; done < turns;) {
    rocksdb::WriteBatch batch;
    for (const int end = std::min(turns, done + turns_per_batch); done < end; ++done) {
      const TurnRows rows = source.next(done % source.agents());
      for (const store::KeyValue* row : {&rows.head, &rows.data, &rows.dedupe}) {
        TRY(check(batch.Put(row->key, row->value), "building a batch"));
      }
    }
    TRY(check(db.Write(synced, &batch), "writing a batch"));
  }
  return clock.stop(turns);
}

Result<std::unique_ptr<RawStore>> RawStore::open(RawOptions which, store::RocksdbOptions options) {
  auto store = std::make_unique<RawStore>();
  if (which == RawOptions::kEngine) {
    store->engine_ = TRY(store::RocksdbStore::open(options));
    return store;
  }
  rocksdb::Options plain;
  plain.create_if_missing = true;
  rocksdb::DB* db = nullptr;
  TRY(check(rocksdb::DB::Open(plain, options.directory, &db), "opening RocksDB"));
  store->plain_.reset(db);
  return store;
}

}  // namespace kelpie::bench
