#include "store/rocksdb/rocksdb_snapshot.h"

#include <utility>

#include "base/check.h"

namespace kelpie::store {

RocksdbSnapshot::RocksdbSnapshot(std::shared_ptr<RocksdbStore> store, Version version)
    : store_(std::move(store)), version_(version), snapshot_(store_->db().GetSnapshot()) {
  CHECK(snapshot_ != nullptr);
}

RocksdbSnapshot::~RocksdbSnapshot() { store_->db().ReleaseSnapshot(snapshot_); }

Task<std::optional<Bytes>> RocksdbSnapshot::get(Bytes key) const {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot_;
  Bytes value;
  const rocksdb::Status status = store_->db().Get(options, key, &value);
  if (status.IsNotFound()) {
    co_return std::optional<Bytes>();
  }
  if (!status.ok()) {
    co_return rocksdb_error(status, "reading a key");
  }
  co_return std::optional<Bytes>(std::move(value));
}

Task<RangePage> RocksdbSnapshot::range(RangeRead read) const { co_return read_page(read); }

Result<RangePage> RocksdbSnapshot::read_page(const RangeRead& read) const {
  RangePage page;
  if (read.range.empty()) {
    return page;
  }
  const bool forward = read.order == Order::kForward;
  const rocksdb::Slice lower(read.range.begin);
  const rocksdb::Slice upper(read.range.end);
  rocksdb::ReadOptions options;
  options.snapshot = snapshot_;
  options.iterate_lower_bound = &lower;
  options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> rows(store_->db().NewIterator(options));
  size_t bytes = 0;
  for (forward ? rows->SeekToFirst() : rows->SeekToLast(); rows->Valid();
       forward ? rows->Next() : rows->Prev()) {
    Bytes key = rows->key().ToString();
    bytes += key.size() + rows->value().size();
    const bool full = page.rows.size() >= read.rows_max || bytes > read.bytes_max;
    if (full && !page.rows.empty()) {
      page.more = true;
      page.next = forward ? KeyRange{std::move(key), read.range.end}
                          : KeyRange{read.range.begin, std::move(key) + '\0'};
      break;
    }
    page.rows.push_back({std::move(key), rows->value().ToString()});
  }
  if (!rows->status().ok()) {
    return rocksdb_error(rows->status(), "reading a range");
  }
  return page;
}

}  // namespace kelpie::store
