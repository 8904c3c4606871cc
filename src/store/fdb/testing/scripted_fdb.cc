#include "store/fdb/testing/scripted_fdb.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "store/batch_builder.h"
#include "store/fdb/errors.h"
#include "store/fdb/testing/scripted_state.h"

namespace kelpie::store::testing {
namespace {

// Apart, so that a read version can lie between two commits.
constexpr int64_t kVersionStep = 10;

bool overlaps(const KeyRange& a, const KeyRange& b) { return a.begin < b.end && b.begin < a.end; }

bool hits(const ConflictSet& writes, const KeyRange& read) {
  const bool point =
      std::ranges::any_of(writes.points, [&](const Bytes& key) { return read.contains(key); });
  return point || std::ranges::any_of(writes.ranges,
                                      [&](const KeyRange& range) { return overlaps(range, read); });
}

std::vector<KeyRange> all_ranges(const ConflictSet& conflicts) {
  std::vector<KeyRange> ranges = conflicts.ranges;
  for (const Bytes& key : conflicts.points) {
    ranges.push_back(KeyRange::single(key));
  }
  return ranges;
}

void apply_mutation(std::map<Bytes, Bytes>& map, const Mutation& mutation) {
  switch (mutation.kind) {
    case Mutation::Kind::kSet:
      map[mutation.key] = mutation.value;
      break;
    case Mutation::Kind::kClear:
      map.erase(mutation.key);
      break;
    case Mutation::Kind::kClearRange:
      map.erase(map.lower_bound(mutation.key), map.lower_bound(mutation.value));
      break;
  }
}

}  // namespace

ScriptedFdb::ScriptedFdb(Deliver deliver, std::function<Instant()> now)
    : deliver_(std::move(deliver)), now_(std::move(now)) {
  states_[newest_] = std::make_shared<Map>();
}

ScriptedFdb::~ScriptedFdb() = default;

std::shared_ptr<FdbConnection> ScriptedFdb::connection() {
  return std::make_shared<FdbConnection>(std::make_shared<const FdbApi>(api()),
                                         reinterpret_cast<FdbDatabaseHandle*>(this));
}

void ScriptedFdb::fail_commit(int nth, CommitFault fault) {
  const std::lock_guard lock(mutex_);
  commit_faults_[commits_begun_ + nth] = fault;
}

void ScriptedFdb::fail_read(int nth, FdbErrorCode code) {
  const std::lock_guard lock(mutex_);
  read_faults_[reads_begun_ + nth] = code;
}

void ScriptedFdb::fail_no_more() {
  const std::lock_guard lock(mutex_);
  commit_faults_.clear();
  read_faults_.clear();
}

ScriptedFdb::Counts ScriptedFdb::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void ScriptedFdb::land_late_commits() {
  {
    const std::lock_guard lock(mutex_);
    for (Late& late : std::exchange(late_, {})) {
      land(std::move(late));
    }
  }
  deliver_due();
}

ScriptedFdb::FuturePtr ScriptedFdb::make_future() {
  auto future = std::make_shared<Future>();
  future->owner = this;
  future->self = future;
  ++counts_.futures_made;
  return future;
}

// One more operation of any client has come: late commits get closer.
void ScriptedFdb::tick() {
  std::vector<Late> landing;
  for (size_t i = 0; i < late_.size();) {
    if (--late_[i].operations > 0) {
      ++i;
      continue;
    }
    landing.push_back(std::move(late_[i]));
    late_.erase(late_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  for (Late& late : landing) {
    land(std::move(late));
  }
}

void ScriptedFdb::land(Late late) {
  if (late.versionless) {
    late.request.read_version = newest_;
  }
  Version version;
  const bool landed = apply(late.request, version) == 0;
  ++(landed ? counts_.late_landed : counts_.late_refused);
}

FdbErrorCode ScriptedFdb::next_read_failure() {
  const auto fault = read_faults_.find(++reads_begun_);
  if (fault == read_faults_.end()) {
    return 0;
  }
  const FdbErrorCode code = fault->second;
  read_faults_.erase(fault);
  return code;
}

// A version is too old once five seconds have passed since a commit after it.
void ScriptedFdb::forget_old() {
  if (!now_) {
    return;
  }
  for (const Written& each : written_) {
    if (now_() - each.at > base::kTransactionAgeMax) {
      oldest_ = std::max(oldest_, each.version);
    }
  }
}

std::shared_ptr<const ScriptedFdb::Map> ScriptedFdb::state_at(Version version) const {
  const auto after = states_.upper_bound(version);
  return after == states_.begin() ? std::make_shared<const Map>() : std::prev(after)->second;
}

FdbErrorCode ScriptedFdb::version_of(Transaction& transaction) {
  if (!transaction.read_version) {
    transaction.read_version = newest_;
    ++counts_.read_versions;
  }
  forget_old();
  if (*transaction.read_version < oldest_) {
    return kTransactionTooOld;
  }
  return *transaction.read_version > newest_ ? kFutureVersion : 0;
}

bool ScriptedFdb::conflicts(const CommitRequest& request) const {
  const std::vector<KeyRange> reads = all_ranges(request.reads);
  return std::ranges::any_of(written_, [&](const Written& each) {
    return each.version > request.read_version &&
           std::ranges::any_of(reads,
                               [&](const KeyRange& read) { return hits(each.writes, read); });
  });
}

FdbErrorCode ScriptedFdb::apply(CommitRequest& request, Version& version) {
  forget_old();
  if (!request.reads.empty() && request.read_version < oldest_) {
    return kTransactionTooOld;
  }
  if (conflicts(request)) {
    return kFdbNotCommitted;
  }
  const std::shared_ptr<const Map> before = states_.rbegin()->second;
  newest_ = Version(newest_.get() + kVersionStep);
  version = newest_;
  substitute_versionstamps(request, version, kBatchOrder);
  BaseValues base;
  for (const PendingWrite& write : request.writes) {
    if (write.kind == PendingWrite::Kind::kAtomic) {
      const auto found = before->find(write.key);
      base[write.key] = found == before->end() ? std::nullopt : std::optional(found->second);
    }
  }
  const Instant at = now_ ? now_() : Instant();
  written_.push_back({version, write_conflicts_of(request), at});
  BatchBuilder builder(version, base);
  builder.add(std::move(request));
  auto after = std::make_shared<Map>(*before);
  const CommitBatch batch = std::move(builder).take();
  for (const Mutation& mutation : batch.mutations) {
    apply_mutation(*after, mutation);
  }
  states_[version] = std::move(after);
  trigger_watches();
  return 0;
}

FdbErrorCode ScriptedFdb::commit(Transaction& transaction, bool wrote) {
  if (!wrote) {
    return 0;
  }
  CommitRequest request;
  const bool versionless = !transaction.read_version.has_value();
  if (const FdbErrorCode code = version_of(transaction); code == kFutureVersion) {
    return code;
  }
  request.read_version = *transaction.read_version;
  request.reads = transaction.reads;
  request.write_conflicts = transaction.write_conflicts;
  transaction.writes.drain_into(request);
  ++counts_.commits;
  const auto planned = commit_faults_.find(++commits_begun_);
  if (planned == commit_faults_.end()) {
    return apply(request, transaction.committed);
  }
  const CommitFault fault = planned->second;
  commit_faults_.erase(planned);
  switch (fault.fate) {
    case Fate::kNotApplied:
      break;
    case Fate::kApplied:
      static_cast<void>(apply(request, transaction.committed));
      transaction.committed = kNoVersion;
      break;
    case Fate::kAppliedLater:
      late_.push_back({std::move(request), false, nullptr, fault.operations_later});
      break;
    case Fate::kSentLater:
      late_.push_back({std::move(request), versionless, &transaction, fault.operations_later});
      break;
  }
  return fault.code;
}

void ScriptedFdb::start_watches(Transaction& transaction) {
  for (PendingWatch& watch : std::exchange(transaction.watches, {})) {
    watches_.push_back(std::move(watch));
  }
  trigger_watches();
}

void ScriptedFdb::end_watches(Transaction& transaction, FdbErrorCode code) {
  for (PendingWatch& watch : std::exchange(transaction.watches, {})) {
    watch.future->error = code;
    due_.push_back(std::move(watch.future));
  }
}

void ScriptedFdb::trigger_watches() {
  const Map& now = *states_.rbegin()->second;
  std::erase_if(watches_, [&](PendingWatch& watch) {
    const auto found = now.find(watch.key);
    const bool same = found == now.end() ? !watch.seen.has_value() : watch.seen == found->second;
    const bool over = !same || watch.future->destroyed || watch.future->error != 0;
    if (over) {
      due_.push_back(watch.future);
    }
    return over;
  });
}

void ScriptedFdb::note_broken_commit(const Transaction& transaction) {
  if (transaction.committing != nullptr && !transaction.committing->ready) {
    ++counts_.broken_commits;
  }
}

void ScriptedFdb::reset(Transaction& transaction) {
  note_broken_commit(transaction);
  end_watches(transaction, kTransactionCancelled);
  transaction.clear_attempt();
}

// The rows of a range as the transaction sees them.
FdbErrorCode ScriptedFdb::visible_rows(Transaction& transaction, const KeyRange& range, Map& rows) {
  if (const FdbErrorCode code = version_of(transaction); code != 0) {
    return code;
  }
  const std::shared_ptr<const Map> state = state_at(*transaction.read_version);
  std::vector<KeyValue> stored;
  for (auto each = state->lower_bound(range.begin); each != state->end() && each->first < range.end;
       ++each) {
    stored.push_back({each->first, each->second});
  }
  if (transaction.reads_own_writes) {
    auto merged = transaction.writes.apply(range, std::move(stored));
    if (!merged.ok()) {
      return kAccessedUnreadable;
    }
    stored = std::move(merged).value();
  }
  for (KeyValue& row : stored) {
    rows.emplace(std::move(row.key), std::move(row.value));
  }
  return 0;
}

FdbErrorCode ScriptedFdb::resolve(Transaction& transaction, const KeySelector& selector,
                                  Bytes& key) {
  if (selector.or_equal == OrEqual::kExcluded && selector.offset == 1) {
    // Wherever it leads, a range from or to it is the same one.
    key = selector.key;
    return 0;
  }
  Map rows;
  if (const FdbErrorCode code = visible_rows(transaction, kEverything, rows); code != 0) {
    return code;
  }
  key = name_key(rows, selector);
  return 0;
}

FdbErrorCode ScriptedFdb::page(Transaction& transaction, const KeyRange& range, Future& answer,
                               int rows_max, int bytes_target, bool snapshot, bool reverse) {
  Map rows;
  if (const FdbErrorCode code = visible_rows(transaction, range, rows); code != 0) {
    return code;
  }
  std::vector<KeyValue> ordered;
  for (const auto& [key, value] : rows) {
    ordered.push_back({key, value});
  }
  if (reverse) {
    std::ranges::reverse(ordered);
  }
  // The row that crosses the target is still given, as the real one does.
  int bytes = 0;
  for (KeyValue& row : ordered) {
    if (std::ssize(answer.rows) == rows_max || bytes >= bytes_target) {
      answer.more = true;
      break;
    }
    bytes += static_cast<int>(row.key.size() + row.value.size());
    answer.rows.push_back(std::move(row));
  }
  KeyRange covered = range;
  if (answer.more && !reverse) {
    covered.end = answer.rows.back().key + '\0';
  } else if (answer.more) {
    covered.begin = answer.rows.back().key;
  }
  note_read(transaction, covered, snapshot);
  return 0;
}

void ScriptedFdb::note_read(Transaction& transaction, const KeyRange& range, bool snapshot) {
  if (snapshot) {
    return;
  }
  if (!transaction.reads_own_writes) {
    transaction.reads.add_range(range);
    return;
  }
  for (KeyRange& part : transaction.writes.unknown_parts(range)) {
    transaction.reads.add_range(std::move(part));
  }
}

void ScriptedFdb::arrive(const FuturePtr& future) {
  FdbCallback callback = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(future->ready, true)) {
      return;
    }
    callback = std::exchange(future->callback, nullptr);
    counts_.callbacks += callback != nullptr ? 1 : 0;
  }
  if (callback != nullptr) {
    callback(reinterpret_cast<FdbFutureHandle*>(future.get()), future->context);
  }
}

FdbFutureHandle* ScriptedFdb::answer(const FuturePtr& future, FdbErrorCode code) {
  {
    const std::lock_guard lock(mutex_);
    future->error = code;
  }
  deliver_([this, future] { arrive(future); });
  deliver_due();
  return reinterpret_cast<FdbFutureHandle*>(future.get());
}

void ScriptedFdb::deliver_due() {
  for (;;) {
    FuturePtr future;
    {
      const std::lock_guard lock(mutex_);
      if (due_.empty()) {
        return;
      }
      future = std::move(due_.front());
      due_.pop_front();
    }
    deliver_([this, future] { arrive(future); });
  }
}

}  // namespace kelpie::store::testing
