#include "store/local_transaction.h"

#include <algorithm>
#include <string>
#include <utility>

#include "async/sleep.h"
#include "base/check.h"
#include "base/limits.h"
#include "world/faults.h"

namespace kelpie::store {
namespace {

constexpr Duration kBackoffFirst = Duration::millis(1);
constexpr Duration kBackoffMax = Duration::millis(200);

// What is left of `range` behind (in the order of reading) `key`.
KeyRange rest_after(const KeyRange& range, const Bytes& key, Order order) {
  return order == Order::kForward ? KeyRange{key + '\0', range.end} : KeyRange{range.begin, key};
}

// What a page answers for: all of its range, or up to where `next` starts.
KeyRange covered_by(const KeyRange& asked, const RangePage& page, Order order) {
  if (!page.more) {
    return asked;
  }
  return order == Order::kForward ? KeyRange{asked.begin, page.next.begin}
                                  : KeyRange{page.next.end, asked.end};
}

}  // namespace

LocalTransaction::LocalTransaction(World& world, CommitPipeline& pipeline,
                                   TransactionOptions options)
    : world_(world),
      pipeline_(pipeline),
      options_(options),
      backoff_(kBackoffFirst),
      now_(options) {}

LocalTransaction::~LocalTransaction() {
  end_watches(base::cancelled("the watch's transaction did not commit"));
}

Task<Version> LocalTransaction::read_version() {
  CHECK(!now_.commit_called);
  if (!now_.read_version) {
    co_await readable();
  }
  co_return *now_.read_version;
}

void LocalTransaction::set_read_version(Version version) {
  CHECK(!now_.read_version && !now_.commit_called);
  CHECK(version.get() >= 0);
  now_.read_version = version;
}

Result<std::shared_ptr<const Snapshot>> LocalTransaction::readable() {
  CHECK(!now_.commit_called);
  if (auto failure = pipeline_.failure()) {
    return *std::move(failure);
  }
  if (!now_.snapshot) {
    now_.snapshot =
        now_.read_version ? TRY(pipeline_.snapshot_at(*now_.read_version)) : pipeline_.newest();
    if (!now_.read_version) {
      now_.read_version = now_.snapshot->version();
    }
  }
  if (*now_.read_version < pipeline_.oldest_version()) {
    return base::aborted("the transaction's read version is too old; try again from the start");
  }
  return now_.snapshot;
}

Task<std::optional<Bytes>> LocalTransaction::get(Bytes key, Isolation isolation) {
  if (auto error = TransactionLimits::key_error(key)) {
    co_return *std::move(error);
  }
  const std::shared_ptr<const Snapshot> snapshot = co_await readable();
  const bool own = reads_own_writes();
  std::optional<Bytes> stored;
  if (!own || now_.writes.needs_base(key)) {
    if (isolation == Isolation::kSerializable && !world_.faults.mutant("M4")) {
      now_.limits.read(key);
      now_.read_conflicts.add_point(key);
    }
    auto at_once = snapshot->get_at_once(key);
    stored = at_once ? co_await *std::move(at_once) : co_await snapshot->get(key);
  }
  if (!own) {
    co_return std::move(stored);
  }
  co_return now_.writes.apply(key, stored);
}

Task<RangePage> LocalTransaction::get_range(RangeRead read) {
  if (auto error = TransactionLimits::range_error(read.range)) {
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
  note_range_read(covered_by(asked, page, order), isolation);
  co_return std::move(page);
}

// Walks from the selector's own place, forward or back, to the key that it names. Everything
// between the two is what the answer depends on.
Task<Bytes> LocalTransaction::get_key(KeySelector selector, Isolation isolation) {
  constexpr size_t kKeysPerPage = 1'000;
  if (auto error = TransactionLimits::bound_error(selector.key)) {
    co_return *std::move(error);
  }
  const std::shared_ptr<const Snapshot> snapshot = co_await readable();
  Bytes start = std::move(selector.key);
  if (selector.or_equal == OrEqual::kIncluded && start < kKeysEnd) {
    start += '\0';
  }
  const bool forward = selector.offset > 0;
  // Counted in 64 bits: the offset may be the smallest number there is.
  int64_t left = forward ? int64_t{selector.offset} : 1 - int64_t{selector.offset};
  RangeRead read{.range = forward ? KeyRange{start, Bytes(kKeysEnd)} : KeyRange{"", start},
                 .order = forward ? Order::kForward : Order::kReverse};
  Bytes found = forward ? Bytes(kKeysEnd) : Bytes();
  while (!read.range.empty()) {
    read.rows_max = static_cast<size_t>(std::min<int64_t>(left, kKeysPerPage));
    RangePage page = co_await merged_page(snapshot, read);
    left -= static_cast<int64_t>(page.rows.size());
    if (left == 0) {
      found = page.rows.back().key;
    }
    if (left == 0 || !page.more) {
      break;
    }
    read.range = std::move(page.next);
  }
  const bool past_the_end = forward && found == kKeysEnd;
  note_range_read(
      forward ? KeyRange{start, past_the_end ? found : found + '\0'} : KeyRange{found, start},
      isolation);
  co_return std::move(found);
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
    std::vector<KeyValue> rows = std::move(base_page.rows);
    if (reads_own_writes()) {
      if (read.order == Order::kReverse) {
        std::ranges::reverse(rows);
      }
      rows = co_await now_.writes.apply(covered, std::move(rows));
      if (read.order == Order::kReverse) {
        std::ranges::reverse(rows);
      }
    }
    for (KeyValue& row : rows) {
      const size_t size = row.key.size() + row.value.size();
      const bool fits = result.rows.size() < read.rows_max && bytes + size <= read.bytes_max;
      if (!fits && !result.rows.empty()) {
        result.more = true;
        result.next = rest_after(read.range, result.rows.back().key, read.order);
        co_return std::move(result);
      }
      bytes += size;
      result.rows.push_back(std::move(row));
    }
    if (!base_page.more || world_.faults.mutant("M22")) {
      co_return std::move(result);
    }
    base_read.range = std::move(base_page.next);
  }
}

void LocalTransaction::note_range_read(KeyRange covered, Isolation isolation) {
  if (isolation == Isolation::kSnapshot || world_.faults.mutant("M5")) {
    return;
  }
  now_.limits.read(covered);
  if (!reads_own_writes()) {
    now_.read_conflicts.add_range(std::move(covered));
    return;
  }
  for (KeyRange& part : now_.writes.unknown_parts(std::move(covered))) {
    now_.read_conflicts.add_range(std::move(part));
  }
}

void LocalTransaction::set(Bytes key, Bytes value) {
  CHECK(!now_.commit_called);
  if (now_.limits.write(key, value)) {
    now_.writes.set(std::move(key), std::move(value));
  }
}

void LocalTransaction::clear(Bytes key) {
  CHECK(!now_.commit_called);
  if (now_.limits.write(key, {})) {
    now_.writes.clear(std::move(key));
  }
}

void LocalTransaction::clear_range(KeyRange range) {
  CHECK(!now_.commit_called);
  if (now_.limits.clear_range(range)) {
    now_.writes.clear_range(std::move(range));
  }
}

void LocalTransaction::atomic(AtomicOp op, Bytes key, Bytes operand) {
  CHECK(!now_.commit_called);
  if (now_.limits.write(key, operand)) {
    now_.writes.atomic(op, std::move(key), std::move(operand));
  }
}

void LocalTransaction::set_versionstamped_key(Bytes key, size_t offset, Bytes value) {
  CHECK(!now_.commit_called);
  if (now_.limits.write(key, value) && now_.limits.stamp(offset, key.size())) {
    now_.writes.set_versionstamped_key(std::move(key), offset, std::move(value));
  }
}

void LocalTransaction::set_versionstamped_value(Bytes key, Bytes value, size_t offset) {
  CHECK(!now_.commit_called);
  if (now_.limits.write(key, value) && now_.limits.stamp(offset, value.size())) {
    now_.writes.set_versionstamped_value(std::move(key), std::move(value), offset);
  }
}

void LocalTransaction::add_read_conflict(KeyRange range) {
  CHECK(!now_.commit_called);
  if (!now_.limits.conflict(range)) {
    return;
  }
  if (!reads_own_writes() || !now_.writes.touches(range)) {
    now_.read_conflicts.add_range(std::move(range));
    return;
  }
  for (KeyRange& part : now_.writes.unknown_parts(std::move(range))) {
    now_.read_conflicts.add_range(std::move(part));
  }
}

void LocalTransaction::add_write_conflict(KeyRange range) {
  CHECK(!now_.commit_called);
  if (now_.limits.conflict(range)) {
    now_.write_conflicts.add_range(std::move(range));
  }
}

std::unique_ptr<Watch> LocalTransaction::watch(Bytes key) {
  CHECK(!now_.commit_called);
  auto entry = std::make_shared<WatchTable::Entry>(world_.loop, std::move(key));
  if (!reads_own_writes()) {
    entry->end(base::failed_precondition(
        "a watch needs a transaction that reads its own writes; this one has that switched off"));
  } else if (auto error = TransactionLimits::key_error(entry->key)) {
    entry->end(std::move(error));
  } else {
    now_.watches.push_back(entry);
  }
  return WatchTable::watch_of(pipeline_.watches(), std::move(entry));
}

Task<void> LocalTransaction::prepare_watches() {
  for (const std::weak_ptr<WatchTable::Entry>& each : now_.watches) {
    const std::shared_ptr<WatchTable::Entry> entry = each.lock();
    if (entry == nullptr) {
      continue;
    }
    const std::shared_ptr<const Snapshot> snapshot = co_await readable();
    std::optional<Bytes> stored;
    if (now_.writes.needs_base(entry->key)) {
      stored = co_await snapshot->get(entry->key);
    }
    // Where a versionstamp decides the value, the watch ends at its first look.
    auto seen = now_.writes.apply(entry->key, stored);
    entry->value = seen.ok() ? std::move(seen).value() : std::nullopt;
  }
  co_return kOk;
}

Task<void> LocalTransaction::start_watches() {
  for (const std::weak_ptr<WatchTable::Entry>& each : std::exchange(now_.watches, {})) {
    if (const std::shared_ptr<WatchTable::Entry> entry = each.lock()) {
      co_await pipeline_.start_watch(entry);
    }
  }
  co_return kOk;
}

void LocalTransaction::end_watches(const Error& error) {
  for (const std::weak_ptr<WatchTable::Entry>& each : std::exchange(now_.watches, {})) {
    if (const std::shared_ptr<WatchTable::Entry> entry = each.lock()) {
      entry->end(error);
    }
  }
}

// One coroutine from here to the reply: each frame more is an allocation a commit.
Task<Version> LocalTransaction::commit() {
  CHECK(!now_.commit_called);
  std::optional<Error> error = now_.limits.violation();
  if (!error && !now_.watches.empty()) {
    auto prepared = co_await prepare_watches().result();
    error = prepared.ok() ? std::nullopt : std::optional(std::move(prepared).error());
  }
  Result<Version> version = error ? Result<Version>(*std::move(error)) : kNoVersion;
  if (version.ok() && !(now_.writes.empty() && now_.write_conflicts.empty())) {
    auto sent = send();
    if (sent.ok()) {
      const std::shared_ptr<PendingCommit> pending = *std::move(sent);
      co_await pending->done.wait();
      version = note_outcome(*pending);
    } else {
      version = std::move(sent).error();
    }
  }
  now_.commit_called = true;
  now_.snapshot.reset();
  if (!version.ok()) {
    end_watches(base::cancelled("the watch's transaction did not commit"));
  } else if (!now_.watches.empty()) {
    co_await start_watches();
  }
  co_return std::move(version);
}

Result<std::shared_ptr<PendingCommit>> LocalTransaction::send() {
  CommitRequest request;
  if (!now_.read_conflicts.empty()) {
    if (!now_.read_version) {
      now_.snapshot = TRY(readable());
    }
    request.read_version = *now_.read_version;
  }
  now_.commit_called = true;
  now_.snapshot.reset();
  request.reads = std::move(now_.read_conflicts);
  request.write_conflicts = std::move(now_.write_conflicts);
  now_.writes.drain_into(request);
  request.bytes = now_.limits.bytes();
  request.priority = options_.priority;
  return pipeline_.send(std::move(request));
}

Result<Version> LocalTransaction::note_outcome(PendingCommit& pending) {
  now_.committed = TRY(pending.outcome());
  return now_.committed->version;
}

Versionstamp LocalTransaction::versionstamp() const {
  CHECK(now_.committed.has_value());
  return Versionstamp::make(now_.committed->version, now_.committed->order);
}

Task<void> LocalTransaction::on_error(Error error) {
  const bool again =
      error.code == Code::kAborted && (!options_.retries_max || retries_ < *options_.retries_max);
  end_watches(base::cancelled("the watch's transaction did not commit"));
  now_ = Attempt(options_);
  if (!again) {
    co_return std::move(error);
  }
  ++retries_;
  co_await async::sleep_for(world_.loop, backoff_);
  backoff_ = std::min(backoff_ * 2, kBackoffMax);
  co_return kOk;
}

}  // namespace kelpie::store
