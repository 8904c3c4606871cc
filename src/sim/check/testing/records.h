// Short words for histories written by hand. Test support.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sim/check/history.h"

namespace kelpie::sim::check_testing {

using Records = std::vector<TransactionRecord>;

// An empty list stands for an absent key.
inline TransactionStep read(Bytes key, Bytes list) {
  return ReadStep{std::move(key), list.empty() ? std::nullopt : std::optional(std::move(list)), {}};
}
inline TransactionStep append(Bytes key, Bytes element) {
  return AppendStep{std::move(key), std::move(element)};
}
inline TransactionStep range(Bytes begin, Bytes end, std::vector<store::KeyValue> rows) {
  RangeStep step;
  step.range = {std::move(begin), std::move(end)};
  step.rows = std::move(rows);
  return step;
}
inline TransactionRecord done(std::string id, int64_t called, int64_t returned,
                              std::vector<TransactionStep> steps) {
  TransactionRecord record;
  record.client = "client of " + id;
  record.id = std::move(id);
  record.called_ns = called;
  record.returned_ns = returned;
  record.fate = Fate::kOk;
  record.steps = std::move(steps);
  return record;
}
inline TransactionRecord unknown(TransactionRecord record) {
  record.fate = Fate::kUnknown;
  record.returned_ns = kNever;
  return record;
}
inline TransactionRecord failed(TransactionRecord record) {
  record.fate = Fate::kFailed;
  return record;
}
inline TransactionRecord by(std::string client, TransactionRecord record) {
  record.client = std::move(client);
  return record;
}

// Committed with writes: which state it read, and its place.
struct Placed {
  int64_t read = 0;
  int64_t commit = 0;
  uint16_t order = 0;
};
inline TransactionRecord at(Placed placed, TransactionRecord record) {
  record.read_version = store::Version(placed.read);
  record.commit_version = store::Version(placed.commit);
  record.order = placed.order;
  return record;
}
// Of one that only read, or that never learned its place.
inline TransactionRecord read_at(int64_t version, TransactionRecord record) {
  record.read_version = store::Version(version);
  return record;
}
inline TransactionStep set(Bytes key, Bytes value) {
  return SetStep{std::move(key), std::move(value)};
}
inline TransactionStep clear(Bytes begin, Bytes end) {
  return ClearStep{{std::move(begin), std::move(end)}};
}

inline std::string show(const Records& records) {
  std::string text;
  for (const TransactionRecord& record : records) {
    text += "\n" + record.to_string();
  }
  return text;
}

}  // namespace kelpie::sim::check_testing
