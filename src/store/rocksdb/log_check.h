// Tells a torn tail from damage in RocksDB's logs (write-ahead log, MANIFEST). Pure.
// Source of the format: RocksDB's db/log_format.h: blocks of 32 KiB; a record is a masked CRC-32C
// of type and payload, a length (2 bytes), a type (full, first, middle, last), the payload; a
// record's payload (its parts joined) starts with the batch's 8-byte sequence number.
#pragma once

#include <cstddef>
#include <optional>

#include "base/bytes.h"

namespace kelpie::store {

// The offset of the first damaged record, if a further batch starts after it in this log. The
// commit thread starts a batch only after the one before it was synced, so what lies before
// the last batch was on the disk, whole, and has been damaged since.
std::optional<size_t> damage_before_a_batch(ByteView log);

// The offset of the first damaged record, if no sound record follows it: what a power loss in the
// middle of an append leaves.
std::optional<size_t> torn_tail(ByteView log);

}  // namespace kelpie::store
