#include "sim/model/membership_trace.h"

#include <fmt/format.h>

#include <utility>

#include "cluster/owner_record.h"
#include "store/keys.h"

namespace kelpie::sim {

using cluster::NodeState;
using MemberKind = store::keys::MemberPlace::Kind;

void MembershipTrace::fail(std::string_view oracle, std::string message) {
  if (!failure_) {
    failure_ = Failure{std::string(oracle), fmt::format("version {}: {}", version_.get(), message)};
  }
}

NodeState MembershipTrace::state_of(const std::string& node) const {
  const auto found = states_.find(node);
  return found == states_.end() ? NodeState::kLeft : found->second;
}

std::optional<std::string> MembershipTrace::some_owner() const {
  return owners_.empty() ? std::nullopt : std::optional(owners_.begin()->second);
}

void MembershipTrace::batch(const store::CommitBatch& batch) {
  version_ = batch.version;
  for (const store::Mutation& write : batch.mutations) {
    switch (write.kind) {
      case store::Mutation::Kind::kSet:
        set(write.key, write.value);
        break;
      case store::Mutation::Kind::kClear:
        clear_range(write.key, write.key + '\0');
        break;
      case store::Mutation::Kind::kClearRange:
        clear_range(write.key, write.value);
        break;
    }
  }
  // A record and its epoch are written in one commit, in whatever order.
  for (const auto& [node, step] : std::exchange(steps_, {})) {
    judge_step(node, step, epochs_.erase(node) > 0);
  }
  for (const auto& [node, changed] : std::exchange(epochs_, {})) {
    fail("S11", fmt::format("the epoch of node {} changed, and it neither died nor left nor joined",
                            node));
  }
}

void MembershipTrace::set(const Bytes& key, ByteView value) {
  const store::keys::MemberPlace place = store::keys::member_place_of(key);
  if (place.kind == MemberKind::kEpoch) {
    epochs_[place.node] = true;
  } else if (place.kind == MemberKind::kNode) {
    const auto record = cluster::decode_node_record(value);
    if (!record.ok()) {
      fail("store", fmt::format("node {}: {}", place.node, record.error().message));
      return;
    }
    records_[key] = place.node;
    const NodeState from = state_of(place.node);
    states_[place.node] = record->state;
    const auto [step, first] = steps_.try_emplace(place.node, Step{from, record->state});
    if (!first) {
      // Each change reads the record, so two of them are never in one batch.
      fail("S11", fmt::format("node {} changed twice at once: to {} and to {}", place.node,
                              node_state_name(step->second.to), node_state_name(record->state)));
    }
  } else if (store::keys::owners().contains(key)) {
    set_owner(key, value);
  }
}

void MembershipTrace::set_owner(const Bytes& key, ByteView value) {
  ++counters_.claims;
  const auto owner = cluster::decode_owner_record(value);
  if (!owner.ok()) {
    fail("store", "an owner record: " + owner.error().message);
    return;
  }
  owners_[key] = owner->node;
  const NodeState state = state_of(owner->node);
  if (state != NodeState::kActive) {
    fail("S12",
         fmt::format("node {} is {} and claimed an actor", owner->node, node_state_name(state)));
  }
}

void MembershipTrace::clear_range(const Bytes& begin, const Bytes& end) {
  owners_.erase(owners_.lower_bound(begin), owners_.lower_bound(end));
  for (auto next = records_.lower_bound(begin); next != records_.end() && next->first < end;
       next = records_.erase(next)) {
    fail("S11", "the record of node " + next->second + " was removed");
  }
}

void MembershipTrace::judge_step(const std::string& node, const Step& step, bool epoch_changed) {
  const std::string what =
      fmt::format("node {} went from {} to {} under {} epoch", node, node_state_name(step.from),
                  node_state_name(step.to), epoch_changed ? "a new" : "the same");
  if (step.to == NodeState::kActive) {
    // A join: through Joining, and through Failed where an incarnation was there, in one commit.
    ++counters_.joins;
    if (!epoch_changed) {
      fail("S11", what);
    }
    return;
  }
  counters_.deaths += step.to == NodeState::kFailed ? 1 : 0;
  counters_.leaves += step.to == NodeState::kLeaving ? 1 : 0;
  const bool ends = step.to == NodeState::kFailed || step.to == NodeState::kLeft;
  if (!may_follow(step.from, step.to) || ends != epoch_changed) {
    fail("S11", what);
  }
}

}  // namespace kelpie::sim
