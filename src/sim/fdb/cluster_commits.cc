// FdbCluster's commits: what becomes of each, and what its client is told.
#include <array>
#include <utility>

#include "async/sleep.h"
#include "sim/fdb/cluster.h"

namespace kelpie::sim {

using store::FdbErrorCode;
using store::Version;

namespace {

// A commit's way to the pipeline. Longer, and two commits would rarely share a batch.
constexpr Duration kProxyMax = Duration::millis(1);

}  // namespace

FdbCluster::Fate FdbCluster::draw_fate(const FdbRequest& request) {
  using Kind = Fate::Kind;
  if (!request.writes) {
    return {};
  }
  if (draws_.chance(faults_.false_conflict_rate)) {
    return {Kind::kRefused, fdb_code::kNotCommitted, Fault::kStoreFalseConflict};
  }
  if (draws_.chance(faults_.too_old_rate)) {
    return {Kind::kRefused, fdb_code::kTooOld, Fault::kStoreTooOld};
  }
  if (draws_.chance(faults_.throttled_rate)) {
    const FdbErrorCode code =
        one_of(draws_, std::array{fdb_code::kCommitMemory, fdb_code::kTagThrottled});
    return {Kind::kRefused, code, Fault::kStoreThrottled};
  }
  if (draws_.chance(faults_.unknown_rate)) {
    const bool applied = draws_.choose(2) == 0;
    return {applied ? Kind::kApplied : Kind::kLost, fdb_code::kUnknownResult};
  }
  static constexpr std::array kUndecided = {Kind::kApplied, Kind::kLost, Kind::kLate};
  if (draws_.chance(faults_.timed_out_rate)) {
    return {kUndecided[draws_.choose(3)], fdb_code::kTimedOut, Fault::kCommitTimedOut};
  }
  if (draws_.chance(faults_.version_changed_rate)) {
    return {kUndecided[draws_.choose(3)], fdb_code::kVersionChanged, Fault::kCommitVersionChanged};
  }
  return {};
}

void FdbCluster::make_unknown(FdbAnswer& answer) {
  if (answer.code == fdb_code::kTimedOut || may_have_committed(answer.code)) {
    return;
  }
  answer.mark(answer.code == 0 ? Fault::kCommitUnknownApplied : Fault::kCommitUnknownNotApplied);
  answer.code = fdb_code::kUnknownResult;
}

Task<void> FdbCluster::commit(AttemptPtr attempt, FdbRequest request) {
  const uint64_t id = ++commits_seen_;
  Commit& commit = commits_[id];
  FdbAnswer answer = answer_to(request);
  const Fate fate = draw_fate(request);
  switch (fate.kind) {
    case Fate::Kind::kRefused:
      answer.code = fate.code;
      answer.mark(fate.mark);
      break;
    case Fate::Kind::kLost:
      answer.code = fate.code;
      break;
    case Fate::Kind::kHonest:
    case Fate::Kind::kApplied:
      co_await carry_out(*attempt, request, commit, answer);
      break;
    case Fate::Kind::kLate:
      answer.code = fate.code;
      break;
  }
  const bool undecided = fate.kind != Fate::Kind::kHonest && fate.kind != Fate::Kind::kRefused;
  if (undecided && fate.code != fdb_code::kUnknownResult) {
    answer.code = fate.code;
    answer.mark(fate.mark);
  } else if (undecided) {
    make_unknown(answer);
    if (fate.kind == Fate::Kind::kLost) {
      answer.mark(Fault::kCommitUnknownNotApplied);
    }
  }
  if (request.cut) {
    answer.mark(Fault::kNetworkPartition);
    make_unknown(answer);
  }
  if (fate.kind == Fate::Kind::kLate) {
    co_await answer_late(*attempt, commit, std::move(answer));
  } else {
    reply(std::move(answer));
  }
  commits_.erase(id);
  co_return kOk;
}

Task<void> FdbCluster::carry_out(Attempt& attempt, const FdbRequest& request, Commit& commit,
                                 FdbAnswer& answer) {
  co_await async::sleep_for(loop_, times_.between(Duration(), kProxyMax));
  std::optional<Version> read_version;
  if (attempt.has_version) {
    const Result<Version> known = co_await attempt.transaction.read_version().result();
    CHECK(known.ok());
    read_version = *known;
  }
  if (commit.lost) {
    answer.code = fdb_code::kNotCommitted;
  } else if (attempt.overtaken) {
    answer.code = fdb_code::kTooOld;
    answer.mark(Fault::kStoreRecovery);
  } else {
    commit.in_pipeline = true;
    const Result<Version> committed = co_await attempt.transaction.commit().result();
    if (committed.ok()) {
      answer.version = *committed;
      if (request.writes) {
        answer.stamp = attempt.transaction.versionstamp();
      }
      start_watches(attempt);
    } else {
      answer.code = code_of_commit(committed.error(), read_version);
      answer.mark(answer.code == fdb_code::kTooOld ? Fault::kStoreTooOld : Fault::kStoreConflict);
    }
  }
  if (commit.ended_by != 0) {
    if (commit.ended_by == fdb_code::kUnknownResult) {
      make_unknown(answer);
    } else {
      answer.mark(Fault::kCommitVersionChanged);
      answer.code = commit.ended_by;
    }
    answer.mark(outage_);
  }
  co_return kOk;
}

FdbErrorCode FdbCluster::code_of_commit(const Error& error, std::optional<Version> read_version) {
  if (error.code == Code::kResourceExhausted) {
    return fdb_code::kCommitMemory;
  }
  if (error.code != Code::kAborted) {
    return fdb_code::kKeyOutsideRange;
  }
  const bool too_old = read_version && *read_version < pipeline_.oldest_version();
  return too_old ? fdb_code::kTooOld : fdb_code::kNotCommitted;
}

// The client hears of an error; what it has sent is still on its way, with the read version that it
// has.
Task<void> FdbCluster::answer_late(Attempt& attempt, Commit& commit, FdbAnswer answer) {
  static_cast<void>(co_await attempt.transaction.read_version().result());
  attempt.has_version = true;
  commit.told = true;
  reply(std::move(answer));
  // Often long enough for others to have gone on.
  co_await async::sleep_for(loop_, draws_.choose(2) == 0
                                       ? times_.between(Duration(), faults_.late_max)
                                       : any_magnitude(times_, faults_.late_max));
  const bool landed = !attempt.overtaken && (co_await attempt.transaction.commit().result()).ok();
  ++(landed ? tally_.late_landed : tally_.late_refused);
  wire_.simulation().ledger().receive(Fault::kCommitLandedLate);
  wire_.simulation().scheduler().note(loop_.label(), "store",
                                      landed ? "a late commit lands" : "a late commit is refused");
  co_return kOk;
}

}  // namespace kelpie::sim
