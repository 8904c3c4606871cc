#include "store/rocksdb/rocksdb_snapshot.h"

#include <utility>

namespace kelpie::store {

RocksdbSnapshot::RocksdbSnapshot(std::shared_ptr<RocksdbStore> store,
                                 std::shared_ptr<DiskReads> reads, Version version)
    : view_(std::make_shared<RocksdbView>(std::move(store))),
      reads_(std::move(reads)),
      version_(version) {}

Task<std::optional<Bytes>> RocksdbSnapshot::get(Bytes key) const {
  if (auto found = view_->get(key, ReadFrom::kMemory)) {
    reads_->count_memory_read();
    co_return *std::move(found);
  }
  co_return co_await reads_->run<std::optional<Bytes>>(
      [view = view_, key = std::move(key)] { return *view->get(key, ReadFrom::kDisk); });
}

Task<RangePage> RocksdbSnapshot::range(RangeRead read) const {
  if (auto found = view_->range(read, ReadFrom::kMemory)) {
    reads_->count_memory_read();
    co_return *std::move(found);
  }
  // The page from its start: what was in memory is cheap to read again.
  co_return co_await reads_->run<RangePage>(
      [view = view_, read = std::move(read)] { return *view->range(read, ReadFrom::kDisk); });
}

}  // namespace kelpie::store
