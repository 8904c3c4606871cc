// OwnershipTrace: holds what a store applied against the rules of ownership (SingleActivation,
// fencing), batch by batch. It reads what is stored and asks no code how it came there.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "sim/model/ownership_ledger.h"
#include "sim/model/stored_keys.h"
#include "sim/simulation.h"
#include "store/backend.h"

namespace kelpie::sim {

// One store, from when it was empty. Not thread safe.
class OwnershipTrace {
 public:
  explicit OwnershipTrace(cluster::OwnerRecords records) : ledger_(records) {}

  // Each batch that the store has for good, in commit order: one that a crash may still lose comes
  // when it is known to have been kept.
  void batch(const store::CommitBatch& batch);

  // The first write that broke S1 or S2, or what is stored in a form that nobody writes (`store`).
  [[nodiscard]] const std::optional<Failure>& failure() const { return failure_; }

  // How much there was to judge: a check of nothing proves nothing.
  struct Counters {
    size_t epochs = 0;  // written
    size_t claims = 0;  // owner records written
    size_t turns = 0;   // heads written
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  void set(const Bytes& key, ByteView value);
  void set_epoch(const std::string& name, ByteView value);
  void set_owner(const std::string& name, ByteView value);
  void set_head(const std::string& name, ByteView value);
  std::optional<Stamp> own_stamp(ByteView bytes, const std::string& what);
  void clear(const Bytes& key);
  void clear_range(const Bytes& begin, const Bytes& end);
  void judge(std::optional<Failure> failure);
  OwnershipLedger::NodeIndex node(const std::string& name);
  OwnershipLedger::ActorIndex actor(const std::string& name);

  OwnershipLedger ledger_;
  std::map<std::string, OwnershipLedger::NodeIndex> nodes_;
  std::map<std::string, OwnershipLedger::ActorIndex> actors_;
  std::map<std::string, Bytes> heads_;    // the newest of each actor, as stored
  std::map<Bytes, StoredPlace> present_;  // keys of epochs, owners and heads that are there
  store::Version version_{0};             // of the batch under way
  Counters counters_;
  std::optional<Failure> failure_;
};

}  // namespace kelpie::sim
