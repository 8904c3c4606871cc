// The map that check_witness replays transactions on. It knows who wrote what, and how to go back.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "sim/check/history.h"

namespace kelpie::sim {

// Where a read differs from the model.
struct Mismatch {
  Bytes key;
  std::optional<Bytes> expected;
  std::optional<Bytes> seen;
  std::optional<uint32_t> writer;  // of what was expected; absent: it was so from the start
  enum class Read : uint8_t { kPoint, kRange, kEnd } read = Read::kPoint;
};

// Keys that are not compared.
using IgnoredKeys = std::vector<store::KeyRange>;

class WitnessModel {
 public:
  explicit WitnessModel(const std::map<Bytes, Bytes>& initial);

  enum class Verify : uint8_t { kAllReads, kSerializableReads, kSnapshotReads };
  enum class Effects : uint8_t { kKept, kForgotten };
  // Does the steps one after the other. On a mismatch nothing is kept. `transaction` is what the
  // model says later of who wrote.
  std::optional<Mismatch> run(const TransactionRecord& record, uint32_t transaction, Verify verify,
                              Effects effects, const IgnoredKeys& ignored);
  [[nodiscard]] std::optional<Mismatch> compare(const std::map<Bytes, Bytes>& contents,
                                                const IgnoredKeys& ignored) const;

  [[nodiscard]] size_t moment() const { return undo_.size(); }
  void go_back_to(size_t moment);
  [[nodiscard]] std::optional<Bytes> value(const Bytes& key) const;

 private:
  struct Cell {
    std::optional<Bytes> value;  // absent: it was cleared
    std::optional<uint32_t> writer;
  };
  struct Undo {
    Bytes key;
    std::optional<Cell> before;
  };

  std::optional<Mismatch> verify_step(const TransactionStep& step, Verify verify,
                                      const IgnoredKeys& ignored) const;
  std::optional<Mismatch> verify_range(const RangeStep& step, const IgnoredKeys& ignored) const;
  std::optional<Mismatch> difference(const Bytes& key, const std::optional<Bytes>& seen,
                                     Mismatch::Read read, const IgnoredKeys& ignored) const;
  void write_step(const TransactionStep& step, uint32_t transaction);
  void write(const Bytes& key, std::optional<Bytes> value, uint32_t transaction);

  std::map<Bytes, Cell> cells_;
  std::vector<Undo> undo_;
};

// What a transaction writes, as ranges.
std::vector<store::KeyRange> written_ranges(const TransactionRecord& record);
// What it reads or writes.
std::vector<store::KeyRange> touched_ranges(const TransactionRecord& record);

}  // namespace kelpie::sim
