#include "store/commit_pipeline.h"

#include <algorithm>
#include <string>
#include <utility>

#include "async/loop.h"
#include "async/sleep.h"
#include "base/check.h"
#include "base/limits.h"
#include "world/faults.h"
#include "world/log.h"

namespace kelpie::store {
namespace {

// The order inside a batch has two bytes of a versionstamp.
constexpr size_t kBatchTransactionsMax = 65'536;

Error too_old() {
  return base::aborted("the transaction's read version is too old; try again from the start");
}

Error conflict() {
  return base::aborted(
      "something that this transaction read was written by a later commit; try again from the "
      "start");
}

}  // namespace

CommitPipeline::CommitPipeline(World& world, Backend& backend, CommitOptions options)
    : world_(world),
      backend_(backend),
      options_(options),
      last_version_(backend.latest()->version().get() + kVersionJump),
      resolver_(backend.latest()->version(),
                {.window = base::kTransactionAgeMax, .writes_max = options.window_writes_max}),
      snapshots_({.age_max = base::kTransactionAgeMax, .count_max = options.snapshots_kept_max}),
      stopped_(world.loop),
      work_(world.loop),
      scope_(world.loop, {}) {
  CHECK(options.batch_transactions_max > 0);
  CHECK(options.batch_transactions_max <= kBatchTransactionsMax);
  snapshots_.push(backend.latest(), world.loop.now());
  scope_.spawn(serve());
}

CommitPipeline::~CommitPipeline() {
  scope_.cancel();
  for (const Accepted& accepted : in_flight_) {
    reply(*accepted.pending, base::unknown("the store was closed while this commit was in flight"));
  }
  end_waiting(base::unavailable("the store was closed"));
}

Task<Committed> CommitPipeline::commit(CommitRequest request) {
  const std::shared_ptr<PendingCommit> pending = co_await send(std::move(request));
  co_await pending->done.wait();
  co_return pending->outcome();
}

Result<std::shared_ptr<PendingCommit>> CommitPipeline::send(CommitRequest request) {
  if (failure_) {
    return *failure_;
  }
  if (is_full(request)) {
    return base::resource_exhausted(
        "the commit queue is full: " + std::to_string(waiting()) + " transactions of at most " +
        std::to_string(options_.queue_transactions_max) + ", " + std::to_string(waiting_bytes_) +
        " bytes of at most " + std::to_string(options_.queue_bytes_max));
  }
  waiting_bytes_ += request.bytes;
  auto pending = std::make_shared<PendingCommit>(world_.loop, std::move(request));
  queue_.push_back(pending);
  fill();
  work_.set();
  return pending;
}

bool CommitPipeline::is_full(const CommitRequest& request) const {
  if (request.priority == Priority::kImmediate) {
    return false;
  }
  const size_t share = request.priority == Priority::kBatch ? 2 : 1;
  return waiting() >= options_.queue_transactions_max / share ||
         waiting_bytes_ + request.bytes > options_.queue_bytes_max / share;
}

Version CommitPipeline::oldest_version() {
  resolver_.age(world_.loop.now());
  return resolver_.oldest();
}

Result<std::shared_ptr<const Snapshot>> CommitPipeline::snapshot_at(Version version) {
  return snapshots_.at(version, world_.loop.now());
}

void CommitPipeline::jump_versions(int64_t by) {
  CHECK(by > 0);
  last_version_ = Version(last_version_.get() + by);
}

Task<void> CommitPipeline::start_watch(WatchTable::EntryPtr entry) {
  if (failure_) {
    entry->end(failure_);
    co_return kOk;
  }
  // From here on the table tells of every batch but the one in flight, which it has not seen; what
  // came before shows in the newest state.
  watches_.add(entry);
  if (!in_flight_.empty() && resolver_.unsealed_batch_writes(entry->key)) {
    changing_.push_back(entry);
  }
  const std::shared_ptr<const Snapshot> newest = backend_.latest();
  auto value = co_await newest->get(entry->key).result();
  if (!value.ok()) {
    entry->end(std::move(value).error());
  } else if (*value != entry->value) {
    entry->end(std::nullopt);
  }
  co_return kOk;
}

Task<void> CommitPipeline::serve() {
  while (!failure_) {
    if (!filling_) {
      if (world_.faults.mutant("M30")) {
        // A commit that comes now sets what is cleared next, and waits for another to come.
        co_await async::yield(world_.loop);
      }
      work_.clear();
      co_await work_.wait();
      continue;
    }
    co_await commit_batch();
  }
  co_return kOk;
}

void CommitPipeline::fill() {
  while (!queue_.empty()) {
    if (!filling_) {
      last_version_ = Version(last_version_.get() + 1);
      const bool alone = world_.faults.buggify("store.commit.batch_of_one");
      filling_.emplace(last_version_, alone ? 1 : options_.batch_transactions_max);
      resolver_.begin_batch(last_version_);
    }
    const size_t bytes = filling_->bytes + queue_.front()->request.bytes;
    const bool has_room = filling_->count() < filling_->count_max &&
                          (filling_->count() == 0 || bytes <= options_.batch_bytes_max);
    if (!has_room) {
      return;
    }
    filling_->bytes = bytes;
    PendingPtr next = std::move(queue_.front());
    queue_.pop_front();
    take_in(std::move(next));
  }
}

void CommitPipeline::take_in(PendingPtr pending) {
  CommitRequest& request = pending->request;
  if (std::optional<Error> why = refusal(request)) {
    filling_->refused.push_back({std::move(pending), *std::move(why)});
    return;
  }
  const auto order = static_cast<uint16_t>(filling_->accepted.size());
  substitute_versionstamps(request, filling_->version, order);
  bool has_atomic = false;
  for (const PendingWrite& write : request.writes) {
    resolver_.write(write.key);
    has_atomic = has_atomic || write.kind == PendingWrite::Kind::kAtomic;
  }
  for (const std::vector<KeyRange>* ranges : {&request.cleared, &request.write_conflicts.ranges}) {
    for (const KeyRange& range : *ranges) {
      resolver_.write(range);
    }
  }
  for (const Bytes& key : request.write_conflicts.points) {
    resolver_.write(key);
  }
  if (!has_atomic && filling_->built == filling_->accepted.size()) {
    filling_->builder.add(std::exchange(request, {}));
    ++filling_->built;
  }
  filling_->accepted.push_back({std::move(pending), {filling_->version, order}});
}

std::optional<Error> CommitPipeline::refusal(const CommitRequest& request) const {
  if (!request.reads.empty() && request.read_version >= filling_->version) {
    return base::aborted("the read version is ahead of the store");
  }
  if (world_.faults.buggify("store.commit.false_conflict")) {
    return conflict();
  }
  const Resolver::Verdict verdict = resolver_.check(request.read_version, request.reads);
  world_.faults.sometimes("store.commit.conflict", verdict == Resolver::Verdict::kConflict);
  world_.faults.sometimes("store.commit.too_old", verdict == Resolver::Verdict::kTooOld);
  if (verdict == Resolver::Verdict::kAccepted) {
    return std::nullopt;
  }
  return verdict == Resolver::Verdict::kTooOld ? too_old() : conflict();
}

Task<void> CommitPipeline::commit_batch() {
  CHECK(in_flight_.empty());
  Filling batch = *std::exchange(filling_, std::nullopt);
  CHECK(waiting_bytes_ >= batch.bytes);
  waiting_bytes_ -= batch.bytes;
  in_flight_ = std::move(batch.accepted);
  for (Refused& refused : batch.refused) {
    reply(*refused.pending, std::move(refused.why));
  }
  fill();
  world_.faults.sometimes("store.commit.batch_of_many", in_flight_.size() > 1);
  if (batch.built < in_flight_.size()) {
    batch.builder.start_from(co_await read_base_values(in_flight_, batch.built));
    for (size_t i = batch.built; i < in_flight_.size(); ++i) {
      batch.builder.add(std::move(in_flight_[i].pending->request));
    }
  }
  if (in_flight_.empty()) {
    resolver_.discard();
    co_return kOk;
  }
  if (world_.faults.mutant("M8")) {
    conclude(in_flight_, kOk);
  }
  CommitBatch changes = std::move(batch.builder).take();
  changing_ = watches_.changed_by(changes);
  const Result<void> applied = co_await backend_.apply(std::move(changes)).result();
  if (applied.ok()) {
    world_.faults.always("store.commit.visible_at_its_version",
                         backend_.latest()->version() == batch.version);
    resolver_.seal(world_.loop.now());
    snapshots_.push(backend_.latest(), world_.loop.now());
    WatchTable::end_all(changing_);
  } else {
    resolver_.discard();
  }
  changing_.clear();
  std::vector<Accepted> ended = std::exchange(in_flight_, {});
  if (world_.faults.mutant("M32")) {
    std::ranges::sort(ended, {}, [](const Accepted& each) { return each.pending.get(); });
  }
  conclude(ended, applied);
  co_return kOk;
}

// A transaction whose atomic operation cannot read its key fails alone: the others of the batch
// do not depend on it, and the writes that the resolver has noted only cause false conflicts.
Task<BaseValues> CommitPipeline::read_base_values(std::vector<Accepted>& accepted, size_t first) {
  BaseValues base;
  const std::shared_ptr<const Snapshot> snapshot = backend_.latest();
  for (size_t i = first; i < accepted.size(); ++i) {
    const PendingPtr& pending = accepted[i].pending;
    for (const PendingWrite& write : pending->request.writes) {
      if (write.kind != PendingWrite::Kind::kAtomic || base.contains(write.key)) {
        continue;
      }
      Result<std::optional<Bytes>> value = co_await snapshot->get(write.key).result();
      if (!value.ok()) {
        reply(*pending, std::move(value).error());
        break;
      }
      base.emplace(write.key, std::move(value).value());
    }
  }
  std::erase_if(accepted, [](const Accepted& each) { return each.pending->result.has_value(); });
  co_return base;
}

void CommitPipeline::conclude(const std::vector<Accepted>& accepted, const Result<void>& applied) {
  const bool certain = applied.ok() || applied.error().code == Code::kResourceExhausted;
  world_.faults.sometimes("store.commit.refused", certain && !applied.ok());
  world_.faults.sometimes("store.commit.undecided", !certain);
  for (const Accepted& each : accepted) {
    if (applied.ok()) {
      reply(*each.pending, each.committed);
    } else if (certain) {
      reply(*each.pending, applied.error());
    } else {
      reply(*each.pending, base::unknown("the commit is undecided: " + applied.error().message));
    }
  }
  if (!certain) {
    fail_stop(applied.error());
  }
}

void CommitPipeline::fail_stop(const Error& reason) {
  world_.log.error("the store stops: a commit is undecided",
                   {{"engine", backend_.name()}, {"reason", reason.to_string()}});
  failure_ =
      base::unavailable("the store has stopped after a write that may or may not be durable (" +
                        reason.message + "); restart to recover what is on the disk");
  end_waiting(*failure_);
  watches_.fail(*failure_);
  stopped_.set();
}

void CommitPipeline::end_waiting(const Error& why) {
  if (filling_) {
    for (const Accepted& each : filling_->accepted) {
      reply(*each.pending, why);
    }
    for (const Refused& each : filling_->refused) {
      reply(*each.pending, why);
    }
    filling_.reset();
  }
  for (const PendingPtr& pending : queue_) {
    reply(*pending, why);
  }
  queue_.clear();
  waiting_bytes_ = 0;
}

Task<std::string> CommitPipeline::failed() {
  co_await stopped_.wait();
  co_return failure_->message;
}

void CommitPipeline::reply(PendingCommit& pending, Result<Committed> result) {
  // The first answer stands (planted bug M8 gives one too early).
  if (!pending.result) {
    pending.result = std::move(result);
    pending.done.set();
  }
}

}  // namespace kelpie::store
