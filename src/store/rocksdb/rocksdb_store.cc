#include "store/rocksdb/rocksdb_store.h"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/system_clock.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "base/check.h"
#include "store/rocksdb/clear_range.h"
#include "store/rocksdb/data_directory.h"

namespace kelpie::store {
namespace {

constexpr std::string_view kFormatKey = "\xff/kelpie/format";
constexpr std::string_view kVersionKey = "\xff/kelpie/version";
// There from the beginning until a batch writes a range tombstone.
constexpr std::string_view kNoRangeTombstonesKey = "\xff/kelpie/no-range-tombstones";
static_assert(kNoRangeTombstonesKey > kEngineKeysBegin);
static_assert(kFormatKey > kEngineKeysBegin && kVersionKey > kEngineKeysBegin);

constexpr int kBloomBitsPerKey = 10;
constexpr int kCacheShardBits = 2;
constexpr size_t kInfoLogBytesMax = 1'000'000;

rocksdb::Options rocksdb_options(const RocksdbOptions& options) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(options.block_cache_bytes, kCacheShardBits);
  table.cache_index_and_filter_blocks = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));

  rocksdb::Options out;
  out.create_if_missing = true;
  out.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  out.write_buffer_size = options.write_buffer_bytes;
  out.max_write_buffer_number = 3;
  out.max_total_wal_size = 4 * options.write_buffer_bytes;
  out.level_compaction_dynamic_level_bytes = true;
  out.compression = rocksdb::kLZ4Compression;
  // One thread to flush and one to compact: an idle server keeps few threads.
  out.max_background_jobs = 2;
  out.max_open_files = 512;
  // The tail of the log may be cut or garbled by a power loss in mid write; that batch was never
  // acknowledged. Damage before the tail is found by check_and_mend.
  out.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  // A log that the MANIFEST counts on and that is gone is an error. It is what tells a MANIFEST
  // whose last edits rotted from one that a power loss cut: after the first, logs are missing.
  out.track_and_verify_wals_in_manifest = true;
  out.stats_dump_period_sec = 0;
  out.stats_persist_period_sec = 0;
  out.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  out.keep_log_file_num = 2;
  out.max_log_file_size = kInfoLogBytesMax;
  return out;
}

// The operating system's, but for what a test brings.
class BroughtEnv final : public rocksdb::EnvWrapper {
 public:
  BroughtEnv(const std::shared_ptr<rocksdb::FileSystem>& files,
             const std::shared_ptr<rocksdb::SystemClock>& clock)
      : EnvWrapper(rocksdb::NewCompositeEnv(files)) {
    // RocksDB asks for these two; the wrapper's own would go through functions of an older
    // interface.
    file_system_ = files;
    system_clock_ = clock;
  }
  [[nodiscard]] const char* Name() const override { return "BroughtEnv"; }
};

// About what the batch takes in RocksDB's form, so that it is built in one piece of memory.
size_t bytes_of(const CommitBatch& batch) {
  constexpr size_t kRecordBytes = 16;
  size_t bytes = 4 * kRecordBytes;
  for (const Mutation& mutation : batch.mutations) {
    bytes += mutation.key.size() + mutation.value.size() + kRecordBytes;
  }
  return bytes;
}

// The mutations in the order in which they are written. By key where that changes nothing, which is
// so without ranges: the memory table is a skip list that finds the place of a key quickest from
// that of the key before it. Mutations of one key keep their order.
std::vector<const Mutation*> in_order(const CommitBatch& batch) {
  std::vector<const Mutation*> order;
  order.reserve(batch.mutations.size());
  bool has_range = false;
  for (const Mutation& mutation : batch.mutations) {
    has_range = has_range || mutation.kind == Mutation::Kind::kClearRange;
    order.push_back(&mutation);
  }
  if (!has_range) {
    std::ranges::sort(order, [](const Mutation* a, const Mutation* b) {
      const int keys = a->key.compare(b->key);
      return keys != 0 ? keys < 0 : a < b;
    });
  }
  return order;
}

Bytes encode_version(Version version) { return Versionstamp::make(version, 0).bytes.substr(0, 8); }

}  // namespace

Error rocksdb_error(const rocksdb::Status& status, std::string_view doing) {
  CHECK(!status.ok());
  std::string text = std::string(doing) + ": " + status.ToString();
  if (status.IsCorruption()) {
    return base::data_loss(std::move(text));
  }
  if (status.IsNoSpace()) {
    return base::resource_exhausted(std::move(text));
  }
  return base::unavailable(std::move(text));
}

Result<std::shared_ptr<RocksdbStore>> RocksdbStore::open(const RocksdbOptions& options) {
  std::shared_ptr<RocksdbStore> store(new RocksdbStore(options));
  TRY(store->open_directory());
  return store;
}

Result<void> RocksdbStore::open_directory() {
  rocksdb::Options options = rocksdb_options(options_);
  if (options_.file_system || options_.clock) {
    env_ = std::make_unique<BroughtEnv>(
        options_.file_system ? options_.file_system : rocksdb::FileSystem::Default(),
        options_.clock ? options_.clock : rocksdb::SystemClock::Default());
    options.env = env_.get();
  }
  rocksdb::FileSystem& files = *options.env->GetFileSystem();
  TRY(prepare_directory(files, options_.directory));
  TRY(check_and_mend(files, options_.directory));
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(options, options_.directory, &db);
  if (!status.ok()) {
    if (auto held = held_error(status, options_.directory)) {
      return *std::move(held);
    }
    return rocksdb_error(status, "opening the store in " + options_.directory);
  }
  db_.reset(db);
  note_holder(options_.directory);
  return check_format();
}

