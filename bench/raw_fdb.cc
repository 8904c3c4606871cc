#include "bench/raw_fdb.h"

#include <algorithm>
#include <utility>

#include "store/fdb/errors.h"
#include "store/keys.h"

namespace kelpie::bench {
namespace {

const uint8_t* pointer_to(const Bytes& bytes) {
  return reinterpret_cast<const uint8_t*>(bytes.data());
}
int size_of(const Bytes& bytes) { return static_cast<int>(bytes.size()); }

}  // namespace

void RawFdb::on_ready(store::FdbFutureHandle*, void* context) {
  Slot& slot = *static_cast<Slot*>(context);
  RawFdb& self = *slot.owner;
  // Told under the lock: who is told may be done, and gone, as soon as it is released.
  const std::lock_guard lock(self.mutex_);
  self.ended_.push_back(&slot);
  self.changed_.notify_one();
}

Result<void> RawFdb::begin(Slot& slot) {
  const TurnRows rows = source_.next(slot.place);
  const Bytes fence = epoch_key();
  const Bytes guard = store::keys::guard(rows.nonce);
  slot.watch = Stopwatch();
  store::FdbErrorCode code =
      api().database_create_transaction(connection_->native(), &slot.transaction);
  if (code != 0) {
    return store::to_error(api(), code, store::FdbOrigin::kRead);
  }
  api().transaction_set_read_version(slot.transaction, read_version_.get());
  for (const Bytes& key : {fence, guard}) {
    const Bytes end = key + '\0';
    code = api().transaction_add_conflict_range(slot.transaction, pointer_to(key), size_of(key),
                                                pointer_to(end), size_of(end),
                                                store::FdbConflict::kRead);
    if (code != 0) {
      return store::to_error(api(), code, store::FdbOrigin::kRead);
    }
  }
  for (const store::KeyValue* row : {&rows.data, &rows.dedupe, &rows.head}) {
    api().transaction_set(slot.transaction, pointer_to(row->key), size_of(row->key),
                          pointer_to(row->value), size_of(row->value));
  }
  slot.commit = api().transaction_commit(slot.transaction);
  code = api().future_set_callback(slot.commit, on_ready, &slot);
  if (code != 0) {
    return store::to_error(api(), code, store::FdbOrigin::kCommit);
  }
  return kOk;
}

Result<void> RawFdb::finish(Slot& slot, Samples& times) {
  times.add(slot.watch.microseconds());
  store::FdbErrorCode code = api().future_get_error(slot.commit);
  int64_t committed = 0;
  if (code == 0) {
    code = api().transaction_get_committed_version(slot.transaction, &committed);
  }
  api().future_destroy(std::exchange(slot.commit, nullptr));
  api().transaction_destroy(std::exchange(slot.transaction, nullptr));
  if (code != 0) {
    return store::to_error(api(), code, store::FdbOrigin::kCommit);
  }
  read_version_ = std::max(read_version_, store::Version(committed - 1));
  return kOk;
}

std::vector<RawFdb::Slot*> RawFdb::wait_for_ended() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !ended_.empty(); });
  return std::exchange(ended_, {});
}

Result<Throughput> RawFdb::commit_turns(Load load, Samples& times) {
  const int in_flight = std::min(load.in_flight, load.operations);
  std::vector<Slot> slots(static_cast<size_t>(in_flight));
  std::optional<Error> failed;
  int begun = 0;
  int waiting = 0;
  const auto begin_next = [&](Slot& slot) {
    if (begun == load.operations || failed) {
      return;
    }
    ++begun;
    auto asked = begin(slot);
    if (asked.ok()) {
      ++waiting;
    } else {
      failed = std::move(asked).error();
    }
  };
  const ThroughputClock clock;
  for (Slot& slot : slots) {
    slot.owner = this;
    slot.place = static_cast<int>(&slot - slots.data());
    begin_next(slot);
  }
  // Also after a failure: no commit that is on its way may outlive its slot.
  while (waiting > 0) {
    for (Slot* slot : wait_for_ended()) {
      --waiting;
      auto done = finish(*slot, times);
      if (!done.ok()) {
        failed = std::move(done).error();
      }
      begin_next(*slot);
    }
  }
  if (failed) {
    return *std::move(failed);
  }
  return clock.stop(load.operations);
}

}  // namespace kelpie::bench
