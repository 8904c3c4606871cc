// LocalTransaction: one transaction of a LocalDatabase: a snapshot to read from, a buffer of writes
// over it, and the conflicts that they add up to.
#pragma once

#include <memory>
#include <optional>

#include "store/backend.h"
#include "store/commit_pipeline.h"
#include "store/conflict_set.h"
#include "store/database.h"
#include "store/write_buffer.h"
#include "world/world.h"

namespace kelpie::store {

class LocalTransaction final : public Transaction {
 public:
  // All three outlive the transaction.
  LocalTransaction(World& world, Backend& backend, CommitPipeline& pipeline);

  using Transaction::get;
  Task<Version> read_version() override;
  void set_read_version(Version version) override;
  Task<std::optional<Bytes>> get(Bytes key, Isolation isolation) override;
  Task<RangePage> get_range(RangeRead read) override;

  void set(Bytes key, Bytes value) override;
  void clear(Bytes key) override;
  void clear_range(KeyRange range) override;
  void atomic(AtomicOp op, Bytes key, Bytes operand) override;
  void set_versionstamped_key(Bytes key, size_t offset, Bytes value) override;
  void set_versionstamped_value(Bytes key, Bytes value, size_t offset) override;
  void add_read_conflict(KeyRange range) override;
  void add_write_conflict(KeyRange range) override;

  Task<Version> commit() override;
  [[nodiscard]] Versionstamp versionstamp() const override;
  [[nodiscard]] size_t approximate_bytes() const override { return bytes_; }

 private:
  // The snapshot to read from, if it may still be read.
  Result<std::shared_ptr<const Snapshot>> readable();
  Task<RangePage> merged_page(std::shared_ptr<const Snapshot> snapshot, RangeRead read);
  void add_range_conflict(const KeyRange& covered, Isolation isolation);
  // Notes the first write that breaks a limit; `commit` reports it. True if this one may be
  // buffered.
  bool check_write(ByteView key, ByteView value);
  bool check_range(const KeyRange& range);
  bool check_stamp(size_t offset, size_t size);
  [[nodiscard]] std::optional<Error> check_commit() const;

  World& world_;
  Backend& backend_;
  CommitPipeline& pipeline_;
  std::optional<Version> read_version_;
  std::shared_ptr<const Snapshot> snapshot_;
  WriteBuffer writes_;
  ConflictSet read_conflicts_;
  ConflictSet write_conflicts_;
  size_t bytes_ = 0;
  std::optional<Error> violation_;
  bool commit_called_ = false;
  std::optional<Committed> committed_;
};

}  // namespace kelpie::store
