#include "store/backup_stream.h"

#include <algorithm>
#include <utility>

#include "async/sleep.h"
#include "base/check.h"
#include "store/commit_pipeline.h"
#include "store/keys.h"
#include "store/schema.h"

namespace kelpie::store {
namespace {

// With a key's length beside each row, a block of so many rows still fits a payload.
constexpr size_t kBlockRowsMax = 10'000;
static_assert(kBackupBlockBytes + base::kKeyBytesMax + base::kValueBytesMax + kBlockRowsMax * 8 +
                  4 <=
              kBackupPayloadBytesMax);

KeyRange all_rows() { return KeyRange{Bytes(), Bytes(kEngineKeysBegin)}; }

RangeRead block_of(KeyRange range) {
  return RangeRead{.range = std::move(range),
                   .rows_max = kBlockRowsMax,
                   .bytes_max = kBackupBlockBytes,
                   .isolation = Isolation::kSnapshot};
}

}  // namespace

BackupStream::BackupStream(Loop& loop, std::shared_ptr<const Snapshot> snapshot,
                           BackupOrigin origin)
    : loop_(loop), snapshot_(std::move(snapshot)), origin_(std::move(origin)), rest_(all_rows()) {
  CHECK(snapshot_ != nullptr);
}

Task<Bytes> BackupStream::begin() {
  StoreIdentity identity = co_await read_identity(*snapshot_);
  co_return encoder_.begin(
      BackupHeader{.engine = origin_.engine,
                   .version = snapshot_->version(),
                   .created_micros = origin_.now.micros(),
                   .schema = identity.version ? identity.version->schema : 0,
                   .store_id = identity.incarnation ? identity.incarnation->id : std::string(),
                   .kelpie_version = origin_.kelpie_version});
}

Task<std::optional<Bytes>> BackupStream::next() {
  co_await async::yield(loop_);
  if (stage_ == Stage::kBegin) {
    stage_ = Stage::kRows;
    co_return std::optional<Bytes>(co_await begin());
  }
  if (stage_ == Stage::kRows) {
    RangePage page = co_await snapshot_->range(block_of(std::move(rest_)));
    stage_ = page.more ? Stage::kRows : Stage::kEnd;
    rest_ = std::move(page.next);
    if (!page.rows.empty()) {
      co_return std::optional<Bytes>(encoder_.rows(page.rows));
    }
  }
  if (stage_ == Stage::kEnd) {
    stage_ = Stage::kOver;
    snapshot_.reset();
    co_return std::optional<Bytes>(encoder_.end());
  }
  co_return std::optional<Bytes>();
}

Task<RowsSum> sum_rows(Loop& loop, std::shared_ptr<const Snapshot> snapshot) {
  RowsSum sum;
  RangePage page{.rows = {}, .more = true, .next = all_rows()};
  while (page.more) {
    co_await async::yield(loop);
    page = co_await snapshot->range(block_of(std::move(page.next)));
    std::ranges::for_each(page.rows, [&sum](const KeyValue& row) { sum.add(row); });
  }
  co_return sum;
}

BackupRestorer::BackupRestorer(Loop& loop, Backend& backend, const BackupHeader& header)
    : loop_(loop),
      backend_(backend),
      header_(header),
      next_(std::max(backend.latest()->version(), header.version).get() + kVersionJump) {}

Task<void> BackupRestorer::apply(std::vector<Mutation> mutations) {
  const Version version = std::exchange(next_, Version(next_.get() + 1));
  co_await backend_.apply(CommitBatch{.version = version, .mutations = std::move(mutations)});
  co_return kOk;
}

Task<void> BackupRestorer::write(std::vector<KeyValue> rows) {
  std::vector<Mutation> mutations;
  mutations.reserve(rows.size());
  for (KeyValue& row : rows) {
    mutations.push_back(
        {.kind = Mutation::Kind::kSet, .key = std::move(row.key), .value = std::move(row.value)});
  }
  return apply(std::move(mutations));
}

Task<void> BackupRestorer::verify(RowsSum expected) {
  const RowsSum found = co_await sum_rows(loop_, backend_.latest());
  if (found != expected) {
    co_return base::data_loss("the restored store has " + std::to_string(found.rows) + " rows of " +
                              std::to_string(found.bytes) + " bytes, expected " +
                              std::to_string(expected.rows) + " rows of " +
                              std::to_string(expected.bytes) +
                              " bytes with the backup's checksum; do not use it");
  }
  co_return kOk;
}

Task<void> BackupRestorer::finish(std::string id, WallTime now) {
  // Also without rows, so that the version is in the store.
  const Incarnation incarnation{
      .id = std::move(id), .created_micros = now.micros(), .restored_from = header_.store_id};
  std::vector<Mutation> mutations;
  mutations.push_back({.kind = Mutation::Kind::kSet,
                       .key = keys::cluster_config(),
                       .value = encode_incarnation(incarnation)});
  return apply(std::move(mutations));
}

}  // namespace kelpie::store
