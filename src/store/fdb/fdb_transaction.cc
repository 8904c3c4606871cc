#include "store/fdb/fdb_transaction.h"

#include <algorithm>
#include <climits>
#include <utility>

#include "base/check.h"
#include "base/limits.h"
#include "store/fdb/fdb_watch.h"
#include "store/selector_walk.h"

namespace kelpie::store {
namespace {

const uint8_t* pointer_to(ByteView bytes) { return reinterpret_cast<const uint8_t*>(bytes.data()); }

// Everything that is passed on was measured against a limit before.
int size_of(ByteView bytes) {
  CHECK(bytes.size() <= INT_MAX);
  return static_cast<int>(bytes.size());
}

ByteView view_of(const uint8_t* bytes, int size) {
  return {reinterpret_cast<const char*>(bytes), static_cast<size_t>(size)};
}

// As much as the native interface can count; 0 would mean without a bound there.
int bound_of(size_t wanted) { return static_cast<int>(std::clamp<size_t>(wanted, 1, INT_MAX)); }

FdbBool is_snapshot(Isolation isolation) { return isolation == Isolation::kSnapshot ? 1 : 0; }
FdbBool is_included(OrEqual or_equal) { return or_equal == OrEqual::kIncluded ? 1 : 0; }

FdbMutation mutation_of(AtomicOp op) {
  switch (op) {
    case AtomicOp::kAdd:
      return FdbMutation::kAdd;
    case AtomicOp::kBitAnd:
      return FdbMutation::kBitAnd;
    case AtomicOp::kBitOr:
      return FdbMutation::kBitOr;
    case AtomicOp::kBitXor:
      return FdbMutation::kBitXor;
    case AtomicOp::kMax:
      return FdbMutation::kMax;
    case AtomicOp::kMin:
      return FdbMutation::kMin;
    case AtomicOp::kByteMax:
      return FdbMutation::kByteMax;
    case AtomicOp::kByteMin:
      return FdbMutation::kByteMin;
    case AtomicOp::kAppendIfFits:
      return FdbMutation::kAppendIfFits;
    case AtomicOp::kCompareAndClear:
      return FdbMutation::kCompareAndClear;
  }
  CHECK(false);
  return FdbMutation::kAdd;
}

// The stamp's place, as the native mutations want it: behind the bytes, four bytes little endian.
Bytes with_offset(Bytes bytes, size_t offset) {
  for (int shift = 0; shift < 32; shift += 8) {
    bytes += static_cast<char>(offset >> shift);
  }
  return bytes;
}

// What is left of `range` behind (in the order of reading) `key`.
KeyRange rest_after(const KeyRange& range, const Bytes& key, Order order) {
  return order == Order::kForward ? KeyRange{key + '\0', range.end} : KeyRange{range.begin, key};
}

}  // namespace

class FdbTransaction::Native {
 public:
  Native(std::shared_ptr<FdbConnection> connection, FdbTransactionHandle* handle)
      : connection_(std::move(connection)), handle_(handle) {}
  Native(const Native&) = delete;
  Native& operator=(const Native&) = delete;
  ~Native() { connection_->api()->transaction_destroy(handle_); }
  [[nodiscard]] FdbTransactionHandle* handle() const { return handle_; }

