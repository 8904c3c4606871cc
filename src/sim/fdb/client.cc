#include "sim/fdb/client.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/limits.h"
#include "sim/fdb/client_state.h"

namespace kelpie::sim {

using store::FdbErrorCode;
using store::FdbFutureHandle;

namespace {

constexpr Duration kBackoffFirst = Duration::millis(10);
constexpr Duration kBackoffMax = Duration::seconds(1);
// Of the errors of commits that are told before the commit was sent.
constexpr Duration kHeldBackMax = Duration::millis(100);
constexpr uint64_t kUnsentShare = 4;

}  // namespace

FdbClient::FdbClient(const std::shared_ptr<FdbWire>& wire, FdbClientId id, SimLoop& gate,
                     const FdbFaults& faults)
    : wire_(wire),
      id_(id),
      gate_(gate),
      faults_(faults),
      draws_(wire->simulation().choices().stream("fdb/client")) {}

FdbClient::~FdbClient() = default;

bool FdbClient::alive() const { return gate_.open() && !wire_.expired(); }

FdbClient::FuturePtr FdbClient::make_future(Kind kind) {
  auto future = std::make_shared<Future>();
  future->client = shared_from_this();
  future->self = future;
  future->kind = kind;
  future->call = FdbCallId(++numbers_);
  waiting_.emplace(future->call, future);
  watches_ += kind == Kind::kWatch ? 1 : 0;
  ++counts_.futures_made;
  return future;
}

void FdbClient::send(Transaction& transaction, FdbRequest request) {
  const std::shared_ptr<FdbWire> wire = wire_.lock();
  if (wire == nullptr || !gate_.open()) {
    return;
  }
  request.client = id_;
  request.attempt = transaction.attempt;
  request.opens = !std::exchange(transaction.sent, true);
  *transaction.arrives_ns = wire->send(std::move(request), *transaction.arrives_ns + 1);
}

FdbFutureHandle* FdbClient::ask(Transaction& transaction, Kind kind, FdbRequest request) {
  const FuturePtr future = make_future(kind);
  future->transaction = transaction.self;
  std::erase_if(transaction.calls, [](const FuturePtr& each) { return each->ready; });
  transaction.calls.push_back(future);
  request.call = future->call;
  request.options = transaction.options;
  request.read_version = transaction.read_version;
  request.steps = std::exchange(transaction.steps, {});
  if (kind != Kind::kCommit) {
    send(transaction, std::move(request));
    return reinterpret_cast<FdbFutureHandle*>(future.get());
  }
  transaction.committing = future;
  const uint64_t undecided_rate = faults_.timed_out_rate + faults_.version_changed_rate;
  if (request.writes && draws_.chance(undecided_rate / kUnsentShare)) {
    hold_back(transaction, future, std::move(request));
  } else {
    send(transaction, std::move(request));
  }
  return reinterpret_cast<FdbFutureHandle*>(future.get());
}

FdbFutureHandle* FdbClient::commit(Transaction& transaction) {
  if (transaction.writes || !transaction.watches.empty()) {
    return ask(transaction, Kind::kCommit,
               {.kind = FdbRequest::Kind::kCommit, .writes = transaction.writes});
  }
  // What only read has nothing to send.
  const FuturePtr future = make_future(Kind::kCommit);
  future->transaction = transaction.self;
  transaction.committing = future;
  end_soon(future, 0);
  return reinterpret_cast<FdbFutureHandle*>(future.get());
}

// The client says how the commit ended before it has sent it, and sends it later, unless the
// transaction is gone by then.
void FdbClient::hold_back(Transaction& transaction, const FuturePtr& future, FdbRequest request) {
  const std::shared_ptr<FdbWire> wire = wire_.lock();
  if (wire == nullptr) {
    return;
  }
  ++counts_.unsent_commits;
  ++held_back_;
  const bool timed_out =
      draws_.choose(faults_.timed_out_rate + faults_.version_changed_rate) < faults_.timed_out_rate;
  FdbAnswer answer{.client = id_,
                   .call = future->call,
                   .code = timed_out ? fdb_code::kTimedOut : fdb_code::kVersionChanged,
                   .of_commit = true,
                   .marks = {timed_out ? Fault::kCommitTimedOut : Fault::kCommitVersionChanged}};
  const Duration told = draws_.between(Duration(), kHeldBackMax);
  const Duration sent = told + any_magnitude(draws_, faults_.late_max);
  wire->later(told, [self = shared_from_this(), answer = std::move(answer)]() mutable {
    self->resolve(std::move(answer));
  });
  wire->later(sent, [self = shared_from_this(), weak = std::weak_ptr(transaction.self),
                     attempt = transaction.attempt, request = std::move(request)]() mutable {
    --self->held_back_;
    const std::shared_ptr<Transaction> there = weak.lock();
    if (there != nullptr && there->attempt == attempt) {
      self->send(*there, std::move(request));
    } else {
      ++self->counts_.unsent_forgotten;
    }
  });
}

FdbFutureHandle* FdbClient::watch(Transaction& transaction, Bytes key) {
  const FuturePtr future = make_future(Kind::kWatch);
  future->transaction = transaction.self;
  future->attempt = transaction.attempt;
  future->arrives_ns = transaction.arrives_ns;
  if (watches_ > base::kWatchesMax) {
    end_soon(future, fdb_code::kTooManyWatches);
  } else {
    transaction.watches.push_back(future);
    transaction.steps.push_back({.write = {}, .watched = std::move(key), .watch = future->call});
  }
  return reinterpret_cast<FdbFutureHandle*>(future.get());
}

FdbFutureHandle* FdbClient::back_off(Transaction& transaction, FdbErrorCode code) {
  const FuturePtr future = make_future(Kind::kWait);
  if (!is_retryable_not_committed(code) && !may_have_committed(code)) {
    end_soon(future, code);
    return reinterpret_cast<FdbFutureHandle*>(future.get());
  }
  end_attempt(transaction);
  transaction.backoff = transaction.backoff == Duration()
                            ? kBackoffFirst
                            : std::min(transaction.backoff * 2, kBackoffMax);
  if (const std::shared_ptr<FdbWire> wire = wire_.lock(); wire != nullptr && gate_.open()) {
    wire->later(draws_.between(Duration(), transaction.backoff),
                [self = shared_from_this(), call = future->call] {
                  self->resolve({.client = self->id_, .call = call});
                });
  }
  return reinterpret_cast<FdbFutureHandle*>(future.get());
}

void FdbClient::resolve(FdbAnswer answer) {
  const auto found = waiting_.find(answer.call);
  if (!alive() || found == waiting_.end()) {
    return;
  }
  const FuturePtr future = found->second;
  if (answer.silent) {
    future->missed = true;
    future->answer.marks = std::move(answer.marks);
    return;
  }
  const std::shared_ptr<Transaction> transaction = future->transaction.lock();
  if (transaction != nullptr && transaction->committing == future) {
    finish_commit(*transaction, answer);
  }
  finish(future, std::move(answer));
}

void FdbClient::finish_commit(Transaction& transaction, const FdbAnswer& answer) {
  const bool ok = answer.code == 0;
  transaction.committed = ok ? answer.version : store::kNoVersion;
  for (const FuturePtr& future : std::exchange(transaction.stamps, {})) {
    FdbAnswer stamp;
    if (ok && answer.stamp) {
      stamp.bytes = answer.stamp->bytes;
    } else {
      stamp.code = ok ? fdb_code::kReadOnlyHasNoStamp : fdb_code::kNoStamp;
    }
    finish(future, std::move(stamp));
  }
  for (const FuturePtr& future : std::exchange(transaction.watches, {})) {
    if (!ok) {
      drop_watch(*future);
      finish(future, {.code = answer.code});
    }
  }
}

void FdbClient::finish(const FuturePtr& future, FdbAnswer answer) {
  if (future->ready) {
    return;
  }
  future->ready = true;
  future->answer = std::move(answer);
  waiting_.erase(future->call);
  watches_ -= future->kind == Kind::kWatch ? 1 : 0;
  run_callback(*future);
}

void FdbClient::run_callback(Future& future) {
  const store::FdbCallback callback = std::exchange(future.callback, nullptr);
  if (callback != nullptr) {
    callback(reinterpret_cast<FdbFutureHandle*>(&future), future.context);
  }
}

void FdbClient::end_soon(const FuturePtr& future, FdbErrorCode code) {
  const std::shared_ptr<FdbWire> wire = wire_.lock();
  if (wire == nullptr || !gate_.open()) {
    return;
  }
  wire->later(Duration(), [self = shared_from_this(), future, code] {
    if (self->alive()) {
      self->finish(future, {.code = code});
    }
  });
}

void FdbClient::end_attempt(Transaction& transaction) {
  for (const FuturePtr& future : std::exchange(transaction.calls, {})) {
    if (!future->ready) {
      counts_.broken_commits += future->kind == Kind::kCommit ? 1 : 0;
      end_soon(future, fdb_code::kTransactionCancelled);
    }
  }
  for (const FuturePtr& future : std::exchange(transaction.stamps, {})) {
    end_soon(future, fdb_code::kTransactionCancelled);
  }
  for (const FuturePtr& future : std::exchange(transaction.watches, {})) {
    drop_watch(*future);
    end_soon(future, fdb_code::kTransactionCancelled);
  }
  if (transaction.sent) {
    send(transaction, {.kind = FdbRequest::Kind::kForget});
  }
  Transaction fresh;
  fresh.client = transaction.client;
  fresh.self = transaction.self;
  fresh.backoff = transaction.backoff;
  fresh.attempt = FdbAttemptId(++numbers_);
  transaction = std::move(fresh);
}

void FdbClient::drop_watch(const Future& future) {
  const std::shared_ptr<Transaction> transaction = future.transaction.lock();
  if (transaction != nullptr && transaction->attempt == future.attempt) {
    const size_t unsent = std::erase_if(
        transaction->steps, [&](const FdbStep& step) { return step.watch == future.call; });
    if (unsent > 0) {
      return;
    }
  }
  if (const std::shared_ptr<FdbWire> wire = wire_.lock(); wire != nullptr && gate_.open()) {
    FdbRequest request{.kind = FdbRequest::Kind::kDropWatch,
                       .client = id_,
                       .attempt = future.attempt,
                       .call = future.call};
    *future.arrives_ns = wire->send(std::move(request), *future.arrives_ns + 1);
  }
}

void FdbClient::count_marks(Future& future) {
  const std::shared_ptr<FdbWire> wire = wire_.lock();
  if (wire == nullptr || !gate_.open()) {
    return;
  }
  Simulation& simulation = wire->simulation();
  for (const Fault mark : std::exchange(future.answer.marks, {})) {
    simulation.ledger().receive(mark);
    simulation.scheduler().note(gate_.label(), "fault", fault_name(mark));
  }
}

void FdbClient::reap() {
  reaped_ = true;
  // Out of the map first: what a callback lets go of comes back here.
  for (const auto& [call, future] : std::exchange(waiting_, {})) {
    finish(future, {.code = fdb_code::kOperationCancelled});
  }
}

}  // namespace kelpie::sim
