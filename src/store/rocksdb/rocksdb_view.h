// RocksdbView: a store as it was at one RocksDB snapshot, read with or without the disk.
// Internal to the rocksdb engine.
#pragma once

#include <memory>
#include <optional>

#include "store/backend.h"
#include "store/rocksdb/rocksdb_store.h"

namespace kelpie::store {

// What a read found; nothing if that takes the disk, which the caller did not allow.
template <class T>
using Found = std::optional<Result<T>>;

// kMemory looks at the memory tables and the block cache, and makes no system call for data.
enum class ReadFrom : uint8_t { kMemory, kDisk };

// Any thread.
class RocksdbView {
 public:
  // Of what RocksDB shows now.
  explicit RocksdbView(std::shared_ptr<RocksdbStore> store);
  RocksdbView(const RocksdbView&) = delete;
  RocksdbView& operator=(const RocksdbView&) = delete;
  ~RocksdbView();

  // Errors as Snapshot's. From kDisk there is always an answer.
  [[nodiscard]] Found<std::optional<Bytes>> get(const Bytes& key, ReadFrom from) const;
  // The whole page is in memory, or nothing is found. Never found there once the store has range
  // tombstones: RocksDB would leave out rows that are not (RocksdbStore says why).
  [[nodiscard]] Found<RangePage> range(const RangeRead& read, ReadFrom from) const;

 private:
  std::shared_ptr<RocksdbStore> store_;
  const rocksdb::Snapshot* snapshot_;
};

}  // namespace kelpie::store
