#include "store/rocksdb/rocksdb_view.h"

#include <utility>

#include "base/check.h"

namespace kelpie::store {
namespace {

rocksdb::ReadOptions read_options(const rocksdb::Snapshot* snapshot, ReadFrom from) {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  options.read_tier = from == ReadFrom::kMemory ? rocksdb::kBlockCacheTier : rocksdb::kReadAllTier;
  return options;
}

// With kBlockCacheTier, RocksDB answers ok and leaves the value alone when the table that may hold
// the key is not open: taken for an answer, that is an empty value that nobody wrote. A value that
// was found is pinned, or lies in the slice's own buffer.
bool delivered(rocksdb::PinnableSlice& value) {
  return value.IsPinned() || value.data() == value.GetSelf()->data();
}

}  // namespace

RocksdbView::RocksdbView(std::shared_ptr<RocksdbStore> store)
    : store_(std::move(store)), snapshot_(store_->db().GetSnapshot()) {
  CHECK(snapshot_ != nullptr);
}

RocksdbView::~RocksdbView() { store_->db().ReleaseSnapshot(snapshot_); }

Found<std::optional<Bytes>> RocksdbView::get(const Bytes& key, ReadFrom from) const {
  using Answer = Result<std::optional<Bytes>>;
  rocksdb::DB& db = store_->db();
  rocksdb::PinnableSlice value;
  const rocksdb::Status status =
      db.Get(read_options(snapshot_, from), db.DefaultColumnFamily(), key, &value);
  if (status.IsIncomplete() || (status.ok() && !delivered(value))) {
    CHECK(from == ReadFrom::kMemory);
    return std::nullopt;
  }
  if (status.IsNotFound()) {
    return Answer(std::nullopt);
  }
  if (!status.ok()) {
    return rocksdb_error(status, "reading a key");
  }
  return Answer(value.ToString());
}

Found<RangePage> RocksdbView::range(const RangeRead& read, ReadFrom from) const {
  RangePage page;
  if (read.range.empty()) {
    return page;
  }
  if (from == ReadFrom::kMemory && store_->may_have_range_tombstones()) {
    return std::nullopt;
  }
  const bool forward = read.order == Order::kForward;
  const rocksdb::Slice lower(read.range.begin);
  const rocksdb::Slice upper(read.range.end);
  rocksdb::ReadOptions options = read_options(snapshot_, from);
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
  if (rows->status().IsIncomplete()) {
    CHECK(from == ReadFrom::kMemory);
    return std::nullopt;
  }
  if (!rows->status().ok()) {
    return rocksdb_error(rows->status(), "reading a range");
  }
  return page;
}

}  // namespace kelpie::store
