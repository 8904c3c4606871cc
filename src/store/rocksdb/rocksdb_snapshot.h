// RocksdbSnapshot: a RocksdbView as the store's Snapshot. Internal to the rocksdb engine.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "store/backend.h"
#include "store/rocksdb/disk_reads.h"
#include "store/rocksdb/rocksdb_view.h"

namespace kelpie::store {

// Made and released on any thread; read on the Loop's, which never waits for the disk: what is
// not in memory is read by a worker. A few hundred bytes, and what RocksDB keeps of old values.
class RocksdbSnapshot final : public Snapshot {
 public:
  // Of the state that RocksDB shows now, which is that of `version`.
  RocksdbSnapshot(std::shared_ptr<RocksdbStore> store, std::shared_ptr<DiskReads> reads,
                  Version version);

  [[nodiscard]] Version version() const override { return version_; }
  Task<std::optional<Bytes>> get(Bytes key) const override;
  [[nodiscard]] std::optional<Result<std::optional<Bytes>>> get_at_once(
      const Bytes& key) const override;
  Task<RangePage> range(RangeRead read) const override;

 private:
  // Shared with reads on their way: they may outlive a task that is dropped.
  std::shared_ptr<const RocksdbView> view_;
  std::shared_ptr<DiskReads> reads_;
  Version version_;
  // The first small rows that were asked for. Each turn of each actor reads its node's epoch first,
  // so it is mostly among them, and RocksDB is asked for it once a batch, not once a turn.
  mutable std::vector<KeyValue> at_hand_;
};

}  // namespace kelpie::store
