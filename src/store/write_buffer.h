// WriteBuffer: the writes of one transaction before it commits, and how they change what it reads.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <vector>

#include "base/result.h"
#include "store/commit_request.h"
#include "store/types.h"

namespace kelpie::store {

// Pure. Keeps for each key the least that reproduces the writes to it, and the cleared ranges
// as disjoint intervals: a key without an entry inside one of them is known to be absent.
class WriteBuffer {
 public:
  void set(Bytes key, Bytes value);
  void clear(Bytes key);
  void clear_range(KeyRange range);
  void atomic(AtomicOp op, Bytes key, Bytes operand);
  // `offset + 10 <= size` was checked before.
  void set_versionstamped_key(Bytes key, size_t offset, Bytes value);
  void set_versionstamped_value(Bytes key, Bytes value, size_t offset);

  [[nodiscard]] bool empty() const;

  // Does the value of the key depend on the database, not only on this buffer?
  [[nodiscard]] bool needs_base(const Bytes& key) const;
  // Whether it wrote or cleared anything in the range: if not, it knows nothing about it.
  [[nodiscard]] bool touches(const KeyRange& range) const;
  // The parts of `range`, ascending, about which this buffer does not know everything: what a read
  // of the range depends on. (Sets and clears are known; atomic operations build on the database.)
  [[nodiscard]] std::vector<KeyRange> unknown_parts(KeyRange range) const;
  // What a read of the key shows, given the value in the database (ignored when not needed). An
  // invalid_argument when only the commit decides it.
  [[nodiscard]] Result<std::optional<Bytes>> apply(const Bytes& key,
                                                   const std::optional<Bytes>& base) const;
  // The same for a page of the database: `base` is all rows there in `covered`, ascending.
  [[nodiscard]] Result<std::vector<KeyValue>> apply(const KeyRange& covered,
                                                    std::vector<KeyValue> base) const;

  // Moves everything into `request.cleared` and `request.writes`.
  void drain_into(CommitRequest& request);

 private:
  struct Atomic {
    AtomicOp op;
    Bytes operand;
  };
  struct Entry {
    enum class State : uint8_t { kValue, kAbsent, kMerge, kStamped };
    State state = State::kMerge;
    Bytes value;                  // of kValue, kStamped
    size_t offset = 0;            // of kStamped
    std::vector<Atomic> atomics;  // of kMerge and kStamped, in order
  };
  struct StampedKey {
    Bytes key;
    size_t offset;
    Bytes value;
    KeyRange possible;  // every key it may become
    std::vector<KeyRange> cleared_after;
  };
  [[nodiscard]] bool is_cleared(const Bytes& key) const;
  [[nodiscard]] bool may_be_stamped(const KeyRange& range) const;
  static std::optional<Bytes> merged(const Entry& entry, const std::optional<Bytes>& base);
  static void drain_entry(Bytes key, Entry entry, CommitRequest& request);

  std::map<Bytes, Entry> entries_;
  std::map<Bytes, Bytes> cleared_;  // begin -> end, disjoint, not touching
  std::vector<StampedKey> stamped_keys_;
};

}  // namespace kelpie::store
