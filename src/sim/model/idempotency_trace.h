// IdempotencyTrace: holds what a store applied against exactly once (S6): no commit happens twice,
// and what is written once is not written over. It reads what is stored and asks no code.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "sim/model/effect_ledger.h"
#include "sim/simulation.h"
#include "store/backend.h"
#include "store/types.h"

namespace kelpie::sim {

// One store, from when it was empty. Not thread safe.
class IdempotencyTrace {
 public:
  struct Options {
    // Heads besides those of actors, whose value is the nonce and nothing else (run_exactly_once).
    std::vector<Bytes> heads;
    // Keys that the first writer has for good, until they are cleared: records of requests.
    std::vector<store::KeyRange> records;
  };
  explicit IdempotencyTrace(Options options) : options_(std::move(options)) {}

  // Each batch that the store has for good, in commit order: one that a crash may still lose comes
  // when it is known to have been kept.
  void batch(const store::CommitBatch& batch);
  // A client was answered so: what the record of its request has to say, by then and for ever.
  void answered(const Bytes& record, const Bytes& reply);

  [[nodiscard]] const std::optional<Failure>& failure() const { return failure_; }

  // How much there was to judge: a check of nothing proves nothing.
  struct Counters {
    size_t commits = 0;  // with a nonce
    size_t records = 0;
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  void set(const Bytes& key, const Bytes& value);
  void judge(std::optional<Failure> failure);

  Options options_;
  EffectLedger commits_;  // by nonce
  EffectLedger records_;
  store::Version version_{0};
  Counters counters_;
  std::optional<Failure> failure_;
};

}  // namespace kelpie::sim
