// RangeClearer: clears a range in a RocksDB batch in the way that later reads pay least for.
// Internal to the rocksdb engine.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <cstddef>
#include <set>
#include <string_view>
#include <vector>

namespace kelpie::store {

// A RocksDB range tombstone slows every read near it until it is compacted away, and makes RocksDB
// 7.8 careless about blocks that it cannot read (RocksdbStore::may_have_range_tombstones). So keys
// are looked up and deleted one by one, up to a limit, and only larger ranges get a tombstone.
//
// One batch; the keys given to `note_set` outlive it.
class RangeClearer {
 public:
  RangeClearer(rocksdb::DB& db, rocksdb::WriteBatch& batch, size_t single_deletes_max)
      : db_(db), batch_(batch), single_deletes_max_(single_deletes_max) {}

  // The batch has set this key; a later `clear` must reach it too.
  void note_set(std::string_view key) { unsorted_.push_back(key); }
  rocksdb::Status clear(std::string_view begin, std::string_view end);
  // Whether the batch has a range tombstone.
  [[nodiscard]] bool wrote_tombstone() const { return wrote_tombstone_; }

 private:
  rocksdb::Status clear_stored(std::string_view begin, std::string_view end);

  rocksdb::DB& db_;
  rocksdb::WriteBatch& batch_;
  size_t single_deletes_max_;
  std::vector<std::string_view> unsorted_;
  std::set<std::string_view> set_keys_;
  bool wrote_tombstone_ = false;
};

}  // namespace kelpie::store
