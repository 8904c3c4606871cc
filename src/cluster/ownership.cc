#include "cluster/ownership.h"

#include <memory>
#include <utility>
#include <vector>

#include "async/sleep.h"
#include "codec/tuple.h"
#include "store/range_stream.h"
#include "world/faults.h"

namespace kelpie::cluster {
namespace {

// ("1", node, epoch, generation): the first element is the record's format.
constexpr int64_t kOwnerFormat = 1;
// Where the claim's versionstamp goes: the record is stored as ten bytes of generation, then the
// tuple.
constexpr size_t kGenerationOffset = 0;

constexpr int kAttemptsMax = 10;
constexpr Duration kRetryPause = Duration::millis(1);

Bytes encode_owner(const Fence& fence) {
  Bytes value(store::Versionstamp::kBytes, '\0');
  value += std::move(codec::TuplePacker()
                         .integer(kOwnerFormat)
                         .string(fence.node().get())
                         .bytes(fence.epoch().get()))
               .take();
  return value;
}

Task<std::optional<OwnerRecord>> read_owner(
    store::Transaction& transaction, Bytes key,
    store::Isolation isolation = store::Isolation::kSerializable) {
  std::optional<Bytes> value = co_await transaction.get(std::move(key), isolation);
  if (!value.has_value()) {
    co_return std::optional<OwnerRecord>();
  }
  co_return std::optional<OwnerRecord>(co_await decode_owner_record(*value));
}

Task<std::optional<Epoch>> read_epoch(
    store::Transaction& transaction, std::string node,
    store::Isolation isolation = store::Isolation::kSerializable) {
  std::optional<Bytes> value = co_await transaction.get(store::keys::epoch(node), isolation);
  if (!value.has_value()) {
    co_return std::optional<Epoch>();
  }
  co_return std::optional<Epoch>(Epoch(std::move(*value)));
}

Task<void> write_join(store::Transaction& transaction, std::string node) {
  transaction.set(store::keys::node(node), R"({"format":1,"state":"active"})");
  transaction.set_versionstamped_value(store::keys::epoch(node),
                                       Bytes(store::Versionstamp::kBytes, '\0'), 0);
  co_return kOk;
}

// In one transaction, so that nobody joins in between.
Task<void> write_take_over(store::Transaction& transaction, std::vector<std::string> names) {
  store::RangeStream nodes(transaction, {.range = store::keys::epochs()});
  while (std::optional<store::KeyValue> epoch = co_await nodes.next()) {
    transaction.set_versionstamped_value(std::move(epoch->key),
                                         Bytes(store::Versionstamp::kBytes, '\0'), 0);
  }
  for (std::string& name : names) {
    co_await write_join(transaction, std::move(name));
  }
  co_return kOk;
}

}  // namespace

Result<OwnerRecord> decode_owner_record(ByteView value) {
  if (value.size() < store::Versionstamp::kBytes) {
    return base::data_loss("an owner record is shorter than its generation");
  }
  const ByteView stamp = value.substr(0, store::Versionstamp::kBytes);
  auto elements = TRY(codec::unpack_tuple(value.substr(store::Versionstamp::kBytes)));
  if (elements.size() != 3 || !elements[0].is_integer() || elements[0].number != kOwnerFormat) {
    return base::data_loss("an owner record has an unknown format");
  }
  return OwnerRecord{elements[1].bytes, Epoch(elements[2].bytes), Generation(Bytes(stamp))};
}

Task<Epoch> take_over(World& world, store::Database& database, std::vector<std::string> names) {
  constexpr int kUndecidedMax = 10;
  std::unique_ptr<store::Transaction> transaction = database.begin({.retries_max = kAttemptsMax});
  for (int undecided = 0;;) {
    auto done = co_await write_take_over(*transaction, names).result();
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

ClaimDecision decide_claim(const std::optional<OwnerRecord>& record,
                           const std::optional<Epoch>& owner_epoch, const Fence& self) {
  if (!record.has_value()) {
    return ClaimDecision::kTake;
  }
  // A record under an epoch that is gone or replaced belongs to a node that was declared dead.
  const bool owner_lives = owner_epoch.has_value() && *owner_epoch == record->epoch;
  if (!owner_lives) {
    return ClaimDecision::kTake;
  }
  return record->node == self.node().get() ? ClaimDecision::kAlreadyOurs
                                           : ClaimDecision::kOwnedElsewhere;
}

Ownership::Ownership(World& world, store::Database& database, OwnerRecords records)
    : world_(world), database_(database), records_(records) {}

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
    auto transaction = database_.begin();
    co_await write_join(*transaction, world_.self.get());
    auto committed = co_await transaction->commit().result();
    if (committed.ok()) {
      CHECK(*committed != store::kNoVersion);
      fence_.emplace(world_, Epoch(transaction->versionstamp().bytes));
      co_return kOk;
    }
    // A conflict may be false. An undecided join is left to the caller: its epoch is not known.
    if (committed.error().code != Code::kAborted || attempt == kAttemptsMax) {
      co_return std::move(committed).error().with_context("joining under a new epoch");
    }
    co_await async::sleep_for(world_.loop, kRetryPause * attempt);
  }
}

const Fence& Ownership::fence() const {
  CHECK(fence_.has_value());
  return *fence_;
}

Task<Generation> Ownership::claim(store::Transaction& transaction, Fence fence, Bytes key) {
  co_await fence.guard(transaction);
  // Without a conflict on what it decides by, two claims would both succeed.
  const store::Isolation isolation =
      world_.faults.mutant("M6") ? store::Isolation::kSnapshot : store::Isolation::kSerializable;
  std::optional<OwnerRecord> record = co_await read_owner(transaction, key, isolation);
  std::optional<Epoch> owner_epoch;
  if (record.has_value()) {
    owner_epoch = co_await read_epoch(transaction, record->node, isolation);
  }
  switch (decide_claim(record, owner_epoch, fence)) {
    case ClaimDecision::kAlreadyOurs:
      world_.faults.reached("cluster.claim.already_ours");
      // An earlier release whose outcome is not known must not land after this.
      transaction.add_write_conflict(store::KeyRange::single(key));
      co_return record->generation;
    case ClaimDecision::kOwnedElsewhere:
      world_.faults.reached("cluster.claim.owned_elsewhere");
      co_return base::failed_precondition("the actor is owned by node " + record->node);
    case ClaimDecision::kTake:
      world_.faults.sometimes("cluster.claim.from_the_dead", record.has_value());
      transaction.set_versionstamped_value(std::move(key), encode_owner(fence), kGenerationOffset);
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
    const bool again = code == Code::kAborted || code == Code::kUnknown;
    world_.faults.sometimes("cluster.claim.undecided", code == Code::kUnknown);
    if (!again || attempt == kAttemptsMax) {
      co_return std::move(committed).error().with_context("claiming an actor");
    }
    co_await async::sleep_for(world_.loop, kRetryPause * attempt);
  }
}

Task<void> Ownership::release(store::keys::ActorName actor) {
  if (records_ == OwnerRecords::kNone) {
    co_return kOk;
  }
  const Fence fence = this->fence();
  const Bytes key = store::keys::owner(actor);
  for (int attempt = 1;; ++attempt) {
    auto transaction = database_.begin();
    co_await fence.guard(*transaction);
    std::optional<OwnerRecord> record = co_await read_owner(*transaction, key);
    if (!record.has_value() || record->epoch != fence.epoch()) {
      co_return kOk;
    }
    transaction->clear(key);
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

Task<std::optional<OwnerRecord>> Ownership::placement(store::keys::ActorName actor) {
  auto transaction = database_.begin();
  std::optional<OwnerRecord> record = co_await read_owner(*transaction, store::keys::owner(actor));
  if (record.has_value()) {
    std::optional<Epoch> epoch = co_await read_epoch(*transaction, record->node);
    if (!epoch.has_value() || *epoch != record->epoch) {
      record.reset();
    }
  }
  co_return std::move(record);
}

}  // namespace kelpie::cluster
