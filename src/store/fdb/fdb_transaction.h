// FdbTransaction: one transaction of an FdbDatabase, over one native transaction.
#pragma once

#include <memory>
#include <optional>

#include "base/result.h"
#include "store/database.h"
#include "store/fdb/c_api.h"
#include "store/fdb/errors.h"
#include "store/fdb/fdb_database.h"
#include "store/fdb/future.h"
#include "store/transaction_limits.h"

namespace kelpie::store {

class FdbTransaction final : public Transaction {
 public:
  // The session outlives the transaction.
  FdbTransaction(FdbSession& session, TransactionOptions options);

  using Transaction::get;
  using Transaction::get_key;
  Task<Version> read_version() override;
  void set_read_version(Version version) override;
  Task<std::optional<Bytes>> get(Bytes key, Isolation isolation) override;
  Task<Bytes> get_key(KeySelector selector, Isolation isolation) override;
  Task<RangePage> get_range(RangeRead read) override;
  // One round trip; one more for the far end if there is a page to follow.
  Task<RangePage> get_range(KeySelector begin, KeySelector end, RangeRead read) override;

  void set(Bytes key, Bytes value) override;
  void clear(Bytes key) override;
  void clear_range(KeyRange range) override;
  void atomic(AtomicOp op, Bytes key, Bytes operand) override;
  void set_versionstamped_key(Bytes key, size_t offset, Bytes value) override;
  void set_versionstamped_value(Bytes key, Bytes value, size_t offset) override;
  void add_read_conflict(KeyRange range) override;
  void add_write_conflict(KeyRange range) override;
  [[nodiscard]] std::unique_ptr<Watch> watch(Bytes key) override;

  Task<Version> commit() override;
  [[nodiscard]] Versionstamp versionstamp() const override;
  [[nodiscard]] size_t approximate_bytes() const override { return now_.limits.bytes(); }
  Task<void> on_error(Error error) override;

 private:
  class Native;
  // What a commit needs until its end, whoever still waits for it.
  struct CommitNeeds {
    std::shared_ptr<Native> native;
    std::optional<FdbFuture> stamp;
  };
  // What one attempt has gathered.
  struct Attempt {
    explicit Attempt(size_t bytes_max) : limits(bytes_max) {}
    TransactionLimits limits;
    bool version_asked = false;  // or set
    bool wrote = false;
    bool watches = false;
    bool compared_and_cleared = false;
    bool commit_called = false;
    bool undecided = false;  // a commit was sent, and how it ended is not known
    std::optional<Versionstamp> stamp;
  };
  // The last native error, which `on_error` needs.
  struct Failure {
    FdbErrorCode native = 0;
    FdbVerdict verdict;
  };

  [[nodiscard]] const FdbApi& api() const { return session_.api(); }
  [[nodiscard]] FdbTransactionHandle* native() const;
  // For writes: whether there is a native transaction to write to.
  [[nodiscard]] bool usable() const { return native_ != nullptr; }
  [[nodiscard]] Result<void> readable() const;
  void open_native();
  void apply_options();
  void set_option(FdbTransactionOption option);
  // Remembers a native error for `on_error`, and translates it.
  Error failed(FdbErrorCode code, FdbOrigin origin);
  // The native error to ask `on_error` about; nullopt: trying again is not fit.
  [[nodiscard]] std::optional<FdbErrorCode> retryable(const Error& error) const;
  FdbFuture future(FdbFutureHandle* native) const;
  Task<void> settled(FdbFuture& future);
  void ask_version();
  void count_read();
  Task<RangePage> read_page(const KeySelector& begin, const KeySelector& end,
                            const RangeRead& read);
  Result<RangePage> copy_page(const FdbFuture& future, const RangeRead& read);
  void note_range_read(const RangeRead& read, const RangePage& page);
  void mutate(FdbMutation mutation, ByteView key, ByteView operand);
  void add_conflict(const KeyRange& range, FdbConflict conflict);
  Task<Version> send();
  Task<bool> read_stamp(FdbFuture& stamp);

  FdbSession& session_;
  TransactionOptions options_;
  std::shared_ptr<Native> native_;
  // Why there is none.
  std::optional<Error> broken_;
  int retries_ = 0;
  std::optional<Failure> failure_;
  Attempt now_;
};

}  // namespace kelpie::store