 private:
  std::shared_ptr<FdbConnection> connection_;
  FdbTransactionHandle* handle_;
};

FdbTransaction::FdbTransaction(FdbSession& session, TransactionOptions options)
    : session_(session), options_(options), now_(options.bytes_max) {
  open_native();
}

void FdbTransaction::open_native() {
  FdbTransactionHandle* handle = nullptr;
  const FdbErrorCode code =
      api().database_create_transaction(session_.connection->native(), &handle);
  if (code != 0) {
    broken_ = failed(code, FdbOrigin::kRead);
    return;
  }
  native_ = std::make_shared<Native>(session_.connection, handle);
  apply_options();
}

// After each native reset too: it forgets them.
void FdbTransaction::apply_options() {
  if (options_.read_your_writes == ReadYourWrites::kOff) {
    set_option(FdbTransactionOption::kReadYourWritesDisable);
  }
  if (options_.priority == Priority::kBatch) {
    set_option(FdbTransactionOption::kPriorityBatch);
  } else if (options_.priority == Priority::kImmediate) {
    set_option(FdbTransactionOption::kPrioritySystemImmediate);
  }
}

void FdbTransaction::set_option(FdbTransactionOption option) {
  if (!usable()) {
    return;
  }
  const FdbErrorCode code = api().transaction_set_option(native(), option, nullptr, 0);
  if (code != 0) {
    broken_ = failed(code, FdbOrigin::kRead);
    native_.reset();
  }
}

FdbTransactionHandle* FdbTransaction::native() const {
  CHECK(native_ != nullptr);
  return native_->handle();
}

Result<void> FdbTransaction::readable() const {
  if (!usable()) {
    return *broken_;
  }
  return kOk;
}

Error FdbTransaction::failed(FdbErrorCode code, FdbOrigin origin) {
  failure_ = Failure{code, judge_fdb_error(api(), code, origin)};
  return to_error(api(), code, origin);
}

FdbFuture FdbTransaction::future(FdbFutureHandle* native) const {
  return {session_.connection->api(), session_.port, native};
}

// Waits for a read's answer.
Task<void> FdbTransaction::settled(FdbFuture& future) {
  const FdbErrorCode code = co_await future.ready();
  if (code != 0) {
    co_return failed(code, FdbOrigin::kRead);
  }
  co_return kOk;
}

// The first read, or the commit, of a transaction without a version asks for one.
void FdbTransaction::ask_version() {
  if (!std::exchange(now_.version_asked, true)) {
    ++session_.counters.read_versions;
  }
}

void FdbTransaction::count_read() {
  ask_version();
  ++session_.counters.reads;
}

Task<Version> FdbTransaction::read_version() {
  CHECK(!now_.commit_called);
  co_await readable();
  ask_version();
  FdbFuture answer = future(api().transaction_get_read_version(native()));
  co_await settled(answer);
  int64_t version = 0;
  const FdbErrorCode code = api().future_get_int64(answer.native(), &version);
  if (code != 0) {
    co_return failed(code, FdbOrigin::kRead);
  }
  co_return Version(version);
}

void FdbTransaction::set_read_version(Version version) {
  CHECK(!now_.version_asked && !now_.commit_called);
  CHECK(version.get() >= 0);
  now_.version_asked = true;
  if (usable()) {
    api().transaction_set_read_version(native(), version.get());
  }
}

Task<std::optional<Bytes>> FdbTransaction::get(Bytes key, Isolation isolation) {
  CHECK(!now_.commit_called);
  if (auto error = TransactionLimits::key_error(key)) {
    co_return *std::move(error);
  }
  co_await readable();
  count_read();
  if (isolation == Isolation::kSerializable) {
    now_.limits.read(key);
  }
  FdbFuture answer = future(
      api().transaction_get(native(), pointer_to(key), size_of(key), is_snapshot(isolation)));
  co_await settled(answer);
  FdbBool present = 0;
  const uint8_t* value = nullptr;
  int size = 0;
  const FdbErrorCode code = api().future_get_value(answer.native(), &present, &value, &size);
  if (code != 0) {
    co_return failed(code, FdbOrigin::kRead);
  }
  if (present == 0) {
    co_return std::optional<Bytes>();
  }
  co_return std::optional<Bytes>(Bytes(view_of(value, size)));
}

Task<Bytes> FdbTransaction::get_key(KeySelector selector, Isolation isolation) {
  CHECK(!now_.commit_called);
  if (auto error = TransactionLimits::bound_error(selector.key)) {
    co_return *std::move(error);
  }
  // The client counts a key with a compare-and-clear of this transaction as one that is there,
  // whatever becomes of it. Its ranges are right.
  if (now_.compared_and_cleared) {
    co_return co_await walk_to_key(*this, std::move(selector), isolation).result();
  }
  co_await readable();
  count_read();
  FdbFuture answer = future(api().transaction_get_key(
      native(), pointer_to(selector.key), size_of(selector.key), is_included(selector.or_equal),
      selector.offset, is_snapshot(isolation)));
  co_await settled(answer);
  const uint8_t* key = nullptr;
  int size = 0;
  const FdbErrorCode code = api().future_get_key(answer.native(), &key, &size);
  if (code != 0) {
    co_return failed(code, FdbOrigin::kRead);
  }
  Bytes found(view_of(key, size));
  if (isolation == Isolation::kSerializable) {
    now_.limits.read(KeyRange{std::min(found, selector.key), std::max(found, selector.key)});
  }
  co_return std::move(found);
}

Task<RangePage> FdbTransaction::get_range(RangeRead read) {
  CHECK(!now_.commit_called);
  if (auto error = TransactionLimits::range_error(read.range)) {
    co_return *std::move(error);
  }
  if (read.range.empty()) {
    co_return RangePage();
  }
  RangePage page = co_await read_page(KeySelector::first_greater_or_equal(read.range.begin),
                                      KeySelector::first_greater_or_equal(read.range.end), read);
  if (page.more) {
    page.next = rest_after(read.range, page.rows.back().key, read.order);
    page.more = !page.next.empty();
  }
  note_range_read(read, page);
  co_return std::move(page);
}

Task<RangePage> FdbTransaction::get_range(KeySelector begin, KeySelector end, RangeRead read) {
  CHECK(!now_.commit_called);
  for (const KeySelector* selector : {&begin, &end}) {
    if (auto error = TransactionLimits::bound_error(selector->key)) {
      co_return *std::move(error);
    }
  }
  if (now_.compared_and_cleared) {
    co_return co_await Transaction::get_range(std::move(begin), std::move(end), std::move(read))
        .result();
  }
  RangePage page = co_await read_page(begin, end, read);
  read.range = {begin.key, end.key};
  if (page.more) {
    // Pages that follow are read between keys; the one still unknown is the far end.
    const bool forward = read.order == Order::kForward;
    Bytes far = co_await get_key(forward ? std::move(end) : std::move(begin), read.isolation);
    (forward ? read.range.end : read.range.begin) = std::move(far);
    page.next = rest_after(read.range, page.rows.back().key, read.order);
    page.more = !page.next.empty();
  }
  note_range_read(read, page);
  co_return std::move(page);
}

// `next` is left to the caller.
Task<RangePage> FdbTransaction::read_page(const KeySelector& begin, const KeySelector& end,
                                          const RangeRead& read) {
  co_await readable();
  count_read();
  constexpr int kFirstIteration = 1;
  FdbFuture answer = future(api().transaction_get_range(
      native(), pointer_to(begin.key), size_of(begin.key), is_included(begin.or_equal),
      begin.offset, pointer_to(end.key), size_of(end.key), is_included(end.or_equal), end.offset,
      bound_of(read.rows_max), bound_of(read.bytes_max), kFdbStreamingExact, kFirstIteration,
      is_snapshot(read.isolation), read.order == Order::kReverse ? 1 : 0));
  co_await settled(answer);
  co_return copy_page(answer, read);
}

// The native bound on bytes is soft: what is above ours is left for the next page.
Result<RangePage> FdbTransaction::copy_page(const FdbFuture& future, const RangeRead& read) {
  const FdbKeyValue* rows = nullptr;
  int count = 0;
  FdbBool more = 0;
  const FdbErrorCode code = api().future_get_keyvalue_array(future.native(), &rows, &count, &more);
  if (code != 0) {
    return failed(code, FdbOrigin::kRead);
  }
  RangePage page;
  page.rows.reserve(static_cast<size_t>(count));
  size_t bytes = 0;
  for (int i = 0; i < count; ++i) {
    const FdbKeyValue& row = rows[i];
    bytes += static_cast<size_t>(row.key_bytes) + static_cast<size_t>(row.value_bytes);
    if (bytes > read.bytes_max && !page.rows.empty()) {
      more = 1;
      break;
    }
    page.rows.push_back(
        {Bytes(view_of(row.key, row.key_bytes)), Bytes(view_of(row.value, row.value_bytes))});
  }
  if (more != 0 && page.rows.empty()) {
    return base::unavailable("FoundationDB says that more rows follow, but not from where");
  }
  page.more = more != 0;
  return page;
}

void FdbTransaction::note_range_read(const RangeRead& read, const RangePage& page) {
  if (read.isolation == Isolation::kSnapshot) {
    return;
  }
  if (!page.more) {
    now_.limits.read(read.range);
  } else if (read.order == Order::kForward) {
    now_.limits.read(KeyRange{read.range.begin, page.next.begin});
  } else {
    now_.limits.read(KeyRange{page.next.end, read.range.end});
  }
}

void FdbTransaction::set(Bytes key, Bytes value) {
  CHECK(!now_.commit_called);
  if (now_.limits.write(key, value) && usable()) {
    now_.wrote = true;
    api().transaction_set(native(), pointer_to(key), size_of(key), pointer_to(value),
                          size_of(value));
  }
}

void FdbTransaction::clear(Bytes key) {
  CHECK(!now_.commit_called);
  if (now_.limits.write(key, {}) && usable()) {
    now_.wrote = true;
    api().transaction_clear(native(), pointer_to(key), size_of(key));
  }
}

void FdbTransaction::clear_range(KeyRange range) {
  CHECK(!now_.commit_called);
  if (now_.limits.clear_range(range) && usable()) {
    now_.wrote = true;
    api().transaction_clear_range(native(), pointer_to(range.begin), size_of(range.begin),
                                  pointer_to(range.end), size_of(range.end));
  }
}

void FdbTransaction::mutate(FdbMutation mutation, ByteView key, ByteView operand) {
  if (usable()) {
    now_.wrote = true;
    api().transaction_atomic_op(native(), pointer_to(key), size_of(key), pointer_to(operand),
                                size_of(operand), mutation);
  }
}

void FdbTransaction::atomic(AtomicOp op, Bytes key, Bytes operand) {
  CHECK(!now_.commit_called);
  if (now_.limits.write(key, operand)) {
    now_.compared_and_cleared = now_.compared_and_cleared || op == AtomicOp::kCompareAndClear;
    mutate(mutation_of(op), key, operand);
  }
}

void FdbTransaction::set_versionstamped_key(Bytes key, size_t offset, Bytes value) {
  CHECK(!now_.commit_called);
  if (now_.limits.write(key, value) && now_.limits.stamp(offset, key.size())) {
    mutate(FdbMutation::kSetVersionstampedKey, with_offset(std::move(key), offset), value);
  }
}

void FdbTransaction::set_versionstamped_value(Bytes key, Bytes value, size_t offset) {
  CHECK(!now_.commit_called);
  if (now_.limits.write(key, value) && now_.limits.stamp(offset, value.size())) {
    mutate(FdbMutation::kSetVersionstampedValue, key, with_offset(std::move(value), offset));
  }
}

void FdbTransaction::add_read_conflict(KeyRange range) { add_conflict(range, FdbConflict::kRead); }

void FdbTransaction::add_write_conflict(KeyRange range) {
  add_conflict(range, FdbConflict::kWrite);
}

void FdbTransaction::add_conflict(const KeyRange& range, FdbConflict conflict) {
  CHECK(!now_.commit_called);
  if (!now_.limits.conflict(range) || !usable()) {
    return;
  }
  now_.wrote = now_.wrote || conflict == FdbConflict::kWrite;
  const FdbErrorCode code =
      api().transaction_add_conflict_range(native(), pointer_to(range.begin), size_of(range.begin),
                                           pointer_to(range.end), size_of(range.end), conflict);
  if (code != 0) {
    // Without the conflict the commit would promise less than was asked for.
    broken_ = failed(code, FdbOrigin::kRead);
    native_.reset();
  }
}

std::unique_ptr<Watch> FdbTransaction::watch(Bytes key) {
  CHECK(!now_.commit_called);
  if (options_.read_your_writes == ReadYourWrites::kOff) {
    return std::make_unique<FdbWatch>(base::failed_precondition(
        "a watch needs a transaction that reads its own writes; this one has that switched off"));
  }
  if (auto error = TransactionLimits::key_error(key)) {
    return std::make_unique<FdbWatch>(*std::move(error));
  }
  if (!usable()) {
    return std::make_unique<FdbWatch>(*broken_);
  }
  now_.watches = true;
  // It looks at the key first, to know what it must differ from.
  count_read();
  return std::make_unique<FdbWatch>(session_.connection->api(),
                                    std::make_shared<FdbFuture>(future(api().transaction_watch(
                                        native(), pointer_to(key), size_of(key)))));
}

Task<Version> FdbTransaction::commit() {
  CHECK(!now_.commit_called);
  now_.commit_called = true;
  if (auto error = now_.limits.violation()) {
    if (now_.watches && usable()) {
      api().transaction_cancel(native());  // nothing was sent; ends the watches
    }
    co_return *std::move(error);
  }
  co_await readable();
  if (!now_.wrote && !now_.watches) {
    co_return kNoVersion;
  }
  co_return co_await send();
}

Task<Version> FdbTransaction::send() {
  auto needs = std::make_shared<CommitNeeds>();
  needs->native = native_;
  if (now_.wrote) {
    ask_version();
    ++session_.counters.commits;
    // Asked for before the commit: afterwards it is refused.
    needs->stamp.emplace(future(api().transaction_get_versionstamp(native())));
  }
  now_.undecided = true;
  FdbFuture commit(session_.connection->api(), session_.port, api().transaction_commit(native()),
                   WhenDropped::kFinish, needs);
  const FdbErrorCode code = co_await commit.ready();
  if (code != 0) {
    // Without writes there is nothing that could have happened.
    Error error = failed(code, now_.wrote ? FdbOrigin::kCommit : FdbOrigin::kRead);
    now_.undecided = error.code == Code::kUnknown;
    if (now_.undecided) {
      // What the client has not sent yet must not be sent any more. It might still be waiting for a
      // read version: one that is given after the commit has been settled would let it pass the
      // guard. So the native transaction goes before the caller hears of the error.
      broken_ = error;
      native_.reset();
      needs.reset();
      commit.finish();
    }
    co_return std::move(error);
  }
  now_.undecided = false;
  if (!now_.wrote) {
    co_return kNoVersion;
  }
  int64_t version = 0;
  if (api().transaction_get_committed_version(native(), &version) != 0 || version < 0) {
    now_.undecided = true;
    co_return base::unknown("FoundationDB says that a transaction committed, but not its version");
  }
  if (!co_await read_stamp(*needs->stamp)) {
    now_.undecided = true;
    co_return base::unknown("FoundationDB says that a transaction committed, but not its stamp");
  }
  co_return Version(version);
}

Task<bool> FdbTransaction::read_stamp(FdbFuture& stamp) {
  const FdbErrorCode failure = co_await stamp.ready();
  const uint8_t* bytes = nullptr;
  int size = 0;
  if (failure == 0 && api().future_get_key(stamp.native(), &bytes, &size) == 0 &&
      static_cast<size_t>(size) == Versionstamp::kBytes) {
    now_.stamp = Versionstamp{Bytes(view_of(bytes, size))};
    co_return true;
  }
  co_return false;
}

Versionstamp FdbTransaction::versionstamp() const {
  CHECK(now_.stamp.has_value());
  return *now_.stamp;
}

std::optional<FdbErrorCode> FdbTransaction::retryable(const Error& error) const {
  if (now_.undecided || !usable() || error.code == Code::kUnknown) {
    return std::nullopt;
  }
  if (failure_ && failure_->verdict.code == error.code) {
    return failure_->verdict.retry == FdbRetry::kYes ? std::optional(failure_->native)
                                                     : std::nullopt;
  }
  // Found by the caller, in what it read: as good as a conflict.
  return error.code == Code::kAborted ? std::optional(kFdbNotCommitted) : std::nullopt;
}

Task<void> FdbTransaction::on_error(Error error) {
  const std::optional<FdbErrorCode> code = retryable(error);
  const bool again = code && (!options_.retries_max || retries_ < *options_.retries_max);
  if (!again) {
    co_return std::move(error);
  }
  ++retries_;
  ++session_.counters.on_errors;
  FdbFuture answer = future(api().transaction_on_error(native(), *code));
  if (co_await answer.ready() != 0) {
    co_return std::move(error);
  }
  now_ = Attempt(options_.bytes_max);
  failure_.reset();
  apply_options();
  co_return readable();
}

}  // namespace kelpie::store
