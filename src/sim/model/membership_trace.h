// MembershipTrace: holds what a store applied against the rules of membership, batch by batch: node
// states move by their table only (S11), an epoch changes exactly on death, leave and join (S11),
// and only Active nodes claim actors (S12). It reads what is stored and asks no code how it came
// there.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "cluster/node_record.h"
#include "sim/simulation.h"
#include "store/backend.h"

namespace kelpie::sim {

// One store, from when it was empty. Not thread safe.
class MembershipTrace {
 public:
  // Each batch that the store has for good, in commit order.
  void batch(const store::CommitBatch& batch);

  // The first write that broke S11 or S12, or what is stored in a form that nobody writes
  // (`store`).
  [[nodiscard]] const std::optional<Failure>& failure() const { return failure_; }

  // How much there was to judge: a check of nothing proves nothing.
  struct Counters {
    size_t joins = 0;
    size_t deaths = 0;
    size_t leaves = 0;  // begun
    size_t claims = 0;
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }

  // The node of some actor's owner record, if there is one.
  [[nodiscard]] std::optional<std::string> some_owner() const;
  // The state as stored; kLeft: it never joined.
  [[nodiscard]] cluster::NodeState state_of(const std::string& node) const;

 private:
  struct Step {
    cluster::NodeState from;
    cluster::NodeState to;
  };

  void set(const Bytes& key, ByteView value);
  void set_owner(const Bytes& key, ByteView value);
  void clear_range(const Bytes& begin, const Bytes& end);
  void judge_step(const std::string& node, const Step& step, bool epoch_changed);
  void fail(std::string_view oracle, std::string message);

  std::map<std::string, cluster::NodeState> states_;
  std::map<Bytes, std::string> records_;  // node by the key of its record
  std::map<Bytes, std::string> owners_;   // node by the key of an actor's record
  // Of the batch under way.
  std::map<std::string, Step> steps_;
  std::map<std::string, bool> epochs_;
  store::Version version_{0};
  Counters counters_;
  std::optional<Failure> failure_;
};

}  // namespace kelpie::sim
