// CommitPipeline: the one writer of an embedded engine. Commits that arrive while a batch is being
// made durable go together into the next one: one version, one write, one sync for all of them.
//
// A batch fills while the one before it is on its way to the disk: each transaction is resolved
// against the window, the batch in flight and the batch so far as it comes, and its writes become
// plain mutations. When the disk is free: read what atomic operations start from, Backend::apply,
// and only then reply. A transaction that met a conflict hears of it when its own batch begins its
// way to the disk: the batch before, which may be what it met, is visible by then.
//
// After an undecided apply the pipeline stops for good: a failed sync says nothing about what later
// syncs would prove (the kernel may have dropped the dirty pages), so everything after it would be
// built on sand. Only a restart, which recovers from what is on the disk, helps.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "async/event.h"
#include "async/scope.h"
#include "async/task.h"
#include "store/backend.h"
#include "store/batch_builder.h"
#include "store/commit_request.h"
#include "store/resolver.h"
#include "store/snapshot_window.h"
#include "store/watch_table.h"
#include "world/world.h"

namespace kelpie::store {

struct CommitOptions {
  // Waiting commits beyond either bound are refused with resource_exhausted: of kBatch priority
  // beyond half of it, of kImmediate never.
  size_t queue_transactions_max = 20'000;
  size_t queue_bytes_max = 64'000'000;
  // Not everything that waits: while one part is on its way to the disk, the Loop answers another.
  size_t batch_transactions_max = 1'024;
  size_t batch_bytes_max = 16'000'000;
  // Keys and ranges that the resolver remembers; beyond, transactions get too old earlier.
  size_t window_writes_max = 1'000'000;
  // States before the newest that transactions may still read with `set_read_version`. They are of
  // no use beyond the transaction age, and are let go when the next commit or such a read comes.
  size_t snapshots_kept_max = 64;
};

// Added to the recovered version at start: versions of batches that were undecided when the last
// process died are never given to other batches.
inline constexpr int64_t kVersionJump = 1'000'000;

struct Committed {
  Version version;
  uint16_t order;  // in the batch
};

// A commit on its way, shared by the committer, who may go away, and the batch, which goes on.
struct PendingCommit {
  PendingCommit(Loop& loop, CommitRequest commit_request)
      : request(std::move(commit_request)), done(loop) {}
  // Once `done` is set. Errors as Transaction::commit.
  [[nodiscard]] const Result<Committed>& outcome() const {
    CHECK(result.has_value());
    return *result;
  }
  CommitRequest request;
  async::Event done;
  std::optional<Result<Committed>> result;
};

// One Loop. What it is given outlives it. Destroying it ends waiting commits with `unavailable` and
// those of the batch in flight with `unknown`.
class CommitPipeline {
 public:
  CommitPipeline(World& world, Backend& backend, CommitOptions options);
  ~CommitPipeline();

  // Errors as Transaction::commit. Dropping the task does not take the commit back.
  Task<Committed> commit(CommitRequest request);
  // The same for a caller that waits itself: what is wrong already, or a commit on its way.
  Result<std::shared_ptr<PendingCommit>> send(CommitRequest request);

  // Why nothing works any more, if so: `unavailable` with the reason.
  [[nodiscard]] std::optional<Error> failure() const { return failure_; }
  // Ends when there is such a reason, and yields its text.
  Task<std::string> failed();
  // Transactions that read at a smaller version are too old.
  [[nodiscard]] Version oldest_version();
  [[nodiscard]] std::shared_ptr<const Snapshot> newest() const { return backend_.latest(); }
  // The state at `version`: `aborted` if it is not kept any more, or not there yet.
  Result<std::shared_ptr<const Snapshot>> snapshot_at(Version version);

  [[nodiscard]] WatchTable& watches() { return watches_; }
  // The version of the next batch that begins to fill is so much greater than it would be, as after
  // a recovery of FoundationDB. `by` is positive.
  void jump_versions(int64_t by);
  // Begins a watch whose transaction has committed: compares with the newest state, too.
  Task<void> start_watch(WatchTable::EntryPtr entry);

 private:
  using PendingPtr = std::shared_ptr<PendingCommit>;
  struct Accepted {
    PendingPtr pending;
    Committed committed;
  };

  struct Refused {
    PendingPtr pending;
    Error why;
  };
  // The batch that takes what comes.
  struct Filling {
    Filling(Version batch_version, size_t transactions_max)
        : version(batch_version), count_max(transactions_max), builder(batch_version) {}
    [[nodiscard]] size_t count() const { return accepted.size() + refused.size(); }
    Version version;
    size_t count_max;
    size_t bytes = 0;
    std::vector<Accepted> accepted;
    std::vector<Refused> refused;
    // What the first transactions of `accepted` write: all before one with an atomic operation,
    // which starts from a value that only the batch in flight decides.
    BatchBuilder builder;
    size_t built = 0;
  };

  Task<void> serve();
  // Moves what waits into the batch that fills, as far as it has room.
  void fill();
  void take_in(PendingPtr pending);
  [[nodiscard]] std::optional<Error> refusal(const CommitRequest& request) const;
  Task<void> commit_batch();
  Task<BaseValues> read_base_values(std::vector<Accepted>& accepted, size_t first);
  // Whether the queue has no room for the request.
  [[nodiscard]] bool is_full(const CommitRequest& request) const;
  void conclude(const std::vector<Accepted>& accepted, const Result<void>& applied);
  void fail_stop(const Error& reason);
  [[nodiscard]] size_t waiting() const {
    return queue_.size() + (filling_ ? filling_->count() : 0);
  }
  // Those that wait: nothing of theirs was sent.
  void end_waiting(const Error& why);
  static void reply(PendingCommit& pending, Result<Committed> result);

  World& world_;
  Backend& backend_;
  CommitOptions options_;
  Version last_version_;
  Resolver resolver_;
  SnapshotWindow snapshots_;
  WatchTable watches_;
  // Watches that end when the batch in flight becomes visible.
  std::vector<WatchTable::EntryPtr> changing_;
  // In the order in which they came: the batch that fills, and what it has no room for. Their
  // bounds are those of both together.
  std::optional<Filling> filling_;
  std::deque<PendingPtr> queue_;
  size_t waiting_bytes_ = 0;
  std::vector<Accepted> in_flight_;
  std::optional<Error> failure_;
  async::Event stopped_;
  async::Event work_;
  async::Scope scope_;  // last: its tasks use everything above
};

}  // namespace kelpie::store
