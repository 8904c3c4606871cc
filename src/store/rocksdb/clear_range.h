// RangeClearer: clears a range in a RocksDB batch in the way that later reads pay least for.
// Internal to the rocksdb engine.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <set>
#include <string_view>
#include <vector>

namespace kelpie::store {

// A RocksDB range tombstone slows every read near it until it is compacted away, and most ranges
// that are cleared hold no or few keys (the chunks of a small value). So the keys are looked up and
// deleted one by one, up to a limit, and only larger ranges get a tombstone.
//
// One batch; the keys given to `note_set` outlive it.
class RangeClearer {
 public:
  RangeClearer(rocksdb::DB& db, rocksdb::WriteBatch& batch) : db_(db), batch_(batch) {}

  // The batch has set this key; a later `clear` must reach it too.
  void note_set(std::string_view key) { unsorted_.push_back(key); }
  rocksdb::Status clear(std::string_view begin, std::string_view end);

 private:
  static constexpr int kSingleDeletesMax = 256;
  rocksdb::Status clear_stored(std::string_view begin, std::string_view end);

  rocksdb::DB& db_;
  rocksdb::WriteBatch& batch_;
  std::vector<std::string_view> unsorted_;
  std::set<std::string_view> set_keys_;
};

}  // namespace kelpie::store
