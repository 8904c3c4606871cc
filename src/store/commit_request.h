// CommitRequest: all that a transaction sends to the commit pipeline, as one value.
#pragma once

#include <cstddef>
#include <vector>

#include "store/conflict_set.h"
#include "store/types.h"

namespace kelpie::store {

// One write whose final bytes may depend on what the pipeline decides.
struct PendingWrite {
  enum class Kind : uint8_t { kSet, kClear, kAtomic, kStampedKey, kStampedValue };
  Kind kind = Kind::kSet;
  Bytes key;
  Bytes value;                          // the operand for kAtomic
  AtomicOp op = AtomicOp::kAdd;         // of kAtomic
  size_t offset = 0;                    // of the stamp's place, for kStampedKey and kStampedValue
  std::vector<KeyRange> cleared_after;  // of kStampedKey: ranges that were cleared after this write
};

struct CommitRequest {
  Version read_version = kNoVersion;  // matters only if `reads` is not empty
  ConflictSet reads;
  // Explicit ones; the pipeline adds what the writes touch.
  ConflictSet write_conflicts;
  // Cleared before the writes: the transaction has already taken later clears out of `writes`.
  std::vector<KeyRange> cleared;
  // In order, as far as one key is concerned.
  std::vector<PendingWrite> writes;
  size_t bytes = 0;
  Priority priority = Priority::kDefault;
};

}  // namespace kelpie::store
