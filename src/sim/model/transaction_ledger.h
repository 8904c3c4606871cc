// TransactionLedger: replays committed transactions one after the other, in the order of their
// versions and, within a batch, of their places in it. Each must find there what it read. The model
// of transactions is built on it; the rule for what was read also judges a store's commits.
//
// Serializability (S19): committed transactions are as if each had run alone, in that order; so
// phantoms and write skew are found as what they are, a read that does not hold.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "sim/simulation.h"
#include "store/types.h"

namespace kelpie::sim {

// What one committed transaction saw of others and did. Its own earlier writes are no reads.
struct CommittedTransaction {
  std::string name;  // for messages
  store::Version version;
  uint16_t order = 0;  // in the batch
  // Serializable reads only: what a snapshot read saw need not hold.
  std::vector<std::pair<Bytes, std::optional<Bytes>>> reads;
  struct ReadRange {
    store::KeyRange range;
    std::vector<store::KeyValue> rows;  // all there were
  };
  std::vector<ReadRange> ranges;
  std::vector<std::pair<Bytes, std::optional<Bytes>>> writes;  // nullopt: cleared
};

// What a store held at one moment.
struct HeldThen {
  std::function<std::optional<Bytes>(const Bytes& key)> value;
  std::function<std::vector<store::KeyValue>(const store::KeyRange& range)> rows;
};
// The rule: what the transaction read is what there was just before its commit. Says what is not.
std::optional<std::string> broken_read(const CommittedTransaction& transaction,
                                       const HeldThen& held);

class TransactionLedger {
 public:
  // Says what promise it breaks: a read that does not hold, or an order that does not grow.
  std::optional<Failure> commit(const CommittedTransaction& transaction);

  [[nodiscard]] const std::map<Bytes, Bytes>& contents() const { return contents_; }

 private:
  [[nodiscard]] HeldThen held_now() const;

  std::map<Bytes, Bytes> contents_;
  std::optional<std::pair<store::Version, uint16_t>> last_;
};

}  // namespace kelpie::sim
