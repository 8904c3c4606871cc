// TransactionTrace: holds what a store applied, and what its clients read, against serializability
// (S19).
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "sim/model/transaction_ledger.h"
#include "sim/simulation.h"
#include "store/backend.h"

namespace kelpie::sim {

// One store, from when it was empty. Keeps every value that it ever had. Not thread safe.
class TransactionTrace {
 public:
  // Each batch that the store has for good, in commit order: versions grow.
  void batch(const store::CommitBatch& batch);
  // A transaction that was told its version, after the batch of it: what it read still held before
  // its batch. (Where in the batch it stands a batch does not say: `order` and `writes` are not
  // looked at.)
  void committed(const CommittedTransaction& transaction);

  [[nodiscard]] const std::optional<Failure>& failure() const { return failure_; }

  // How much there was to judge: a check of nothing proves nothing.
  struct Counters {
    size_t batches = 0;
    size_t reads = 0;  // of keys and of ranges
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  using History = std::map<store::Version, std::optional<Bytes>>;
  // What the key had before anything of the version.
  [[nodiscard]] static std::optional<Bytes> before(const History& history, store::Version version);
  [[nodiscard]] HeldThen held_before(store::Version version) const;
  void judge(Failure failure);

  std::map<Bytes, History> keys_;
  std::optional<store::Version> version_;
  Counters counters_;
  std::optional<Failure> failure_;
};

}  // namespace kelpie::sim
