// FdbCluster: what runs on the cluster's host: the production commit pipeline and transactions over
// the observed storage, and the faults that a cluster has.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "async/scope.h"
#include "sim/fdb/faults.h"
#include "sim/fdb/messages.h"
#include "sim/fdb/storage.h"
#include "sim/fdb/wire.h"
#include "store/commit_pipeline.h"
#include "store/local_transaction.h"

namespace kelpie::sim {

// On the cluster's loop, but for `arrive`.
class FdbCluster {
 public:
  FdbCluster(FdbWire& wire, World& world, SimLoop& loop, FdbFaults faults);
  FdbCluster(const FdbCluster&) = delete;
  FdbCluster& operator=(const FdbCluster&) = delete;
  ~FdbCluster();

  // From the wire.
  void arrive(FdbRequest request);
  // The client's process is gone: what it waited for is forgotten. Its commits go on.
  void forget(FdbClientId client);
  // No more faults but those of `left`, and no outages; what was drawn already still happens.
  void heal(const FdbFaults& left);
  // Now, whatever is drawn.
  enum class Outage : uint8_t { kUnavailable, kRecovery };
  void break_down(Outage outage, Duration length);

  // The commit's answer got lost: whatever it says, the client is told 1021.
  static void make_unknown(FdbAnswer& answer);

  [[nodiscard]] FdbStorage& backend() { return backend_; }
  [[nodiscard]] const FdbStorage& backend() const { return backend_; }
  // Commits that have arrived and are not over, those that land late included.
  [[nodiscard]] size_t commits_in_flight() const { return commits_.size(); }
  [[nodiscard]] size_t watches() const { return watches_.size(); }
  struct Tally {
    uint64_t late_landed = 0;
    uint64_t late_refused = 0;
    uint64_t recoveries = 0;
  };
  [[nodiscard]] const Tally& tally() const { return tally_; }

 private:
  using Key = std::pair<FdbClientId, FdbAttemptId>;
  using WatchKey = std::pair<FdbClientId, FdbCallId>;
  struct Attempt {
    Attempt(World& world, store::CommitPipeline& pipeline, store::TransactionOptions options)
        : transaction(world, pipeline, options) {}
    store::LocalTransaction transaction;
    bool has_version = false;
    // Its read version is from before a recovery.
    bool overtaken = false;
    std::vector<WatchKey> watches;
  };
  using AttemptPtr = std::shared_ptr<Attempt>;
  // A commit between its arrival and its end.
  struct Commit {
    bool in_pipeline = false;
    bool told = false;                 // its client has its answer: it lands late
    bool lost = false;                 // an outage came first: it must not happen any more
    store::FdbErrorCode ended_by = 0;  // by an outage
  };
  // What shall become of a commit.
  struct Fate {
    enum class Kind : uint8_t { kHonest, kRefused, kApplied, kLost, kLate };
    Kind kind = Kind::kHonest;
    store::FdbErrorCode code = 0;
    Fault mark = Fault::kStoreConflict;
  };

  void take();
  void handle(FdbRequest request);
  AttemptPtr attempt_of(FdbRequest& request);
  void do_steps(FdbClientId client, Attempt& attempt, std::vector<FdbStep> steps);
  void drop_watch(WatchKey key);
  FdbAnswer answer_to(const FdbRequest& request) const;
  void reply(FdbAnswer answer);

  Task<void> read(AttemptPtr attempt, FdbRequest request);
  Task<void> look(Attempt& attempt, const FdbRequest& request, FdbAnswer& answer);
  Task<store::RangePage> range(store::LocalTransaction& transaction, const FdbRequest& request);
  bool refuse_read(const Attempt& attempt, const FdbRequest& request, FdbAnswer& answer);
  [[nodiscard]] store::FdbErrorCode code_of_read(const Attempt& attempt, const Error& error,
                                                 const FdbRequest& request) const;

  Task<void> commit(AttemptPtr attempt, FdbRequest request);
  Task<void> carry_out(Attempt& attempt, const FdbRequest& request, Commit& commit,
                       FdbAnswer& answer);
  Task<void> answer_late(Attempt& attempt, Commit& commit, FdbAnswer answer);
  [[nodiscard]] store::FdbErrorCode code_of_commit(const Error& error,
                                                   std::optional<store::Version> read_version);
  Fate draw_fate(const FdbRequest& request);

  void start_watches(Attempt& attempt);
  Task<void> wait(WatchKey key, Task<void> changed);
  Task<void> fire_spuriously(WatchKey key, Duration after);

  Task<void> outages(Outage outage, Duration interval);
  Task<void> stand_still(Outage outage, Duration length);
  Task<void> recover();
  void end_commits(Outage outage);
  void go_on();

  FdbWire& wire_;
  World& world_;
  SimLoop& loop_;
  FdbFaults faults_;
  bool healed_ = false;
  ChoiceStream& draws_;
  ChoiceStream& times_;
  FdbStorage backend_;
  store::CommitPipeline pipeline_;
  std::deque<FdbRequest> inbox_;
  std::map<Key, AttemptPtr> attempts_;
  std::map<WatchKey, std::unique_ptr<store::Watch>> watches_;
  Tally tally_;
  uint64_t commits_seen_ = 0;
  std::map<uint64_t, Commit> commits_;
  bool still_ = false;    // an outage
  bool watched_ = false;  // somebody has watched a key
  Fault outage_ = Fault::kStoreUnavailable;
  std::vector<std::pair<FdbAnswer, Duration>> held_;  // answers, by an outage
  store::Version recovered_{0};
  std::set<FdbClientId> recovery_unseen_;
  Scope scope_;  // last: its tasks use everything above
};

}  // namespace kelpie::sim
