// ScriptedFdb: FoundationDB's client library as a table of functions over a map in this process:
// versions, conflicts, read-your-writes, atomic operations, versionstamps, watches; and commits and
// reads that fail on demand, with the outcomes that the real ones have. Test support.
//
// How answers arrive is up to the test: at once (callbacks then run inline), through a loop, or on
// another thread. It counts what the adapter must do exactly once.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/time.h"
#include "store/commit_request.h"
#include "store/fdb/c_api.h"
#include "store/fdb/fdb_database.h"
#include "store/write_buffer.h"

namespace kelpie::store::testing {

// What became of a commit that failed.
enum class Fate : uint8_t {
  kNotApplied,
  kApplied,
  // It was on its way when it failed, and lands later, unless something it has a read conflict with
  // is written before.
  kAppliedLater,
  // The client had not sent it when it failed. It sends it later, with a read version of that time,
  // unless the native transaction is destroyed before.
  kSentLater,
};

struct CommitFault {
  FdbErrorCode code = 0;
  Fate fate = Fate::kNotApplied;
  // When a late one lands: after so many further reads, read versions and commits.
  int operations_later = 1;
};

class ScriptedFdb {
 public:
  using Answer = std::function<void()>;
  // Is given each answer once, and runs it, now or later, on any thread.
  using Deliver = std::function<void(Answer)>;
  static void at_once(Answer answer) { answer(); }

  explicit ScriptedFdb(Deliver deliver = at_once, std::function<Instant()> now = {});
  ScriptedFdb(const ScriptedFdb&) = delete;
  ScriptedFdb& operator=(const ScriptedFdb&) = delete;
  ~ScriptedFdb();

  // Outlived by this.
  [[nodiscard]] std::shared_ptr<FdbConnection> connection();
  // The functions that need no database; the others are filled in too.
  static FdbApi api();

  // `nth` counts from the next one on, from 1; commits that wrote nothing do not count.
  void fail_commit(int nth, CommitFault fault);
  void fail_read(int nth, FdbErrorCode code);
  // Takes back every failure that has not happened yet.
  void fail_no_more();
  // Watches that may wait at a time.
  void set_watches_max(size_t watches) { watches_max_ = watches; }
  // Lets all late commits land, or fail, now.
  void land_late_commits();

  struct Counts {
    int futures_made = 0;
    int futures_destroyed = 0;
    int callbacks = 0;
    int transactions_made = 0;
    int transactions_destroyed = 0;
    // Commits whose future or transaction was destroyed, cancelled or reset before the answer.
    int broken_commits = 0;
    int read_versions = 0;
    int commits = 0;
    int late_landed = 0;
    int late_refused = 0;
  };
  [[nodiscard]] Counts counts() const;

 private:
  using Map = std::map<Bytes, Bytes>;
  struct Future;
  struct Transaction;
  using FuturePtr = std::shared_ptr<Future>;
  struct PendingWatch {
    Bytes key;
    FuturePtr future;
    std::optional<Bytes> seen;
  };
  struct Written {
    Version version;
    ConflictSet writes;
    Instant at;
  };
  struct Late {
    CommitRequest request;
    bool versionless = false;
    const Transaction* unsent_by = nullptr;
    int operations = 0;
  };
  struct Table;  // the functions of the C API

  // All below: under the mutex.
  FuturePtr make_future();
  void tick();
  void land(Late late);
  [[nodiscard]] FdbErrorCode next_read_failure();
  [[nodiscard]] std::shared_ptr<const Map> state_at(Version version) const;
  void forget_old();
  FdbErrorCode version_of(Transaction& transaction);
  [[nodiscard]] bool conflicts(const CommitRequest& request) const;
  FdbErrorCode apply(CommitRequest& request, Version& version);
  FdbErrorCode commit(Transaction& transaction, bool wrote);
  void start_watches(Transaction& transaction);
  void end_watches(Transaction& transaction, FdbErrorCode code);
  void trigger_watches();
  void note_broken_commit(const Transaction& transaction);
  void reset(Transaction& transaction);
  FdbErrorCode visible_rows(Transaction& transaction, const KeyRange& range, Map& rows);
  FdbErrorCode resolve(Transaction& transaction, const KeySelector& selector, Bytes& key);
  FdbErrorCode page(Transaction& transaction, const KeyRange& range, Future& answer, int rows_max,
                    int bytes_target, bool snapshot, bool reverse);
  void note_read(Transaction& transaction, const KeyRange& range, bool snapshot);

  // Without the mutex.
  void arrive(const FuturePtr& future);
  FdbFutureHandle* answer(const FuturePtr& future, FdbErrorCode code);
  void deliver_due();

  mutable std::mutex mutex_;
  Deliver deliver_;
  std::function<Instant()> now_;
  Counts counts_;
  Version newest_{1'000'000};
  Version oldest_{0};
  std::map<Version, std::shared_ptr<const Map>> states_;
  std::vector<Written> written_;
  std::vector<Late> late_;
  std::vector<PendingWatch> watches_;
  std::deque<FuturePtr> due_;  // watches that have ended
  size_t watches_max_ = base::kWatchesMax;
  int commits_begun_ = 0;
  int reads_begun_ = 0;
  std::map<int, CommitFault> commit_faults_;
  std::map<int, FdbErrorCode> read_faults_;
};

}  // namespace kelpie::store::testing
