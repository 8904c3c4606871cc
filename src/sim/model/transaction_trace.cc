#include "sim/model/transaction_trace.h"

#include <iterator>
#include <utility>
#include <vector>

namespace kelpie::sim {

void TransactionTrace::judge(Failure failure) {
  if (!failure_) {
    failure_ = std::move(failure);
  }
}

std::optional<Bytes> TransactionTrace::before(const History& history, store::Version version) {
  const auto at = history.lower_bound(version);
  return at == history.begin() ? std::nullopt : std::prev(at)->second;
}

HeldThen TransactionTrace::held_before(store::Version version) const {
  return {.value =
              [this, version](const Bytes& key) {
                const auto found = keys_.find(key);
                return found == keys_.end() ? std::nullopt : before(found->second, version);
              },
          .rows =
              [this, version](const store::KeyRange& range) {
                std::vector<store::KeyValue> rows;
                for (auto key = keys_.lower_bound(range.begin);
                     key != keys_.end() && key->first < range.end; ++key) {
                  if (auto value = before(key->second, version)) {
                    rows.push_back({key->first, *std::move(value)});
                  }
                }
                return rows;
              }};
}

void TransactionTrace::batch(const store::CommitBatch& batch) {
  ++counters_.batches;
  if (version_ && batch.version <= *version_) {
    judge({"S19", "version " + std::to_string(batch.version.get()) + " was applied after " +
                      std::to_string(version_->get())});
  }
  version_ = batch.version;
  for (const store::Mutation& write : batch.mutations) {
    switch (write.kind) {
      case store::Mutation::Kind::kSet:
        keys_[write.key].insert_or_assign(batch.version, write.value);
        break;
      case store::Mutation::Kind::kClear:
        keys_[write.key].insert_or_assign(batch.version, std::nullopt);
        break;
      case store::Mutation::Kind::kClearRange:
        for (auto key = keys_.lower_bound(write.key);
             key != keys_.end() && key->first < write.value; ++key) {
          key->second.insert_or_assign(batch.version, std::nullopt);
        }
        break;
    }
  }
}

void TransactionTrace::committed(const CommittedTransaction& transaction) {
  const std::string who =
      transaction.name + ", committed at " + std::to_string(transaction.version.get());
  if (!version_ || transaction.version > *version_) {
    judge({"S3", who + ", and no such batch was applied"});
    return;
  }
  counters_.reads += transaction.reads.size() + transaction.ranges.size();
  if (const auto broken = broken_read(transaction, held_before(transaction.version))) {
    judge({"S19", who + ", " + *broken});
  }
}

}  // namespace kelpie::sim
