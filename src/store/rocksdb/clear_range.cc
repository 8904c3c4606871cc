#include "store/rocksdb/clear_range.h"

#include <memory>

#include "base/check.h"

namespace kelpie::store {

rocksdb::Status RangeClearer::clear(std::string_view begin, std::string_view end) {
  CHECK(begin < end);
  set_keys_.insert(unsorted_.begin(), unsorted_.end());
  unsorted_.clear();
  rocksdb::Status status = clear_stored(begin, end);
  for (auto key = set_keys_.lower_bound(begin); status.ok() && key != set_keys_.end() && *key < end;
       ++key) {
    status = batch_.Delete(*key);
  }
  return status;
}

rocksdb::Status RangeClearer::clear_stored(std::string_view begin, std::string_view end) {
  rocksdb::ReadOptions options;
  const rocksdb::Slice upper(end);
  options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> rows(db_.NewIterator(options));
  std::vector<std::string> keys;
  for (rows->Seek(begin); rows->Valid(); rows->Next()) {
    if (keys.size() == single_deletes_max_) {
      wrote_tombstone_ = true;
      return batch_.DeleteRange(begin, end);
    }
    keys.push_back(rows->key().ToString());
  }
  if (!rows->status().ok()) {
    return rows->status();
  }
  rocksdb::Status status;
  for (const std::string& key : keys) {
    status = batch_.Delete(key);
  }
  return status;
}

}  // namespace kelpie::store