// Format 1 has the same rows. Its binaries know nothing of the key about range tombstones, so they
// must not write beside it: with the new format they refuse the directory.
Result<void> RocksdbStore::raise_format() {
  may_have_range_tombstones_ = true;
  rocksdb::WriteOptions synced;
  synced.sync = true;
  rocksdb::WriteBatch raise;
  raise.Put(std::string(kFormatKey), std::to_string(kRocksdbFormat));
  raise.Delete(std::string(kNoRangeTombstonesKey));
  const rocksdb::Status status = db_->Write(synced, &raise);
  return status.ok() ? Result<void>(kOk) : rocksdb_error(status, "raising the store's format");
}

Result<void> RocksdbStore::check_format() {
  std::string text;
  rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), std::string(kFormatKey), &text);
  if (status.ok()) {
    int format = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), format);
    if (code != std::errc() || end != text.data() + text.size() || format < 1) {
      return base::data_loss("the store in " + options_.directory + " has the format \"" + text +
                             "\", expected a number");
    }
    if (format > kRocksdbFormat) {
      return base::failed_precondition("the store in " + options_.directory + " has format " +
                                       text + ", this binary knows formats up to " +
                                       std::to_string(kRocksdbFormat) +
                                       ": use a newer binary, or another data directory");
    }
    status = db_->Get(rocksdb::ReadOptions(), std::string(kNoRangeTombstonesKey), &text);
    if (!status.ok() && !status.IsNotFound()) {
      return rocksdb_error(status, "reading the store's properties");
    }
    may_have_range_tombstones_ = status.IsNotFound();
    return format < kRocksdbFormat ? raise_format() : kOk;
  }
  if (!status.IsNotFound()) {
    return rocksdb_error(status, "reading the store's format");
  }
  // Nobody's: made by us just now, or by a process that died here. With keys in it: somebody
  // else's.
  std::unique_ptr<rocksdb::Iterator> rows(db_->NewIterator(rocksdb::ReadOptions()));
  rows->SeekToFirst();
  if (rows->Valid()) {
    return base::failed_precondition("the directory " + options_.directory +
                                     " holds a RocksDB database that is not Kelpie's");
  }
  if (!rows->status().ok()) {
    return rocksdb_error(rows->status(), "reading the store");
  }
  rocksdb::WriteOptions synced;
  synced.sync = true;
  rocksdb::WriteBatch first;
  first.Put(std::string(kFormatKey), std::to_string(kRocksdbFormat));
  first.Put(std::string(kNoRangeTombstonesKey), "");
  status = db_->Write(synced, &first);
  if (!status.ok()) {
    return rocksdb_error(status, "writing the store's format");
  }
  may_have_range_tombstones_ = false;
  return kOk;
}

Result<Version> RocksdbStore::stored_version() {
  std::string text;
  const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), std::string(kVersionKey), &text);
  if (status.IsNotFound()) {
    return Version(0);
  }
  if (!status.ok()) {
    return rocksdb_error(status, "reading the store's version");
  }
  if (text.size() != 8) {
    return base::data_loss("the store's version has " + std::to_string(text.size()) +
                           " bytes, expected 8");
  }
  return Versionstamp{text + std::string(2, '\0')}.version();
}

Result<void> RocksdbStore::check_free_space(size_t batch_bytes) {
  uint64_t free_bytes = 0;
  const rocksdb::IOStatus status = db_->GetFileSystem()->GetFreeSpace(
      options_.directory, rocksdb::IOOptions(), &free_bytes, nullptr);
  // A file system that cannot tell is not a full one.
  if (status.ok() && free_bytes < options_.disk_free_bytes_min + 2 * batch_bytes) {
    return base::resource_exhausted("the disk is full: " + std::to_string(free_bytes) +
                                    " bytes are free in " + options_.directory + ", at least " +
                                    std::to_string(options_.disk_free_bytes_min + 2 * batch_bytes) +
                                    " are needed");
  }
  return kOk;
}

Result<void> RocksdbStore::write(const CommitBatch& batch) {
  rocksdb::WriteBatch write(bytes_of(batch));
  RangeClearer clearer(*db_, write, options_.single_deletes_max);
  for (const Mutation* mutation : in_order(batch)) {
    rocksdb::Status status;
    switch (mutation->kind) {
      case Mutation::Kind::kSet:
        status = write.Put(mutation->key, mutation->value);
        clearer.note_set(mutation->key);
        break;
      case Mutation::Kind::kClear:
        status = write.Delete(mutation->key);
        break;
      case Mutation::Kind::kClearRange:
        status = clearer.clear(mutation->key, mutation->value);
        break;
    }
    if (!status.ok()) {
      // Nothing was handed to the log yet; but what made it fail may be anything: stop.
      return base::unknown("building a batch: " + status.ToString());
    }
  }
  if (clearer.wrote_tombstone()) {
    write.Delete(std::string(kNoRangeTombstonesKey));
    may_have_range_tombstones_ = true;
  }
  write.Put(std::string(kVersionKey), encode_version(batch.version));
  TRY(check_free_space(write.GetDataSize()));
  rocksdb::WriteOptions options;
  options.sync = options_.durability == Durability::kSynced;
  const rocksdb::Status status = db_->Write(options, &write);
  if (!status.ok()) {
    return base::unknown("writing a batch: " + status.ToString());
  }
  return kOk;
}

}  // namespace kelpie::store
