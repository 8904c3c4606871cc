#include "store/rocksdb/rocksdb_snapshot.h"

#include <utility>

namespace kelpie::store {
namespace {

// So few are found faster than a hash is computed, and so small ones cost a snapshot no memory
// worth counting.
constexpr size_t kAtHandRowsMax = 4;
constexpr size_t kAtHandRowBytesMax = 128;

}  // namespace

RocksdbSnapshot::RocksdbSnapshot(std::shared_ptr<RocksdbStore> store,
                                 std::shared_ptr<DiskReads> reads, Version version)
    : view_(std::make_shared<RocksdbView>(std::move(store))),
      reads_(std::move(reads)),
      version_(version) {}

std::optional<Result<std::optional<Bytes>>> RocksdbSnapshot::get_at_once(const Bytes& key) const {
  for (const KeyValue& row : at_hand_) {
    if (row.key == key) {
      reads_->count_memory_read();
      return Result<std::optional<Bytes>>(row.value);
    }
  }
  Found<std::optional<Bytes>> found = view_->get(key, ReadFrom::kMemory);
  if (found) {
    reads_->count_memory_read();
    if (found->ok() && found->value() && at_hand_.size() < kAtHandRowsMax &&
        key.size() + found->value()->size() <= kAtHandRowBytesMax) {
      at_hand_.push_back({key, *found->value()});
    }
  }
  return found;
}

Task<std::optional<Bytes>> RocksdbSnapshot::get(Bytes key) const {
  if (auto found = get_at_once(key)) {
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
