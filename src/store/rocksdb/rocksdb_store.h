// RocksdbStore: one open RocksDB directory: its format, its version key, its batches.
// Internal to the rocksdb engine.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "store/backend.h"
#include "store/rocksdb/rocksdb_backend.h"

namespace kelpie::store {

// What a failed read or open means: data_loss, resource_exhausted or unavailable.
Error rocksdb_error(const rocksdb::Status& status, std::string_view doing);

// Reads from any thread; `write` from one thread at a time.
class RocksdbStore {
 public:
  static Result<std::shared_ptr<RocksdbStore>> open(const RocksdbOptions& options);
  RocksdbStore(const RocksdbStore&) = delete;
  RocksdbStore& operator=(const RocksdbStore&) = delete;

  [[nodiscard]] rocksdb::DB& db() { return *db_; }
  // The version of the newest batch on the disk; 0 if there was none yet.
  Result<Version> stored_version();
  // Whether a forward iterator may pass over what it could not read: RocksDB 7.8 forgets the status
  // of a table's iterator when it skips what a range tombstone covers, in reads from the block
  // cache alone as in all others. (There, a block that fails its check is what is passed over.)
  [[nodiscard]] bool may_have_range_tombstones() const { return may_have_range_tombstones_; }
  // Writes the batch and its version, synced. Errors as Backend::apply.
  Result<void> write(const CommitBatch& batch);

 private:
  explicit RocksdbStore(const RocksdbOptions& options) : options_(options) {}
  Result<void> open_directory();
  Result<void> check_format();
  Result<void> raise_format();
  Result<void> check_free_space(size_t batch_bytes);

  RocksdbOptions options_;
  std::unique_ptr<rocksdb::Env> env_;  // only with a file system or clock of its own
  std::unique_ptr<rocksdb::DB> db_;
  // Set before the first of them is written.
  std::atomic<bool> may_have_range_tombstones_ = true;
};

}  // namespace kelpie::store
