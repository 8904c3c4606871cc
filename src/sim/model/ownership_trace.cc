#include "sim/model/ownership_trace.h"

#include <utility>

#include "actor/head.h"
#include "cluster/ownership.h"

namespace kelpie::sim {

OwnershipLedger::NodeIndex OwnershipTrace::node(const std::string& name) {
  const auto [found, fresh] = nodes_.try_emplace(name, ledger_.nodes().size());
  if (fresh) {
    ledger_.add_node(name);
  }
  return found->second;
}

OwnershipLedger::ActorIndex OwnershipTrace::actor(const std::string& name) {
  const auto [found, fresh] = actors_.try_emplace(name, ledger_.actors().size());
  if (fresh) {
    ledger_.add_actor(name);
  }
  return found->second;
}

void OwnershipTrace::judge(std::optional<Failure> failure) {
  if (failure && !failure_) {
    failure_ = Failure{failure->oracle,
                       "version " + std::to_string(version_.get()) + ": " + failure->message};
  }
}

void OwnershipTrace::batch(const store::CommitBatch& batch) {
  version_ = batch.version;
  for (const store::Mutation& write : batch.mutations) {
    switch (write.kind) {
      case store::Mutation::Kind::kSet:
        set(write.key, write.value);
        break;
      case store::Mutation::Kind::kClear:
        clear(write.key);
        break;
      case store::Mutation::Kind::kClearRange:
        clear_range(write.key, write.value);
        break;
    }
  }
}

void OwnershipTrace::set(const Bytes& key, ByteView value) {
  StoredPlace place = stored_place_of(key);
  switch (place.kind) {
    case StoredPlace::Kind::kOther:
      return;
    case StoredPlace::Kind::kEpoch:
      set_epoch(place.name, value);
      break;
    case StoredPlace::Kind::kOwner:
      set_owner(place.name, value);
      break;
    case StoredPlace::Kind::kHead:
      set_head(place.name, value);
      break;
  }
  present_.insert_or_assign(key, std::move(place));
}

// Of a value that says when it was written: the stamp, if it is this batch's.
std::optional<Stamp> OwnershipTrace::own_stamp(ByteView bytes, const std::string& what) {
  const auto stamp = Stamp::decode(bytes);
  if (!stamp.ok()) {
    judge(Failure{"store", what + ": " + stamp.error().message});
    return std::nullopt;
  }
  if (stamp->version != version_.get()) {
    judge(Failure{"S2", what + " is " + stamp->to_string() + ", the stamp of another commit"});
  }
  return *stamp;
}

void OwnershipTrace::set_epoch(const std::string& name, ByteView value) {
  ++counters_.epochs;
  if (const auto stamp = own_stamp(value, "the epoch of node " + name)) {
    judge(ledger_.set_epoch(node(name), *stamp));
  }
}

void OwnershipTrace::set_owner(const std::string& name, ByteView value) {
  ++counters_.claims;
  const auto record = cluster::decode_owner_record(value);
  if (!record.ok()) {
    judge(Failure{"store", "the owner of " + name + ": " + record.error().message});
    return;
  }
  const auto epoch = Stamp::decode(record->epoch.get());
  if (!epoch.ok()) {
    judge(Failure{"store", "the epoch of the owner of " + name + ": " + epoch.error().message});
    return;
  }
  if (const auto generation = own_stamp(record->generation.get(), "the generation of " + name)) {
    judge(ledger_.set_owner(actor(name), {node(record->node), *epoch, *generation}));
  }
}

void OwnershipTrace::set_head(const std::string& name, ByteView value) {
  ++counters_.turns;
  const auto head = actor::Head::decode(value);
  if (!head.ok()) {
    judge(Failure{"store", "the head of " + name + ": " + head.error().message});
    return;
  }
  const auto generation = Stamp::decode(head->generation.get());
  if (!generation.ok()) {
    judge(Failure{"store", "the head of " + name + ": " + generation.error().message});
    return;
  }
  // The same head once more is nobody else's turn: that a commit happened once is judged elsewhere.
  if (std::exchange(heads_[name], Bytes(value)) == value) {
    return;
  }
  judge(ledger_.set_head(actor(name), *generation, head->turn));
}

void OwnershipTrace::clear(const Bytes& key) {
  const auto found = present_.find(key);
  if (found == present_.end()) {
    return;
  }
  const StoredPlace place = std::move(found->second);
  present_.erase(found);
  switch (place.kind) {
    case StoredPlace::Kind::kOther:
      break;
    case StoredPlace::Kind::kEpoch:
      ledger_.clear_epoch(node(place.name));
      break;
    case StoredPlace::Kind::kOwner:
      ledger_.clear_owner(actor(place.name));
      break;
    case StoredPlace::Kind::kHead:
      ledger_.clear_head(actor(place.name));
      break;
  }
}

void OwnershipTrace::clear_range(const Bytes& begin, const Bytes& end) {
  for (auto next = present_.lower_bound(begin); next != present_.end() && next->first < end;) {
    const Bytes key = next->first;
    ++next;
    clear(key);
  }
}

}  // namespace kelpie::sim
