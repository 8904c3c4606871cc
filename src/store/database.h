// Database and Transaction: one contract, FoundationDB's, on every engine.
//
// Strictly serializable optimistic transactions: reads see the state at one read version plus
// this transaction's own writes (in gets and in ranges); `commit` fails with `aborted` if
// anything that was read with kSerializable, or added as a read conflict, was written by a
// commit after the read version.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "async/task.h"
#include "store/types.h"

namespace kelpie::store {

// One Loop. Destroying an uncommitted transaction abandons it. After `commit` was called only
// `versionstamp` may be.
class Transaction {
 public:
  Transaction() = default;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  virtual ~Transaction() = default;

  // The version that all reads see: the newest acknowledged one when first asked for.
  virtual Task<Version> read_version() = 0;
  // Instead of asking: for a commit whose reads are known to hold at this version. Before any read.
  virtual void set_read_version(Version version) = 0;

  // Reads fail with `aborted` when the read version is too old, `data_loss` on corruption,
  // `unavailable` when the engine cannot read. A failed read is never an absent key.
  virtual Task<std::optional<Bytes>> get(Bytes key, Isolation isolation) = 0;
  Task<std::optional<Bytes>> get(Bytes key) {
    return get(std::move(key), Isolation::kSerializable);
  }
  virtual Task<RangePage> get_range(RangeRead read) = 0;

  // Writes are buffered; limits are checked by `commit`, before anything is sent.
  virtual void set(Bytes key, Bytes value) = 0;
  virtual void clear(Bytes key) = 0;
  virtual void clear_range(KeyRange range) = 0;
  virtual void atomic(AtomicOp op, Bytes key, Bytes operand) = 0;
  // `key` (or `value`) holds ten placeholder bytes at `offset` that become the commit's
  // versionstamp.
  virtual void set_versionstamped_key(Bytes key, size_t offset, Bytes value) = 0;
  virtual void set_versionstamped_value(Bytes key, Bytes value, size_t offset) = 0;

  virtual void add_read_conflict(KeyRange range) = 0;
  virtual void add_write_conflict(KeyRange range) = 0;

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
};

class Database {
 public:
  Database() = default;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  virtual ~Database() = default;

  [[nodiscard]] virtual std::unique_ptr<Transaction> begin() = 0;
  // `memory`, `rocksdb`, `fdb`.
  [[nodiscard]] virtual std::string_view engine_name() const = 0;
};

}  // namespace kelpie::store
