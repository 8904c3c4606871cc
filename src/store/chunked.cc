#include "store/chunked.h"

#include <cstdint>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/hash.h"
#include "base/limits.h"
#include "codec/tuple.h"

namespace kelpie::store {
namespace {

constexpr char kInlineTag = 0;
constexpr char kManifestTag = 1;
constexpr char kChunkTag = 2;
static_assert(base::kChunkBytes + 1 <= base::kValueBytesMax);

constexpr size_t kManifestBytes = 1 + 8 + 4 + 4;

void append_number(Bytes& out, uint64_t number, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out += static_cast<char>(number >> shift);
  }
}

uint64_t number_at(ByteView bytes, size_t offset, size_t size) {
  uint64_t number = 0;
  for (char c : bytes.substr(offset, size)) {
    number = (number << 8) | static_cast<unsigned char>(c);
  }
  return number;
}

Bytes encode(const ChunkManifest& manifest) {
  Bytes out(1, kManifestTag);
  append_number(out, manifest.length, 8);
  append_number(out, manifest.checksum, 4);
  append_number(out, manifest.generation, 4);
  CHECK(out.size() == kManifestBytes);
  return out;
}

Result<ChunkManifest> decode_manifest(ByteView row) {
  ChunkManifest manifest;
  if (row.size() != kManifestBytes || row[0] != kManifestTag) {
    return base::data_loss("a stored value has an unknown format");
  }
  manifest.length = number_at(row, 1, 8);
  manifest.checksum = static_cast<uint32_t>(number_at(row, 9, 4));
  manifest.generation = static_cast<uint32_t>(number_at(row, 13, 4));
  if (manifest.length <= base::kChunkBytes || manifest.length > base::kChunkedValueBytesMax) {
    return base::data_loss("a chunked value claims " + std::to_string(manifest.length) + " bytes");
  }
  return manifest;
}

// Every chunk of every generation: tuple integers that are not negative start with 14 to 1c.
KeyRange chunks_of(const Bytes& key) { return {key + '\x14', key + '\x1d'}; }

Bytes chunk_key(const Bytes& key, uint32_t generation, size_t index) {
  codec::TuplePacker suffix;
  suffix.integer(generation).integer(static_cast<int64_t>(index));
  return key + std::move(suffix).take();
}

// The value whose manifest is `manifest_row`.
Task<Bytes> read_chunks(Transaction& transaction, KeyValue manifest_row, Isolation isolation) {
  RangeRead read{.range = chunks_of(manifest_row.key), .isolation = isolation};
  ChunkAssembler assembler;
  std::optional<KeyValue> value = co_await assembler.take(std::move(manifest_row));
  for (bool more = true; more;) {
    RangePage page = co_await transaction.get_range(read);
    for (KeyValue& row : page.rows) {
      std::optional<KeyValue> completed = co_await assembler.take(std::move(row));
      if (completed) {
        value = std::move(completed);
      }
    }
    more = page.more;
    read.range = std::move(page.next);
  }
  co_await assembler.finish();
  CHECK(value.has_value());
  co_return std::move(value->value);
}

Error bad_chunk(size_t index) {
  return base::data_loss("chunk " + std::to_string(index) +
                         " of a stored value is missing or damaged");
}

}  // namespace

Task<void> set_chunked(Transaction& transaction, Bytes key, Bytes value) {
  if (value.size() > base::kChunkedValueBytesMax) {
    co_return base::invalid_argument("a value has " + std::to_string(value.size()) +
                                     " bytes, the limit is " +
                                     std::to_string(base::kChunkedValueBytesMax));
  }
  transaction.clear_range(chunks_of(key));
  if (value.size() <= base::kChunkBytes) {
    value.insert(value.begin(), kInlineTag);
    transaction.set(std::move(key), std::move(value));
    co_return kOk;
  }
  const ChunkManifest manifest{value.size(), base::crc32c(value),
                               static_cast<uint32_t>(base::hash64(value))};
  const ByteView rest(value);
  for (size_t index = 0; index * base::kChunkBytes < value.size(); ++index) {
    Bytes chunk(1, kChunkTag);
    chunk.append(rest.substr(index * base::kChunkBytes, base::kChunkBytes));
    transaction.set(chunk_key(key, manifest.generation, index), std::move(chunk));
  }
  transaction.set(std::move(key), encode(manifest));
  co_return kOk;
}

Task<std::optional<Bytes>> get_chunked(Transaction& transaction, Bytes key, Isolation isolation) {
  std::optional<Bytes> row = co_await transaction.get(key, isolation);
  if (!row) {
    co_return std::optional<Bytes>();
  }
  if (!row->empty() && row->front() == kInlineTag) {
    row->erase(0, 1);
    co_return std::move(row);
  }
  Bytes value =
      co_await read_chunks(transaction, KeyValue{std::move(key), std::move(*row)}, isolation);
  co_return std::optional<Bytes>(std::move(value));
}

Task<void> clear_chunked(Transaction& transaction, Bytes key) {
  transaction.clear_range(chunks_of(key));
  transaction.clear(std::move(key));
  co_return kOk;
}

KeyRange chunked_range(Bytes first, Bytes last) { return {std::move(first), chunks_of(last).end}; }

Result<std::optional<KeyValue>> ChunkAssembler::take(KeyValue row) {
  return open_.has_value() ? go_on(row) : begin(std::move(row));
}

Result<std::optional<KeyValue>> ChunkAssembler::begin(KeyValue row) {
  if (!row.value.empty() && row.value.front() == kInlineTag) {
    row.value.erase(0, 1);
    return std::optional<KeyValue>(std::move(row));
  }
  if (!row.value.empty() && row.value.front() == kChunkTag) {
    return base::data_loss("a chunk is stored that belongs to no value");
  }
  const ChunkManifest manifest = TRY(decode_manifest(row.value));
  open_ = Open{.key = std::move(row.key), .manifest = manifest, .value = Bytes()};
  open_->value.reserve(manifest.length);
  return std::optional<KeyValue>();
}

Result<std::optional<KeyValue>> ChunkAssembler::go_on(const KeyValue& row) {
  Bytes& value = open_->value;
  const ChunkManifest& manifest = open_->manifest;
  // An empty chunk never follows: it would complete nothing.
  const bool expected = row.value.size() > 1 && row.value.front() == kChunkTag &&
                        value.size() + row.value.size() - 1 <= manifest.length &&
                        row.key == chunk_key(open_->key, manifest.generation, open_->index);
  if (!expected) {
    return bad_chunk(open_->index);
  }
  value.append(row.value, 1);
  ++open_->index;
  if (value.size() < manifest.length) {
    return std::optional<KeyValue>();
  }
  if (base::crc32c(value) != manifest.checksum) {
    return base::data_loss("a stored value of " + std::to_string(manifest.length) +
                           " bytes fails its check");
  }
  std::optional<KeyValue> whole(KeyValue{std::move(open_->key), std::move(value)});
  open_.reset();
  return whole;
}

Result<void> ChunkAssembler::finish() const {
  if (open_.has_value()) {
    return bad_chunk(open_->index);
  }
  return kOk;
}

}  // namespace kelpie::store
