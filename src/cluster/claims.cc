// Ownership's claims and releases.
#include <utility>

#include "async/sleep.h"
#include "cluster/membership.h"
#include "cluster/ownership.h"
#include "world/clock.h"
#include "world/faults.h"

namespace kelpie::cluster {
namespace {

constexpr int kAttemptsMax = 10;
constexpr Duration kRetryPause = Duration::millis(1);

// For the planted bugs below.
constexpr Duration kLeaseOfMutants = base::kHeartbeatPeriod * base::kFailAfterMissedBeats * 2;
constexpr int64_t kVersionsASecond = 1'000'000;

bool may_be_repeated(Code code) { return code == Code::kAborted || code == Code::kUnknown; }

}  // namespace

// Only Active nodes activate (S12). With a conflict, so that a claim does not land after the node
// has begun to leave.
Task<void> Ownership::guard_active(store::Transaction& transaction, Fence fence) {
  co_await fence.guard(transaction);
  const std::optional<NodeRecord> record =
      co_await read_node_record(transaction, world_.self.get(), store::Isolation::kSerializable);
  if (!record || record->state != NodeState::kActive) {
    const std::string_view state = record ? node_state_name(record->state) : "unknown";
    co_return base::unavailable("node " + world_.self.get() + " is " + std::string(state) +
                                " and takes no actors");
  }
  co_return kOk;
}

Task<OwnerPlace> Ownership::place_of(store::Transaction& transaction, std::string owner) {
  OwnerPlace place{.node = std::move(owner), .address = {}};
  const std::optional<NodeRecord> record =
      co_await read_node_record(transaction, place.node, store::Isolation::kSnapshot);
  if (record) {
    place.address = record->address;
  }
  co_return std::move(place);
}

// What a claim must not do: to judge a life, instead of whether its epoch stands.
Task<bool> Ownership::taken_for_dead(store::Transaction& transaction, std::string node) {
  const bool by_wall_clock = world_.faults.mutant("M3");
  const bool by_version = world_.faults.mutant("M21");
  if (!by_wall_clock && !by_version) {
    co_return false;
  }
  const std::optional<Bytes> value =
      co_await transaction.get(store::keys::beat(node), store::Isolation::kSnapshot);
  if (!value) {
    co_return false;
  }
  const Beat beat = co_await decode_beat(*value);
  if (by_wall_clock) {
    co_return world_.clock.wall() > beat.sent + kLeaseOfMutants;
  }
  const store::Version version = co_await transaction.read_version();
  co_return version.get() > beat.counter + kLeaseOfMutants.seconds() * kVersionsASecond;
}

Task<Generation> Ownership::claim(store::Transaction& transaction, Fence fence, Bytes key) {
  co_await guard_active(transaction, fence);
  // Without a conflict on what it decides by, two claims would both succeed.
  const store::Isolation isolation =
      world_.faults.mutant("M6") ? store::Isolation::kSnapshot : store::Isolation::kSerializable;
  std::optional<OwnerRecord> record = co_await read_owner(transaction, key, isolation);
  std::optional<Epoch> owner_epoch;
  if (record.has_value()) {
    owner_epoch = co_await read_epoch(transaction, record->node, isolation);
  }
  ClaimDecision decision = decide_claim(record, owner_epoch, fence);
  if (decision == ClaimDecision::kOwnedElsewhere &&
      co_await taken_for_dead(transaction, record->node)) {
    decision = ClaimDecision::kTake;
  }
  switch (decision) {
    case ClaimDecision::kAlreadyOurs:
      world_.faults.reached("cluster.claim.already_ours");
      // An earlier release whose outcome is not known must not land after this.
      transaction.add_write_conflict(store::KeyRange::single(key));
      co_return record->generation;
    case ClaimDecision::kOwnedElsewhere:
      world_.faults.reached("cluster.claim.owned_elsewhere");
      co_return owned_elsewhere(co_await place_of(transaction, record->node));
    case ClaimDecision::kTake:
      world_.faults.sometimes("cluster.claim.from_the_dead", record.has_value());
      transaction.set_versionstamped_value(std::move(key), encode_owner_record(fence),
                                           kGenerationOffset);
      co_return Generation(Bytes());
  }
  co_return base::internal("a claim had no decision");
}

Task<Generation> Ownership::acquire(store::keys::ActorName actor) {
  const Fence fence = this->fence();
  if (records_ == OwnerRecords::kNone) {
    co_return Generation(fence.epoch().get());
  }
  const Bytes key = store::keys::owner(actor);
  for (int attempt = 1;; ++attempt) {
    auto transaction = database_.begin();
    Generation held = co_await claim(*transaction, fence, key);
    auto committed = co_await transaction->commit().result();
    if (committed.ok()) {
      // An empty generation is the one that this commit has just made.
      co_return held.get().empty() ? Generation(transaction->versionstamp().bytes) : held;
    }
    // An undecided claim is read again: if it landed, the record is ours already.
    const Code code = committed.error().code;
    world_.faults.sometimes("cluster.claim.undecided", code == Code::kUnknown);
    if (!may_be_repeated(code) || attempt == kAttemptsMax) {
      co_return std::move(committed).error().with_context("claiming an actor");
    }
    co_await async::sleep_for(world_.loop, kRetryPause * attempt);
  }
}

Task<void> Ownership::release(store::keys::ActorName actor) {
  std::vector<Bytes> keys;
  if (records_ == OwnerRecords::kPerActor) {
    keys.push_back(store::keys::owner(actor));
  }
  return release_keys(std::move(keys));
}

Task<void> Ownership::release_all(std::vector<store::keys::ActorName> actors) {
  if (records_ == OwnerRecords::kNone) {
    co_return kOk;
  }
  for (size_t first = 0; first < actors.size(); first += kReleasedAtOnce) {
    std::vector<Bytes> keys;
    for (size_t i = first; i < actors.size() && keys.size() < kReleasedAtOnce; ++i) {
      keys.push_back(store::keys::owner(actors[i]));
    }
    co_await release_keys(std::move(keys));
  }
  co_return kOk;
}

// Whether it wrote anything: not where another has the actors by now, or nobody.
Task<bool> Ownership::write_release(store::Transaction& transaction, Fence fence,
                                    std::vector<Bytes> keys) {
  co_await fence.guard(transaction);
  bool wrote = false;
  for (Bytes& key : keys) {
    std::optional<OwnerRecord> record =
        co_await read_owner(transaction, key, store::Isolation::kSerializable);
    if (record.has_value() && record->epoch == fence.epoch()) {
      transaction.clear(std::move(key));
      wrote = true;
    }
  }
  co_return wrote;
}

Task<void> Ownership::release_keys(std::vector<Bytes> keys) {
  if (keys.empty()) {
    co_return kOk;
  }
  const Fence fence = this->fence();
  for (int attempt = 1;; ++attempt) {
    auto transaction = database_.begin();
    if (!co_await write_release(*transaction, fence, keys)) {
      co_return kOk;
    }
    auto committed = co_await transaction->commit().result();
    if (committed.ok()) {
      co_return kOk;
    }
    // A conflict may be false; a record that stays for ever would outlive its actor.
    if (committed.error().code != Code::kAborted || attempt == kAttemptsMax) {
      co_return std::move(committed).error().with_context("giving an actor away");
    }
    co_await async::sleep_for(world_.loop, kRetryPause * attempt);
  }
}

}  // namespace kelpie::cluster
