// LocalTransaction: one transaction of a LocalDatabase: a snapshot to read from, a buffer of writes
// over it, and the conflicts that they add up to.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "store/backend.h"
#include "store/commit_pipeline.h"
#include "store/conflict_set.h"
#include "store/database.h"
#include "store/transaction_limits.h"
#include "store/watch_table.h"
#include "store/write_buffer.h"
#include "world/world.h"

namespace kelpie::store {

class LocalTransaction final : public Transaction {
 public:
  // Both outlive the transaction.
  LocalTransaction(World& world, CommitPipeline& pipeline, TransactionOptions options);
  ~LocalTransaction() override;

  using Transaction::get;
  using Transaction::get_key;
  using Transaction::get_range;
  Task<Version> read_version() override;
  void set_read_version(Version version) override;
  Task<std::optional<Bytes>> get(Bytes key, Isolation isolation) override;
  Task<Bytes> get_key(KeySelector selector, Isolation isolation) override;
  Task<RangePage> get_range(RangeRead read) override;

  void set(Bytes key, Bytes value) override;
  void clear(Bytes key) override;
  void clear_range(KeyRange range) override;
  void atomic(AtomicOp op, Bytes key, Bytes operand) override;
  void set_versionstamped_key(Bytes key, size_t offset, Bytes value) override;
  void set_versionstamped_value(Bytes key, Bytes value, size_t offset) override;
  void add_read_conflict(KeyRange range) override;
  void add_write_conflict(KeyRange range) override;
  std::unique_ptr<Watch> watch(Bytes key) override;

  Task<Version> commit() override;
  [[nodiscard]] Versionstamp versionstamp() const override;
  [[nodiscard]] size_t approximate_bytes() const override { return now_.limits.bytes(); }
  Task<void> on_error(Error error) override;

 private:
  // What one attempt has gathered; a new attempt starts with an empty one.
  struct Attempt {
    explicit Attempt(const TransactionOptions& options) : limits(options.bytes_max) {}
    std::optional<Version> read_version;
    std::shared_ptr<const Snapshot> snapshot;
    WriteBuffer writes;
    ConflictSet read_conflicts;
    ConflictSet write_conflicts;
    TransactionLimits limits;
    std::vector<std::weak_ptr<WatchTable::Entry>> watches;
    bool commit_called = false;
    std::optional<Committed> committed;
  };

  // The snapshot to read from, if it may still be read.
  Result<std::shared_ptr<const Snapshot>> readable();
  Task<RangePage> merged_page(std::shared_ptr<const Snapshot> snapshot, RangeRead read);
  void note_range_read(KeyRange covered, Isolation isolation);
  [[nodiscard]] bool reads_own_writes() const {
    return options_.read_your_writes == ReadYourWrites::kOn;
  }
  // Everything of this attempt, on its way: nothing may be added to it any more.
  Result<std::shared_ptr<PendingCommit>> send();
  Result<Version> note_outcome(PendingCommit& pending);
  // What each watch must differ from; read before the commit, so that no later change is missed.
  Task<void> prepare_watches();
  Task<void> start_watches();
  void end_watches(const Error& error);

  World& world_;
  CommitPipeline& pipeline_;
  TransactionOptions options_;
  int retries_ = 0;
  Duration backoff_;
  Attempt now_;
};

}  // namespace kelpie::store
