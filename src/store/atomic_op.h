// What each of FoundationDB's atomic operations makes of a value.
// Source: the semantics of fdbclient/Atomic.h at API version 510 and later (AND and MIN of an
// absent value store the operand).
#pragma once

#include <optional>

#include "store/types.h"

namespace kelpie::store {

// The new value, or nullopt when the key is cleared. The result has the operand's length except for
// the byte-wise, append and compare operations.
std::optional<Bytes> apply_atomic(AtomicOp op, const std::optional<Bytes>& existing,
                                  ByteView operand);

}  // namespace kelpie::store
