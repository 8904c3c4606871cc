#include "store/local_transaction.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/limits.h"
#include "world/faults.h"

namespace kelpie::store {
namespace {

Error over_limit(std::string_view what, size_t size, size_t limit) {
  return base::invalid_argument(std::string(what) + " has " + std::to_string(size) +
                                " bytes, the limit is " + std::to_string(limit));
}

Error engine_key() {
  return base::invalid_argument("keys that start with the byte ff belong to the engine");
}

// The end of a range may be the key after the largest legal one.
std::optional<Error> range_error(const KeyRange& range) {
  const size_t longest = std::max(range.begin.size(), range.end.size());
  if (longest > base::kKeyBytesMax + 1) {
    return over_limit("a range bound", longest, base::kKeyBytesMax);
  }
  if (range.begin > kEngineKeysBegin || range.end > kEngineKeysBegin) {
    return engine_key();
  }
  return std::nullopt;
}

std::optional<Error> key_error(ByteView key) {
  if (key.size() > base::kKeyBytesMax) {
    return over_limit("a key", key.size(), base::kKeyBytesMax);
  }
  if (key >= kEngineKeysBegin) {
    return engine_key();
  }
  return std::nullopt;
}

// Splits `range` behind (in the order of reading) `key`: what was read, and what is left.
struct Split {
  KeyRange read;
  KeyRange rest;
};
Split split_after(const KeyRange& range, const Bytes& key, Order order) {
  if (order == Order::kForward) {
    Bytes next = key + '\0';
    return {{range.begin, next}, {next, range.end}};
  }
  return {{key, range.end}, {range.begin, key}};
}

// What a page of the snapshot answers for: all of its range, or up to where `next` starts.
KeyRange covered_by(const KeyRange& asked, const RangePage& page, Order order) {
  if (!page.more) {
    return asked;
  }
  return order == Order::kForward ? KeyRange{asked.begin, page.next.begin}
                                  : KeyRange{page.next.end, asked.end};
}

}  // namespace

LocalTransaction::LocalTransaction(World& world, Backend& backend, CommitPipeline& pipeline)
    : world_(world), backend_(backend), pipeline_(pipeline) {}

Task<Version> LocalTransaction::read_version() {
  CHECK(!commit_called_);
  if (auto failure = pipeline_.failure()) {
    co_return *std::move(failure);
  }
  if (!read_version_) {
    snapshot_ = backend_.latest();
    read_version_ = snapshot_->version();
  }
  co_return *read_version_;
}

void LocalTransaction::set_read_version(Version version) {
  CHECK(!read_version_ && !commit_called_);
  CHECK(version.get() >= 0);
  read_version_ = version;
}

Result<std::shared_ptr<const Snapshot>> LocalTransaction::readable() {
  CHECK(!commit_called_);
  if (auto failure = pipeline_.failure()) {
    return *std::move(failure);
  }
  if (!snapshot_) {
    snapshot_ = backend_.latest();
    if (read_version_ && *read_version_ != snapshot_->version()) {
      snapshot_.reset();
      return base::aborted("the state at the transaction's read version is not kept any more");
    }
    read_version_ = snapshot_->version();
  }
  if (*read_version_ < pipeline_.oldest_version()) {
    return base::aborted("the transaction's read version is too old; try again from the start");
  }
  return snapshot_;
}

Task<std::optional<Bytes>> LocalTransaction::get(Bytes key, Isolation isolation) {
  if (auto error = key_error(key)) {
    co_return *std::move(error);
  }
  const std::shared_ptr<const Snapshot> snapshot = co_await readable();
  const bool needs_base = writes_.needs_base(key);
  std::optional<Bytes> base;
  if (needs_base) {
    if (isolation == Isolation::kSerializable && !world_.faults.mutant("M4")) {
      bytes_ += 2 * key.size() + 1;
      read_conflicts_.add_point(key);
    }
    base = co_await snapshot->get(key);
  }
  co_return writes_.apply(key, base);
}

Task<RangePage> LocalTransaction::get_range(RangeRead read) {
  if (auto error = range_error(read.range)) {
    co_return *std::move(error);
  }
  if (read.range.empty()) {
    co_return RangePage();
  }
  read.rows_max = std::max<size_t>(read.rows_max, 1);
  if (world_.faults.buggify("store.range.short_page")) {
    read.rows_max = 1;
  }
  const std::shared_ptr<const Snapshot> snapshot = co_await readable();
  const KeyRange asked = read.range;
  const Order order = read.order;
  const Isolation isolation = read.isolation;
  RangePage page = co_await merged_page(snapshot, std::move(read));
  add_range_conflict(covered_by(asked, page, order), isolation);
  co_return std::move(page);
}

// Reads page after page of the snapshot, lays the buffer over each, and stops at the first row that
// is too many: so `more` is exact.
Task<RangePage> LocalTransaction::merged_page(std::shared_ptr<const Snapshot> snapshot,
                                              RangeRead read) {
  RangePage result;
  size_t bytes = 0;
  RangeRead base_read = read;
  // One more than wanted, to see whether there is more.
  base_read.rows_max = read.rows_max + 1;
  for (;;) {
    RangePage base_page = co_await snapshot->range(base_read);
    const KeyRange covered = covered_by(base_read.range, base_page, read.order);
    if (read.order == Order::kReverse) {
      std::ranges::reverse(base_page.rows);
    }
    std::vector<KeyValue> rows = co_await writes_.apply(covered, std::move(base_page.rows));
    if (read.order == Order::kReverse) {
      std::ranges::reverse(rows);
    }
    for (KeyValue& row : rows) {
      const size_t size = row.key.size() + row.value.size();
      const bool fits = result.rows.size() < read.rows_max && bytes + size <= read.bytes_max;
      if (!fits && !result.rows.empty()) {
        result.more = true;
        result.next = split_after(read.range, result.rows.back().key, read.order).rest;
        co_return std::move(result);
      }
      bytes += size;
      result.rows.push_back(std::move(row));
    }
    if (!base_page.more) {
      co_return std::move(result);
    }
    base_read.range = std::move(base_page.next);
  }
}

void LocalTransaction::add_range_conflict(const KeyRange& covered, Isolation isolation) {
  if (isolation == Isolation::kSnapshot || world_.faults.mutant("M5")) {
    return;
  }
  bytes_ += covered.begin.size() + covered.end.size();
  read_conflicts_.add_range(covered);
}

bool LocalTransaction::check_write(ByteView key, ByteView value) {
  CHECK(!commit_called_);
  std::optional<Error> error = key_error(key);
  if (!error && value.size() > base::kValueBytesMax) {
    error = over_limit("a value", value.size(), base::kValueBytesMax);
  }
  if (error && !violation_) {
    violation_ = std::move(error);
  }
  // The write itself, and its key as a write conflict.
  bytes_ += 2 * key.size() + 1 + value.size();
  return !violation_;
}

bool LocalTransaction::check_range(const KeyRange& range) {
  CHECK(!commit_called_);
  if (auto error = range_error(range); error && !violation_) {
    violation_ = std::move(error);
  }
  bytes_ += range.begin.size() + range.end.size();
  return !violation_ && !range.empty();
}

bool LocalTransaction::check_stamp(size_t offset, size_t size) {
  if (size < Versionstamp::kBytes || offset > size - Versionstamp::kBytes) {
    if (!violation_) {
      violation_ =
          base::invalid_argument("a versionstamp of 10 bytes does not fit at offset " +
                                 std::to_string(offset) + " of " + std::to_string(size) + " bytes");
    }
    return false;
  }
  return true;
}

void LocalTransaction::set(Bytes key, Bytes value) {
  if (check_write(key, value)) {
    writes_.set(std::move(key), std::move(value));
  }
}

void LocalTransaction::clear(Bytes key) {
  if (check_write(key, {})) {
    writes_.clear(std::move(key));
  }
}

void LocalTransaction::clear_range(KeyRange range) {
  if (check_range(range)) {
    bytes_ += range.begin.size() + range.end.size();
    writes_.clear_range(std::move(range));
  }
}

void LocalTransaction::atomic(AtomicOp op, Bytes key, Bytes operand) {
  if (check_write(key, operand)) {
    writes_.atomic(op, std::move(key), std::move(operand));
  }
}

void LocalTransaction::set_versionstamped_key(Bytes key, size_t offset, Bytes value) {
  if (check_write(key, value) && check_stamp(offset, key.size())) {
    writes_.set_versionstamped_key(std::move(key), offset, std::move(value));
  }
}

void LocalTransaction::set_versionstamped_value(Bytes key, Bytes value, size_t offset) {
  if (check_write(key, value) && check_stamp(offset, value.size())) {
    writes_.set_versionstamped_value(std::move(key), std::move(value), offset);
  }
}

void LocalTransaction::add_read_conflict(KeyRange range) {
  if (check_range(range)) {
    read_conflicts_.add_range(std::move(range));
  }
}

void LocalTransaction::add_write_conflict(KeyRange range) {
  if (check_range(range)) {
    write_conflicts_.add_range(std::move(range));
  }
}

std::optional<Error> LocalTransaction::check_commit() const {
  if (violation_) {
    return violation_;
  }
  if (bytes_ > base::kTransactionBytesMax) {
    return over_limit("the transaction", bytes_, base::kTransactionBytesMax);
  }
  return std::nullopt;
}

Task<Version> LocalTransaction::commit() {
  CHECK(!commit_called_);
  if (auto error = check_commit()) {
    commit_called_ = true;
    co_return *std::move(error);
  }
  if (writes_.empty() && write_conflicts_.empty()) {
    commit_called_ = true;
    co_return kNoVersion;
  }
  CommitRequest request;
  request.read_version = read_conflicts_.empty() ? kNoVersion : co_await read_version();
  commit_called_ = true;
  snapshot_.reset();
  request.reads = std::move(read_conflicts_);
  request.write_conflicts = std::move(write_conflicts_);
  writes_.drain_into(request);
  request.bytes = bytes_;
  committed_ = co_await pipeline_.commit(std::move(request));
  co_return committed_->version;
}

Versionstamp LocalTransaction::versionstamp() const {
  CHECK(committed_.has_value());
  return Versionstamp::make(committed_->version, committed_->order);
}

}  // namespace kelpie::store
