// Values of any size up to kChunkedValueBytesMax under one key. A small value is one row; a large
// one is a manifest (length, checksum, generation) at the key and its chunks under it:
//
//   key                          tag 0, the value          or  tag 1, length, crc32c, generation
//   key + (generation, index)    tag 2, at most kChunkBytes of the value
//
// The two suffixes are tuple elements (integers), so that a tuple key with chunks is still a tuple,
// and a caller that scans a range tells chunks by the longer tuple. All functions work within the
// transaction that they are given: the value changes with its commit or not at all.
#pragma once

#include <cstddef>
#include <optional>

#include "async/task.h"
#include "store/database.h"

namespace kelpie::store {

// Replaces the value. invalid_argument with size and limit for more than kChunkedValueBytesMax.
// Reads nothing, so it fits a transaction whose read version was set.
Task<void> set_chunked(Transaction& transaction, Bytes key, Bytes value);

// One get for a small value. data_loss when a chunk is missing or the bytes fail their check.
Task<std::optional<Bytes>> get_chunked(Transaction& transaction, Bytes key,
                                       Isolation isolation = Isolation::kSerializable);

// Removes the value with its chunks.
Task<void> clear_chunked(Transaction& transaction, Bytes key);

}  // namespace kelpie::store
