#include "sim/model/ownership_ledger.h"

#include <algorithm>
#include <utility>

#include "store/types.h"

namespace kelpie::sim {

std::string Stamp::to_string() const {
  return std::to_string(version) + "." + std::to_string(order);
}

Result<Stamp> Stamp::decode(ByteView bytes) {
  if (bytes.size() != store::Versionstamp::kBytes) {
    return base::data_loss("expected the " + std::to_string(store::Versionstamp::kBytes) +
                           " bytes of a versionstamp, got " + base::to_hex(bytes));
  }
  const auto low = static_cast<unsigned char>(bytes[store::Versionstamp::kBytes - 1]);
  const auto high = static_cast<unsigned char>(bytes[store::Versionstamp::kBytes - 2]);
  return Stamp{store::Versionstamp{Bytes(bytes)}.version().get(),
               static_cast<uint16_t>((high << 8U) | low)};
}

OwnershipLedger::NodeIndex OwnershipLedger::add_node(std::string name) {
  nodes_.push_back({.name = std::move(name), .epoch = {}, .epoch_max = {}});
  return nodes_.size() - 1;
}

OwnershipLedger::ActorIndex OwnershipLedger::add_actor(std::string name) {
  actors_.push_back({.name = std::move(name), .owner = {}, .generation_max = {}, .turn = 0});
  return actors_.size() - 1;
}

std::optional<Failure> OwnershipLedger::set_epoch(NodeIndex index, Stamp epoch) {
  Node& node = nodes_[index];
  std::optional<Failure> broken;
  if (epoch <= node.epoch_max) {
    broken = Failure{"S2", "node " + node.name + " got epoch " + epoch.to_string() + " after " +
                               node.epoch_max.to_string()};
  }
  node.epoch = epoch;
  node.epoch_max = std::max(node.epoch_max, epoch);
  return broken;
}

std::optional<Failure> OwnershipLedger::set_owner(ActorIndex index, Owner owner) {
  Actor& actor = actors_[index];
  const std::string claim = "node " + nodes_[owner.node].name + " claimed " + actor.name +
                            " under generation " + owner.generation.to_string();
  std::optional<Failure> broken;
  if (owner.generation <= actor.generation_max) {
    broken = Failure{"S2", claim + " after " + actor.generation_max.to_string()};
  } else if (!stands(owner)) {
    broken = Failure{"S1", claim + " and its epoch " + owner.epoch.to_string() +
                               ", which no longer stands: the epoch is " +
                               nodes_[owner.node].epoch.to_string()};
  } else if (actor.owner && stands(*actor.owner)) {
    broken = Failure{"S1", claim + " while the epoch of its owner, node " +
                               nodes_[actor.owner->node].name + ", stands"};
  }
  actor.generation_max = std::max(actor.generation_max, owner.generation);
  actor.owner = owner;
  return broken;
}

std::optional<std::string> OwnershipLedger::why_not_owner(const Actor& actor,
                                                          Stamp generation) const {
  if (records_ == cluster::OwnerRecords::kNone) {
    const bool present = std::ranges::any_of(
        nodes_, [&](const Node& node) { return !node.epoch.none() && node.epoch == generation; });
    if (present) {
      return std::nullopt;
    }
    return "which is the present epoch of no node";
  }
  if (!actor.owner) {
    return "and nobody owns it";
  }
  if (actor.owner->generation != generation) {
    return "and node " + nodes_[actor.owner->node].name + " owns it under generation " +
           actor.owner->generation.to_string();
  }
  if (!stands(*actor.owner)) {
    return "and the epoch of its owner, node " + nodes_[actor.owner->node].name +
           ", has been replaced";
  }
  return std::nullopt;
}

std::optional<Failure> OwnershipLedger::set_head(ActorIndex index, Stamp generation, int64_t turn) {
  Actor& actor = actors_[index];
  const std::string write = "turn " + std::to_string(turn) + " of " + actor.name +
                            " committed under generation " + generation.to_string();
  std::optional<Failure> broken;
  if (generation < actor.generation_max) {
    broken = Failure{"S2", write + " after " + actor.generation_max.to_string()};
  }
  if (auto why = why_not_owner(actor, generation)) {
    broken = Failure{"S1", write + ", " + *why};
  } else if (!broken && turn != actor.turn + 1) {
    broken = Failure{"S1", write + " after turn " + std::to_string(actor.turn) +
                               ": its writer did not have the newest state"};
  }
  actor.generation_max = std::max(actor.generation_max, generation);
  actor.turn = turn;
  return broken;
}

}  // namespace kelpie::sim
