#include "store/commit_pipeline.h"

#include <string>
#include <utility>

#include "async/loop.h"
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
  for (const PendingPtr& pending : queue_) {
    reply(*pending, base::unavailable("the store was closed"));
  }
}

Task<Committed> CommitPipeline::commit(CommitRequest request) {
  if (failure_) {
    co_return *failure_;
  }
  if (is_full(request)) {
    co_return base::resource_exhausted(
        "the commit queue is full: " + std::to_string(queue_.size()) + " transactions of at most " +
        std::to_string(options_.queue_transactions_max) + ", " + std::to_string(queue_bytes_) +
        " bytes of at most " + std::to_string(options_.queue_bytes_max));
  }
  queue_bytes_ += request.bytes;
  auto pending = std::make_shared<Pending>(world_.loop, std::move(request));
  queue_.push_back(pending);
  work_.set();
  co_await pending->done.wait();
  CHECK(pending->result.has_value());
  co_return *pending->result;
}

bool CommitPipeline::is_full(const CommitRequest& request) const {
  if (request.priority == Priority::kImmediate) {
    return false;
  }
  const size_t share = request.priority == Priority::kBatch ? 2 : 1;
  return queue_.size() >= options_.queue_transactions_max / share ||
         queue_bytes_ + request.bytes > options_.queue_bytes_max / share;
}

Version CommitPipeline::oldest_version() {
  resolver_.age(world_.loop.now());
  return resolver_.oldest();
}

Result<std::shared_ptr<const Snapshot>> CommitPipeline::snapshot_at(Version version) {
  return snapshots_.at(version, world_.loop.now());
}

Task<void> CommitPipeline::start_watch(WatchTable::EntryPtr entry) {
  if (failure_) {
    entry->end(failure_);
    co_return kOk;
  }
  // From here on the table tells of every batch but the one in flight, which it has not seen; what
  // came before shows in the newest state.
  watches_.add(entry);
  if (resolver_.open_batch_writes(entry->key)) {
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
    if (queue_.empty()) {
      work_.clear();
      co_await work_.wait();
      continue;
    }
    co_await commit_batch(take_waiting());
  }
  co_return kOk;
}

std::vector<CommitPipeline::PendingPtr> CommitPipeline::take_waiting() {
  std::vector<PendingPtr> waiting;
  size_t bytes = 0;
  const size_t count_max =
      world_.faults.buggify("store.commit.batch_of_one") ? 1 : options_.batch_transactions_max;
  while (!queue_.empty() && waiting.size() < count_max) {
    bytes += queue_.front()->request.bytes;
    if (!waiting.empty() && bytes > options_.batch_bytes_max) {
      break;
    }
    CHECK(queue_bytes_ >= queue_.front()->request.bytes);
    queue_bytes_ -= queue_.front()->request.bytes;
    waiting.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return waiting;
}

Task<void> CommitPipeline::commit_batch(std::vector<PendingPtr> waiting) {
  CHECK(in_flight_.empty());
  const Version version(last_version_.get() + 1);
  last_version_ = version;
  in_flight_ = resolve_all(std::move(waiting), version);
  const BaseValues base = co_await read_base_values(in_flight_);
  if (in_flight_.empty()) {
    resolver_.discard();
    co_return kOk;
  }
  BatchBuilder builder(version, base);
  for (const Accepted& accepted : in_flight_) {
    builder.add(std::move(accepted.pending->request));
  }
  if (world_.faults.mutant("M8")) {
    conclude(in_flight_, kOk);
  }
  CommitBatch batch = std::move(builder).take();
  changing_ = watches_.changed_by(batch);
  const Result<void> applied = co_await backend_.apply(std::move(batch)).result();
  if (applied.ok()) {
    CHECK(backend_.latest()->version() == version);
    resolver_.seal(world_.loop.now());
    snapshots_.push(backend_.latest(), world_.loop.now());
    WatchTable::end_all(changing_);
  } else {
    resolver_.discard();
  }
  changing_.clear();
  conclude(std::exchange(in_flight_, {}), applied);
  co_return kOk;
}

std::vector<CommitPipeline::Accepted> CommitPipeline::resolve_all(std::vector<PendingPtr> waiting,
                                                                  Version version) {
  std::vector<Accepted> accepted;
  resolver_.begin_batch(version);
  for (PendingPtr& pending : waiting) {
    CommitRequest& request = pending->request;
    if (!request.reads.empty() && request.read_version >= version) {
      reply(*pending, base::aborted("the read version is ahead of the store"));
      continue;
    }
    if (world_.faults.buggify("store.commit.false_conflict")) {
      reply(*pending, conflict());
      continue;
    }
    const auto order = static_cast<uint16_t>(accepted.size());
    substitute_versionstamps(request, version, order);
    const Resolver::Verdict verdict =
        resolver_.resolve(request.read_version, request.reads, write_conflicts_of(request));
    if (verdict == Resolver::Verdict::kAccepted) {
      accepted.push_back({std::move(pending), {version, order}});
    } else {
      reply(*pending, verdict == Resolver::Verdict::kTooOld ? too_old() : conflict());
    }
  }
  return accepted;
}

// A transaction whose atomic operation cannot read its key fails alone: the others of the batch
// do not depend on it, and the writes that the resolver has noted only cause false conflicts.
Task<BaseValues> CommitPipeline::read_base_values(std::vector<Accepted>& accepted) {
  BaseValues base;
  const std::shared_ptr<const Snapshot> snapshot = backend_.latest();
  for (const Accepted& each : accepted) {
    for (const PendingWrite& write : each.pending->request.writes) {
      if (write.kind != PendingWrite::Kind::kAtomic || base.contains(write.key)) {
        continue;
      }
      Result<std::optional<Bytes>> value = co_await snapshot->get(write.key).result();
      if (!value.ok()) {
        reply(*each.pending, std::move(value).error());
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
  for (const PendingPtr& pending : queue_) {
    reply(*pending, *failure_);
  }
  queue_.clear();
  queue_bytes_ = 0;
  watches_.fail(*failure_);
  stopped_.set();
}

Task<std::string> CommitPipeline::failed() {
  co_await stopped_.wait();
  co_return failure_->message;
}

void CommitPipeline::reply(Pending& pending, Result<Committed> result) {
  // The first answer stands (planted bug M8 gives one too early).
  if (!pending.result) {
    pending.result = std::move(result);
    pending.done.set();
  }
}

}  // namespace kelpie::store
