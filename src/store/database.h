// Database and Transaction: one contract, FoundationDB's, on every engine.
//
// Strictly serializable optimistic transactions: reads see the state at one read version plus
// this transaction's own writes (in gets and in ranges); `commit` fails with `aborted` if
// anything that was read with kSerializable, or added as a read conflict, was written by a
// commit after the read version.
//
// Source of the contract: FoundationDB 7.x, C API reference and developer guide.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "async/task.h"
#include "store/types.h"

namespace kelpie::store {

// Waits for a change of one key. A hint, not a queue: it may end although nothing changed, and a
// value that changed and changed back may be missed, so who waits looks at the key and also polls.
// Destroying it cancels it. It outlives its transaction and ends before its database.
class Watch {
 public:
  Watch() = default;
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  virtual ~Watch() = default;

  // Once. Ends when the key has another value than its transaction saw (or wrote). An error says
  // only that the watch is of no further use: look at the key, and make another.
  //   cancelled           the transaction did not commit
  //   resource_exhausted  more than kWatchesMax
  virtual Task<void> changed() = 0;
};

// One Loop. Destroying an uncommitted transaction abandons it. After `commit` was called only
// `versionstamp` and `on_error` may be.
class Transaction {
 public:
  Transaction() = default;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  virtual ~Transaction() = default;

  // The version that all reads see: the newest acknowledged one when first asked for.
  virtual Task<Version> read_version() = 0;
  // Instead of asking: for a commit whose reads are known to hold at this version. Before any read.
  // Reads then see the state at it, or fail with `aborted` when the engine no longer has it.
  virtual void set_read_version(Version version) = 0;

  // Reads fail with `aborted` when the read version is too old, `data_loss` on corruption,
  // `unavailable` when the engine cannot read. A failed read is never an absent key.
  virtual Task<std::optional<Bytes>> get(Bytes key, Isolation isolation) = 0;
  Task<std::optional<Bytes>> get(Bytes key) {
    return get(std::move(key), Isolation::kSerializable);
  }
  // The key that the selector names. What it depends on is all keys between the selector's own key
  // and the one it names. Its cost grows with the offset: it counts keys, it does not leap.
  virtual Task<Bytes> get_key(KeySelector selector, Isolation isolation) = 0;
  Task<Bytes> get_key(KeySelector selector) {
    return get_key(std::move(selector), Isolation::kSerializable);
  }
  virtual Task<RangePage> get_range(RangeRead read) = 0;
  // The same between two selectors: from the key that `begin` names up to, without it, the one that
  // `end` names. `read.range` is ignored; the pages after the first are read by `get_range`.
  virtual Task<RangePage> get_range(KeySelector begin, KeySelector end, RangeRead read);

  // Writes are buffered; limits are checked by `commit`, before anything is sent.
  virtual void set(Bytes key, Bytes value) = 0;
  virtual void clear(Bytes key) = 0;
  virtual void clear_range(KeyRange range) = 0;
  virtual void atomic(AtomicOp op, Bytes key, Bytes operand) = 0;
  // `key` (or `value`) holds ten placeholder bytes at `offset` that become the commit's
  // versionstamp.
  virtual void set_versionstamped_key(Bytes key, size_t offset, Bytes value) = 0;
  virtual void set_versionstamped_value(Bytes key, Bytes value, size_t offset) = 0;

  // A read conflict is dropped where this transaction has set or cleared the key before: what is
  // there is its own. (So a fence's key must not be written by the turn that it guards.)
  virtual void add_read_conflict(KeyRange range) = 0;
  virtual void add_write_conflict(KeyRange range) = 0;

  // Of the value that this transaction sees. Watches from the commit on, so `commit` must follow,
  // also where nothing was written.
  [[nodiscard]] virtual std::unique_ptr<Watch> watch(Bytes key) = 0;

  // Durable when it returns a version; kNoVersion when nothing was written and no write conflict
  // added.
  //   aborted             certainly not committed: conflict or too old; try again from the start
  //   unknown             undecided: may have committed, or (except on local engines) still may
  //   invalid_argument    over a limit; the message has the size and the limit; nothing was sent
  //   resource_exhausted  certainly not committed: disk full, overload
  virtual Task<Version> commit() = 0;
  // Of a committed transaction that wrote something.
  [[nodiscard]] virtual Versionstamp versionstamp() const = 0;
  // What counts towards the transaction's size limit so far, in bytes.
  [[nodiscard]] virtual size_t approximate_bytes() const = 0;

  // After `error`, of this transaction: if trying again from the start may help, waits as long as
  // is fit, empties the transaction and ends with ok; else ends with the error. Above all
  // `unknown`, an undecided commit, is handed back: trying again blindly would double what it did.
  virtual Task<void> on_error(Error error) = 0;
};

class Database {
 public:
  Database() = default;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  virtual ~Database() = default;

  [[nodiscard]] virtual std::unique_ptr<Transaction> begin(TransactionOptions options) = 0;
  [[nodiscard]] std::unique_ptr<Transaction> begin() { return begin(TransactionOptions()); }
  // `memory`, `rocksdb`, `fdb`.
  [[nodiscard]] virtual std::string_view engine_name() const = 0;
};

}  // namespace kelpie::store
