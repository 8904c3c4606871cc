// OwnershipLedger: who owns an actor, by what the store holds: epochs, owner records, heads. Each
// write is judged as it is applied, in commit order. The model of ownership and the check of a
// store's batches are both built on it, so that they cannot differ.
//
// SingleActivation (S1): a committed head carries the generation, and through it the epoch, that
// owns the actor just then. Fencing (S2): epochs and generations only grow.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "cluster/ownership.h"
#include "sim/simulation.h"

namespace kelpie::sim {

// A versionstamp, as numbers. The default one is none: no commit has it.
struct Stamp {
  int64_t version = 0;
  uint16_t order = 0;  // in the batch
  auto operator<=>(const Stamp&) const = default;

  [[nodiscard]] bool none() const { return *this == Stamp(); }
  // `version.order`.
  [[nodiscard]] std::string to_string() const;
  // `data_loss` unless it has exactly a versionstamp's bytes.
  static Result<Stamp> decode(ByteView bytes);
};

// Names are for messages; comparisons are by index.
class OwnershipLedger {
 public:
  using NodeIndex = size_t;
  using ActorIndex = size_t;
  struct Owner {
    NodeIndex node = 0;
    Stamp epoch;
    Stamp generation;
    bool operator==(const Owner&) const = default;
  };
  struct Actor {
    std::string name;
    std::optional<Owner> owner;
    Stamp generation_max;  // of all claims and heads there ever were
    int64_t turn = 0;      // of the head; 0: there is none
  };
  struct Node {
    std::string name;
    Stamp epoch;      // none: absent
    Stamp epoch_max;  // of all there ever were
  };

  explicit OwnershipLedger(cluster::OwnerRecords records) : records_(records) {}

  NodeIndex add_node(std::string name);
  ActorIndex add_actor(std::string name);
  [[nodiscard]] const std::vector<Node>& nodes() const { return nodes_; }
  [[nodiscard]] const std::vector<Actor>& actors() const { return actors_; }
  [[nodiscard]] bool stands(const Owner& owner) const {
    return nodes_[owner.node].epoch == owner.epoch;
  }

  // Each applies what the store now holds, and says what promise it breaks.
  std::optional<Failure> set_epoch(NodeIndex node, Stamp epoch);
  void clear_epoch(NodeIndex node) { nodes_[node].epoch = Stamp(); }
  std::optional<Failure> set_owner(ActorIndex actor, Owner owner);
  void clear_owner(ActorIndex actor) { actors_[actor].owner.reset(); }
  std::optional<Failure> set_head(ActorIndex actor, Stamp generation, int64_t turn);
  // The actor was destroyed. Its turns count from one again; its generations grow on.
  void clear_head(ActorIndex actor) { actors_[actor].turn = 0; }

 private:
  [[nodiscard]] std::optional<std::string> why_not_owner(const Actor& actor,
                                                         Stamp generation) const;

  cluster::OwnerRecords records_;
  std::vector<Node> nodes_;
  std::vector<Actor> actors_;
};

}  // namespace kelpie::sim
