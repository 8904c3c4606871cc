// Values of any size up to kChunkedValueBytesMax under one key. A small value is one row; a large
// one is a manifest (length, checksum, generation) at the key and its chunks under it:
//
//   key                          tag 0, the value          or  tag 1, length, crc32c, generation
//   key + (generation, index)    tag 2, at most kChunkBytes of the value
//
// The two suffixes are tuple elements (integers), so that a tuple key with chunks is still a tuple,
// and a caller that scans a range tells chunks by the longer tuple. All functions work within the
// transaction that they are given: the value changes with its commit or not at all.
//
// Many values are read as rows of a range, forward, through one ChunkAssembler:
//
//   RangeRead read{.range = chunked_range(first, last)};
//   for each row of each page:
//     std::optional<KeyValue> whole = co_await assembler.take(std::move(row));
//   co_await assembler.finish();
#pragma once

#include <cstddef>
#include <cstdint>
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

// What holds the values from key `first` to key `last`, both with all their chunks.
KeyRange chunked_range(Bytes first, Bytes last);

// What says of a chunked value what its chunks must be.
struct ChunkManifest {
  uint64_t length = 0;  // in bytes
  uint32_t checksum = 0;
  // Of this very value, so that chunks of another one are never taken for it.
  uint32_t generation = 0;
};

// Puts chunked values together from the rows of a range in forward order, all of which are rows of
// such values. Rows may come in pages of any size. After an error it is of no further use.
class ChunkAssembler {
 public:
  // The value, under its own key, that this row completes, if it does. data_loss for a row that
  // cannot follow those before it: a chunk that is missing, damaged, of another value or of none.
  Result<std::optional<KeyValue>> take(KeyValue row);
  // data_loss if the rows ended inside a value.
  [[nodiscard]] Result<void> finish() const;

 private:
  struct Open {
    Bytes key;
    ChunkManifest manifest;
    Bytes value;       // so far
    size_t index = 0;  // of the next chunk
  };
  Result<std::optional<KeyValue>> begin(KeyValue row);
  Result<std::optional<KeyValue>> go_on(const KeyValue& row);

  std::optional<Open> open_;
};

}  // namespace kelpie::store
