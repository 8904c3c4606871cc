#include "sim/model/transaction_ledger.h"

#include "sim/check/history.h"

namespace kelpie::sim {
namespace {

std::string shown(const std::vector<store::KeyValue>& rows) {
  std::string text = "[";
  for (const store::KeyValue& row : rows) {
    text += (text.size() > 1 ? ", " : "") + show_bytes(row.key) + "=" + show_bytes(row.value);
  }
  return text + "]";
}

}  // namespace

std::optional<std::string> broken_read(const CommittedTransaction& transaction,
                                       const HeldThen& held) {
  for (const auto& [key, seen] : transaction.reads) {
    const std::optional<Bytes> now = held.value(key);
    if (now != seen) {
      return "read " + show_bytes(key) + " as " + show_value(seen) + ", which is " +
             show_value(now) + " by its commit";
    }
  }
  for (const CommittedTransaction::ReadRange& read : transaction.ranges) {
    const std::vector<store::KeyValue> now = held.rows(read.range);
    if (now != read.rows) {
      return "read the range from " + show_bytes(read.range.begin) + " to " +
             show_bytes(read.range.end) + " as " + shown(read.rows) + ", which is " + shown(now) +
             " by its commit";
    }
  }
  return std::nullopt;
}

HeldThen TransactionLedger::held_now() const {
  return {.value =
              [this](const Bytes& key) {
                const auto found = contents_.find(key);
                return found == contents_.end() ? std::nullopt : std::optional(found->second);
              },
          .rows =
              [this](const store::KeyRange& range) {
                std::vector<store::KeyValue> rows;
                for (auto row = contents_.lower_bound(range.begin);
                     row != contents_.end() && row->first < range.end; ++row) {
                  rows.push_back({row->first, row->second});
                }
                return rows;
              }};
}

std::optional<Failure> TransactionLedger::commit(const CommittedTransaction& transaction) {
  const std::string who = transaction.name + ", committed at " +
                          std::to_string(transaction.version.get()) + "." +
                          std::to_string(transaction.order);
  const std::pair at(transaction.version, transaction.order);
  std::optional<Failure> broken;
  if (last_ && at <= *last_) {
    broken = Failure{"S19", who + ", comes after " + std::to_string(last_->first.get()) + "." +
                                std::to_string(last_->second)};
  }
  last_ = at;
  if (auto read = broken_read(transaction, held_now()); read && !broken) {
    broken = Failure{"S19", who + ", " + *read};
  }
  for (const auto& [key, value] : transaction.writes) {
    if (value) {
      contents_.insert_or_assign(key, *value);
    } else {
      contents_.erase(key);
    }
  }
  return broken;
}

}  // namespace kelpie::sim
