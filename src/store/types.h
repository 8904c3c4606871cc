// The store's vocabulary, in FoundationDB's words.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"
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

// Names a key by its place among the keys that are there: start at the last key that is less than
// `key` (or equal to it, if kIncluded), and go `offset` keys on (back, if negative). Before the
// first key it names "", after the last one kKeysEnd.
enum class OrEqual : uint8_t { kExcluded, kIncluded };
struct KeySelector {
  Bytes key;
  OrEqual or_equal = OrEqual::kExcluded;
  int32_t offset = 0;  // keys
  bool operator==(const KeySelector&) const = default;

  static KeySelector last_less_than(Bytes key);
  static KeySelector last_less_or_equal(Bytes key);
  static KeySelector first_greater_than(Bytes key);
  static KeySelector first_greater_or_equal(Bytes key);
  // The key so many keys further on.
  [[nodiscard]] KeySelector plus(int32_t keys) const;
};

// Above every key that a transaction may touch.
inline constexpr ByteView kKeysEnd{"\xff", 1};

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
  // False: nothing is left. True: `next` is the range to read on, and whoever ignores it truncates.
  // (The embedded engines say true only if a row follows; FoundationDB may say it once too often.)
  bool more = false;
  KeyRange next;
};

// Whether reads see the transaction's own writes. Off: reads see the state at the read version, and
// an added read conflict holds even for a key that was written before; watches need it on.
enum class ReadYourWrites : uint8_t { kOn, kOff };

// kBatch gives way when the store is loaded, kImmediate is never held back: for the cluster's own
// few keys.
enum class Priority : uint8_t { kBatch, kDefault, kImmediate };

struct TransactionOptions {
  // How often `on_error` lets the transaction be tried again. Absent: without a bound.
  std::optional<int> retries_max;
  // At most kTransactionBytesMax.
  size_t bytes_max = base::kTransactionBytesMax;
  ReadYourWrites read_your_writes = ReadYourWrites::kOn;
  Priority priority = Priority::kDefault;
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
