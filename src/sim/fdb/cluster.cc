#include "sim/fdb/cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "async/sleep.h"
#include "base/check.h"

namespace kelpie::sim {

using store::FdbErrorCode;
using store::Version;

namespace {

// Below this two commits rarely share a batch, above it a campaign is slow.
constexpr Duration kApplyMax = Duration::millis(2);
// About 100 s worth of FoundationDB's versions.
constexpr int64_t kRecoveryVersions = 100'000'000;

bool is_of_batch_priority(const FdbRequest& request) {
  return request.options.priority == store::Priority::kBatch;
}

}  // namespace

FdbCluster::FdbCluster(FdbWire& wire, World& world, SimLoop& loop, FdbFaults faults)
    : wire_(wire),
      world_(world),
      loop_(loop),
      faults_(faults),
      draws_(wire.simulation().choices().stream("fdb/fault")),
      times_(wire.simulation().choices().stream("fdb/time")),
      backend_(wire.simulation().scheduler(), loop, times_, kApplyMax),
      // Old states are kept for as long as a transaction may read them.
      pipeline_(world, backend_, {.snapshots_kept_max = 100'000}),
      scope_(loop, {}) {
  if (faults_.unavailable_interval > Duration()) {
    scope_.spawn(outages(Outage::kUnavailable, faults_.unavailable_interval));
  }
  if (faults_.recovery_interval > Duration()) {
    scope_.spawn(outages(Outage::kRecovery, faults_.recovery_interval));
  }
}

FdbCluster::~FdbCluster() {
  scope_.cancel();
  // Before the table that they are in.
  watches_.clear();
  attempts_.clear();
}

void FdbCluster::arrive(FdbRequest request) {
  inbox_.push_back(std::move(request));
  loop_.post_from_thread([this] { take(); });
}

void FdbCluster::take() {
  if (still_ || inbox_.empty()) {
    return;  // `go_on` takes them all
  }
  FdbRequest request = std::move(inbox_.front());
  inbox_.pop_front();
  handle(std::move(request));
}

void FdbCluster::handle(FdbRequest request) {
  if (request.kind == FdbRequest::Kind::kForget) {
    attempts_.erase({request.client, request.attempt});
    return;
  }
  if (request.kind == FdbRequest::Kind::kDropWatch) {
    watches_.erase({request.client, request.call});
    return;
  }
  if (request.kind == FdbRequest::Kind::kGone) {
    const auto is_its = [&](const auto& each) { return each.first.first == request.client; };
    std::erase_if(attempts_, is_its);
    std::erase_if(watches_, is_its);
    recovery_unseen_.erase(request.client);
    return;
  }
  AttemptPtr attempt = attempt_of(request);
  if (attempt == nullptr) {
    return;
  }
  do_steps(request.client, *attempt, std::move(request.steps));
  if (request.kind == FdbRequest::Kind::kCommit) {
    scope_.spawn(commit(std::move(attempt), std::move(request)));
  } else {
    scope_.spawn(read(std::move(attempt), std::move(request)));
  }
}

FdbCluster::AttemptPtr FdbCluster::attempt_of(FdbRequest& request) {
  const Key key(request.client, request.attempt);
  if (!request.opens) {
    // What came before may have been forgotten with its client; the rest alone would be another
    // transaction.
    const auto found = attempts_.find(key);
    return found == attempts_.end() ? nullptr : found->second;
  }
  AttemptPtr& attempt = attempts_[key];
  CHECK(attempt == nullptr);
  attempt = std::make_shared<Attempt>(world_, pipeline_, request.options);
  if (request.read_version) {
    attempt->transaction.set_read_version(*request.read_version);
    attempt->has_version = true;
    attempt->overtaken = *request.read_version < recovered_;
  }
  return attempt;
}

void FdbCluster::do_steps(FdbClientId client, Attempt& attempt, std::vector<FdbStep> steps) {
  for (FdbStep& step : steps) {
    if (step.write) {
      step.write(attempt.transaction);
      continue;
    }
    const WatchKey key(client, step.watch);
    watches_[key] = attempt.transaction.watch(std::move(step.watched));
    attempt.watches.push_back(key);
  }
}

void FdbCluster::forget(FdbClientId client) {
  arrive({.kind = FdbRequest::Kind::kGone, .client = client});
}

void FdbCluster::heal(const FdbFaults& left) {
  faults_ = left;
  healed_ = true;
}

FdbAnswer FdbCluster::answer_to(const FdbRequest& request) const {
  FdbAnswer answer{.client = request.client, .call = request.call};
  answer.of_commit = request.kind == FdbRequest::Kind::kCommit && request.writes;
  if (request.outage) {
    answer.mark(*request.outage);
  }
  return answer;
}

void FdbCluster::reply(FdbAnswer answer) {
  if (answer.code == 0 && recovery_unseen_.erase(answer.client) > 0) {
    answer.mark(Fault::kStoreRecovery);
  }
  Duration extra;
  if (draws_.chance(faults_.slow_rate)) {
    extra = times_.between(Duration(), faults_.slow_max);
    answer.mark(Fault::kStorageLatency);
  }
  if (still_) {
    held_.emplace_back(std::move(answer), extra);
  } else {
    wire_.send(std::move(answer), extra);
  }
}

Task<void> FdbCluster::read(AttemptPtr attempt, FdbRequest request) {
  FdbAnswer answer = answer_to(request);
  if (!refuse_read(*attempt, request, answer)) {
    attempt->has_version = true;
    const Result<void> looked = co_await look(*attempt, request, answer).result();
    if (!looked.ok()) {
      answer.code = code_of_read(*attempt, looked.error(), request);
      if (answer.code == fdb_code::kTooOld) {
        answer.mark(Fault::kStoreTooOld);
      }
    }
  }
  reply(std::move(answer));
  co_return kOk;
}

bool FdbCluster::refuse_read(const Attempt& attempt, const FdbRequest& request, FdbAnswer& answer) {
  const auto refuse = [&](FdbErrorCode code, Fault mark) {
    answer.code = code;
    answer.mark(mark);
  };
  if (attempt.overtaken) {
    refuse(one_of(draws_, std::array{fdb_code::kTooOld, fdb_code::kVersionChanged}),
           Fault::kStoreRecovery);
  } else if (draws_.chance(faults_.too_old_rate)) {
    refuse(fdb_code::kTooOld, Fault::kStoreTooOld);
  } else if (draws_.chance(faults_.future_version_rate)) {
    refuse(fdb_code::kFutureVersion, Fault::kStoreFutureVersion);
  } else if (draws_.chance(faults_.process_behind_rate)) {
    refuse(fdb_code::kProcessBehind, Fault::kStoreProcessBehind);
  } else if (draws_.chance(faults_.throttled_rate)) {
    refuse(is_of_batch_priority(request)
               ? fdb_code::kBatchThrottled
               : one_of(draws_, std::array{fdb_code::kTagThrottled, fdb_code::kProxyTagThrottled,
                                           fdb_code::kReadVersionMemory}),
           Fault::kStoreThrottled);
  }
  return answer.code != 0;
}

Task<void> FdbCluster::look(Attempt& attempt, const FdbRequest& request, FdbAnswer& answer) {
  store::LocalTransaction& transaction = attempt.transaction;
  const store::Isolation isolation = request.read.isolation;
  switch (request.kind) {
    case FdbRequest::Kind::kReadVersion:
      answer.version = co_await transaction.read_version();
      break;
    case FdbRequest::Kind::kGet:
      answer.bytes = co_await transaction.get(request.begin.key, isolation);
      break;
    case FdbRequest::Kind::kGetKey:
      answer.bytes = co_await transaction.get_key(request.begin, isolation);
      break;
    case FdbRequest::Kind::kGetRange:
      answer.page = co_await range(transaction, request);
      break;
    case FdbRequest::Kind::kCommit:
    case FdbRequest::Kind::kForget:
    case FdbRequest::Kind::kDropWatch:
    case FdbRequest::Kind::kGone:
      CHECK(false);
  }
  co_return kOk;
}

// A selector that names the first key from its own on is the same bound wherever that key is.
Task<store::RangePage> FdbCluster::range(store::LocalTransaction& transaction,
                                         const FdbRequest& request) {
  const auto is_plain = [](const store::KeySelector& selector) {
    return selector.or_equal == store::OrEqual::kExcluded && selector.offset == 1;
  };
  store::RangeRead read = request.read;
  const store::Isolation isolation = read.isolation;
  read.range.begin = request.begin.key;
  if (!is_plain(request.begin)) {
    read.range.begin = co_await transaction.get_key(request.begin, isolation);
  }
  read.range.end = request.end.key;
  if (!is_plain(request.end)) {
    read.range.end = co_await transaction.get_key(request.end, isolation);
  }
  const size_t rows_max = read.rows_max;
  store::RangePage page = co_await transaction.get_range(std::move(read));
  // It cannot know whether a row follows the last one that it was asked for.
  page.more = page.more || page.rows.size() == rows_max;
  co_return std::move(page);
}

FdbErrorCode FdbCluster::code_of_read(const Attempt& attempt, const Error& error,
                                      const FdbRequest& request) const {
  if (error.code != Code::kAborted) {
    // The only thing that a read here can be refused for: what the commit alone will decide.
    return fdb_code::kAccessedUnreadable;
  }
  const bool ahead = attempt.has_version && request.read_version &&
                     *request.read_version > backend_.latest()->version();
  return ahead ? fdb_code::kFutureVersion : fdb_code::kTooOld;
}

void FdbCluster::start_watches(Attempt& attempt) {
  if (!attempt.watches.empty() && !std::exchange(watched_, true)) {
    configure_watch_faults(wire_.simulation().ledger(), faults_);
  }
  for (const WatchKey& key : std::exchange(attempt.watches, {})) {
    const auto found = watches_.find(key);
    if (found == watches_.end()) {
      continue;
    }
    scope_.spawn(wait(key, found->second->changed()));
    if (draws_.chance(faults_.watch_spurious_rate)) {
      scope_.spawn(fire_spuriously(key, times_.between(Duration(), faults_.watch_late_max)));
    }
  }
}

Task<void> FdbCluster::wait(WatchKey key, Task<void> changed) {
  const Result<void> ended = co_await std::move(changed).result();
  if (watches_.erase(key) == 0) {
    co_return kOk;  // nobody waits any more
  }
  FdbAnswer answer{.client = key.first, .call = key.second};
  Duration after;
  if (!ended.ok()) {
    answer.code = fdb_code::kTooManyWatches;
  } else if (draws_.chance(faults_.watch_missed_rate)) {
    answer.mark(Fault::kWatchMissed);
    answer.silent = draws_.choose(2) == 0;
    answer.code = one_of(draws_, std::array{fdb_code::kWatchCancelled, fdb_code::kVersionChanged});
  } else if (draws_.chance(faults_.watch_late_rate)) {
    answer.mark(Fault::kWatchLate);
    after = times_.between(Duration(), faults_.watch_late_max);
  }
  if (after > Duration()) {
    co_await async::sleep_for(loop_, after);
  }
  reply(std::move(answer));
  co_return kOk;
}

Task<void> FdbCluster::fire_spuriously(WatchKey key, Duration after) {
  co_await async::sleep_for(loop_, after);
  if (watches_.erase(key) > 0) {
    FdbAnswer answer{.client = key.first, .call = key.second};
    answer.mark(Fault::kWatchSpurious);
    reply(std::move(answer));
  }
  co_return kOk;
}

Task<void> FdbCluster::outages(Outage outage, Duration interval) {
  while (!healed_) {
    co_await async::sleep_for(loop_, times_.between(interval / 2, interval * 3 / 2));
    if (!healed_) {
      co_await stand_still(outage, times_.between(faults_.outage_min, faults_.outage_max));
    }
  }
  co_return kOk;
}

void FdbCluster::break_down(Outage outage, Duration length) {
  scope_.spawn(stand_still(outage, length));
}

Task<void> FdbCluster::stand_still(Outage outage, Duration length) {
  if (still_) {
    co_return kOk;
  }
  still_ = true;
  outage_ = outage == Outage::kRecovery ? Fault::kStoreRecovery : Fault::kStoreUnavailable;
  wire_.simulation().scheduler().note(
      loop_.label(), "store", fmt::format("{} for {} ms", fault_name(outage_), length.millis()));
  end_commits(outage);
  co_await async::sleep_for(loop_, length);
  if (outage == Outage::kRecovery) {
    co_await recover();
  }
  go_on();
  co_return kOk;
}

// Each commit in flight has happened, or never will.
void FdbCluster::end_commits(Outage outage) {
  for (auto& [id, commit] : commits_) {
    if (commit.told) {
      continue;
    }
    commit.lost = !commit.in_pipeline && draws_.choose(2) == 0;
    const bool changed = outage == Outage::kRecovery && draws_.choose(2) == 0;
    commit.ended_by = changed ? fdb_code::kVersionChanged : fdb_code::kUnknownResult;
  }
}

// The new generation begins with a commit of its own, at a version far above all before: whoever
// read before it is too old.
Task<void> FdbCluster::recover() {
  const auto is_in_flight = [](const auto& each) { return !each.second.told; };
  while (std::ranges::any_of(commits_, is_in_flight)) {
    co_await async::sleep_for(loop_, kApplyMax);
  }
  const Version before = pipeline_.newest()->version();
  pipeline_.jump_versions(kRecoveryVersions + times_.between(0, kRecoveryVersions / 10));
  // The pipeline may be told to refuse it (buggify), and a batch that fills already keeps its
  // version.
  for (;;) {
    store::LocalTransaction first(world_, pipeline_, {});
    first.add_write_conflict(store::KeyRange::single(""));
    Result<Version> done = co_await first.commit().result();
    if (done.ok() && done->get() > before.get() + kRecoveryVersions) {
      recovered_ = *done;
      break;
    }
    CHECK(done.ok() || done.error().code == Code::kAborted);
  }
  ++tally_.recoveries;
  for (const auto& [key, attempt] : attempts_) {
    attempt->overtaken = attempt->has_version;
    recovery_unseen_.insert(key.first);
  }
  co_return kOk;
}

void FdbCluster::go_on() {
  still_ = false;
  for (auto& [answer, extra] : std::exchange(held_, {})) {
    answer.mark(outage_);
    wire_.send(std::move(answer), extra);
  }
  for (FdbRequest& request : std::exchange(inbox_, {})) {
    request.outage = outage_;
    handle(std::move(request));
  }
}

}  // namespace kelpie::sim
