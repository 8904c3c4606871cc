// The store's vocabulary, in FoundationDB's words.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/strong.h"

namespace kelpie::store {

// A commit version: grows, never reused, never a clock. All transactions of one batch share one.
using Version = base::Strong<struct VersionTag, int64_t>;

// What a commit that wrote nothing returns: it proves nothing.
inline constexpr Version kNoVersion{-1};

// Ten bytes, big endian: eight of the commit version, two of the order inside its batch.
struct Versionstamp {
  static constexpr size_t kBytes = 10;
  Bytes bytes;  // exactly kBytes
  auto operator<=>(const Versionstamp&) const = default;
  static Versionstamp make(Version version, uint16_t order);
  [[nodiscard]] Version version() const;
};

// [begin, end): begin is in, end is out.
struct KeyRange {
  Bytes begin;
  Bytes end;
  bool operator==(const KeyRange&) const = default;
  // Exactly this key.
  static KeyRange single(ByteView key);
  // Every key that starts with this prefix. The prefix is not all 0xff bytes.
  static KeyRange prefix(ByteView prefix);
  [[nodiscard]] bool contains(ByteView key) const { return begin <= key && key < end; }
  [[nodiscard]] bool empty() const { return begin >= end; }
};

struct KeyValue {
  Bytes key;
  Bytes value;
  bool operator==(const KeyValue&) const = default;
};

// Snapshot reads add no read conflict: what they saw may have changed by the commit.
enum class Isolation : uint8_t { kSerializable, kSnapshot };
enum class Order : uint8_t { kForward, kReverse };

struct RangeRead {
  KeyRange range;
  // Both bounds hold; at least one row is returned if there is one.
  size_t rows_max = 1'000;
  size_t bytes_max = 1'000'000;
  Order order = Order::kForward;
  Isolation isolation = Isolation::kSerializable;
};

struct RangePage {
  std::vector<KeyValue> rows;
  // More rows follow; `next` is the range to read for them. Whoever ignores it truncates.
  bool more = false;
  KeyRange next;
};

// FoundationDB's atomic operations, by its names; operands are little endian.
enum class AtomicOp : uint8_t {
  kAdd,
  kBitAnd,
  kBitOr,
  kBitXor,
  kMax,
  kMin,
  kByteMax,
  kByteMin,
  kAppendIfFits,
  kCompareAndClear
};

}  // namespace kelpie::store
