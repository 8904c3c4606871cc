// RocksdbSnapshot: a RocksDB snapshot as the store's Snapshot. Internal to the rocksdb engine.
#pragma once

#include <memory>

#include "store/backend.h"
#include "store/rocksdb/rocksdb_store.h"

namespace kelpie::store {

// Made and released on any thread; read on the Loop's.
class RocksdbSnapshot final : public Snapshot {
 public:
  // Of the state that RocksDB shows now, which is that of `version`.
  RocksdbSnapshot(std::shared_ptr<RocksdbStore> store, Version version);
  ~RocksdbSnapshot() override;

  [[nodiscard]] Version version() const override { return version_; }
  Task<std::optional<Bytes>> get(Bytes key) const override;
  Task<RangePage> range(RangeRead read) const override;

 private:
  [[nodiscard]] Result<RangePage> read_page(const RangeRead& read) const;

  std::shared_ptr<RocksdbStore> store_;
  Version version_;
  const rocksdb::Snapshot* snapshot_;
};

}  // namespace kelpie::store
