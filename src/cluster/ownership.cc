#include "cluster/ownership.h"

#include <memory>
#include <utility>

#include "async/sleep.h"
#include "cluster/membership.h"
#include "store/range_stream.h"
#include "world/clock.h"
#include "world/faults.h"

namespace kelpie::cluster {
namespace {

constexpr int kAttemptsMax = 10;
constexpr Duration kRetryPause = Duration::millis(1);

// In one transaction, so that nobody joins in between.
Task<void> write_take_over(store::Transaction& transaction, std::vector<std::string> names,
                           WallTime now) {
  store::RangeStream nodes(transaction, {.range = store::keys::epochs()});
  while (std::optional<store::KeyValue> epoch = co_await nodes.next()) {
    co_await write_fence_off(transaction, store::keys::member_place_of(epoch->key).node);
  }
  for (std::string& name : names) {
    co_await write_join(transaction, std::move(name), {}, now);
  }
  co_return kOk;
}

}  // namespace

Task<Epoch> take_over(World& world, store::Database& database, std::vector<std::string> names) {
  constexpr int kUndecidedMax = 10;
  std::unique_ptr<store::Transaction> transaction = database.begin({.retries_max = kAttemptsMax});
  for (int undecided = 0;;) {
    auto done = co_await write_take_over(*transaction, names, world.clock.wall()).result();
    if (done.ok()) {
      auto committed = co_await transaction->commit().result();
      if (committed.ok()) {
        co_return Epoch(transaction->versionstamp().bytes);
      }
      done = std::move(committed).error();
    }
    if (done.error().code != Code::kUnknown) {
      co_await transaction->on_error(std::move(done).error());
      continue;
    }
    // Its epoch is not known. A new one replaces it, if it happened. Should it happen later still,
    // it fences this process, which then ends: a start that has to be repeated, and nothing worse.
    if (++undecided == kUndecidedMax) {
      co_return std::move(done).error().with_context("taking the store over");
    }
    co_await async::sleep_for(world.loop, kRetryPause * undecided);
    transaction = database.begin({.retries_max = kAttemptsMax});
  }
}

Ownership::Ownership(World& world, store::Database& database, OwnerRecords records,
                     std::string address)
    : world_(world), database_(database), records_(records), address_(std::move(address)) {}

void Ownership::hold(Epoch epoch, std::function<void()> taken_over) {
  CHECK(!joined() && taken_over != nullptr);
  fence_.emplace(world_, std::move(epoch));
  taken_over_ = std::move(taken_over);
}

Task<void> Ownership::join() {
  if (taken_over_) {
    taken_over_();
    co_return base::failed_precondition(
        "another server has taken over this store; a cluster holds one server at a time");
  }
  for (int attempt = 1;; ++attempt) {
    if (leaving_) {
      co_return base::failed_precondition("a node that leaves does not join again");
    }
    auto transaction = database_.begin();
    auto done = co_await commit_join(*transaction).result();
    if (done.ok()) {
      fence_.emplace(world_, Epoch(transaction->versionstamp().bytes));
      if (on_joined_) {
        on_joined_();
      }
      co_return kOk;
    }
    // A conflict may be false. An undecided join is left to the caller: its epoch is not known. It
    // cannot land after the next one, which writes what it has read.
    if (done.error().code != Code::kAborted || attempt == kAttemptsMax) {
      co_return std::move(done).error().with_context("joining under a new epoch");
    }
    co_await async::sleep_for(world_.loop, kRetryPause * attempt);
  }
}

Task<void> Ownership::commit_join(store::Transaction& transaction) {
  co_await write_join(transaction, world_.self.get(), address_, world_.clock.wall());
  const store::Version version = co_await transaction.commit();
  CHECK(version != store::kNoVersion);
  co_return kOk;
}

const Fence& Ownership::fence() const {
  CHECK(fence_.has_value());
  return *fence_;
}

Task<void> Ownership::start_leaving() {
  leaving_ = true;
  return change_state(NodeState::kLeaving);
}

Task<void> Ownership::leave() {
  CHECK(leaving_);
  return change_state(NodeState::kLeft);
}

Task<void> Ownership::change_state(NodeState to) {
  const Fence fence = this->fence();
  for (int attempt = 1;; ++attempt) {
    auto transaction = database_.begin();
    auto written = co_await write_state(*transaction, fence, to).result();
    Result<void> done = kOk;
    if (!written.ok()) {
      done = std::move(written).error();
    } else if (*written == Written::kBefore) {
      co_return kOk;
    } else {
      auto committed = co_await transaction->commit().result();
      if (committed.ok()) {
        co_return kOk;
      }
      done = std::move(committed).error();
    }
    // An undecided one is looked at again.
    const Code code = done.error().code;
    const bool again = code == Code::kAborted || code == Code::kUnknown;
    if (!again || attempt == kAttemptsMax) {
      co_return std::move(done).error().with_context("leaving the cluster");
    }
    co_await async::sleep_for(world_.loop, kRetryPause * attempt);
  }
}

Task<Ownership::Written> Ownership::write_state(store::Transaction& transaction, Fence fence,
                                                NodeState to) {
  const std::string& self = world_.self.get();
  const auto isolation = store::Isolation::kSerializable;
  std::optional<NodeRecord> record = co_await read_node_record(transaction, self, isolation);
  if (record && record->state == to) {
    // An earlier attempt. Leaving under another's epoch is not possible: a join is none of ours.
    co_return Written::kBefore;
  }
  co_await fence.guard(transaction);
  if (!record) {
    co_return base::data_loss("node " + self + " has an epoch and no record");
  }
  record->state = co_await walk(record->state, {to});
  transaction.set(store::keys::node(self), encode_node_record(*record));
  if (to == NodeState::kLeft) {
    transaction.set_versionstamped_value(store::keys::epoch(self),
                                         Bytes(store::Versionstamp::kBytes, '\0'), 0);
    transaction.clear(store::keys::beat(self));
  }
  co_return Written::kNow;
}

}  // namespace kelpie::cluster
