#include "store/rocksdb/log_check.h"

#include <cstdint>

#include "base/hash.h"

namespace kelpie::store {
namespace {

constexpr size_t kBlockBytes = 32 * 1024;
constexpr size_t kHeaderBytes = 4 + 2 + 1;
constexpr size_t kSequenceBytes = 8;
constexpr uint32_t kMaskDelta = 0xa282ead8U;
// Numbers that follow each other in a log differ by the rows of a batch: far less than this.
constexpr uint64_t kSequenceStepMax = uint64_t{1} << 32;

enum RecordType : uint8_t { kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4 };

struct Record {
  uint8_t type = 0;
  ByteView payload;
  [[nodiscard]] bool starts_a_batch() const { return type == kFull || type == kFirst; }
  [[nodiscard]] size_t bytes() const { return kHeaderBytes + payload.size(); }
};

uint64_t little_endian(ByteView bytes) {
  uint64_t number = 0;
  for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte) {
    number = (number << 8) | static_cast<unsigned char>(*byte);
  }
  return number;
}

uint32_t masked_crc(ByteView bytes) {
  const uint32_t crc = base::crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + kMaskDelta;
}

// The record at this place, if there is a sound one.
std::optional<Record> record_at(ByteView log, size_t offset) {
  const size_t block_left = kBlockBytes - offset % kBlockBytes;
  const ByteView rest = log.substr(offset, block_left);
  if (rest.size() < kHeaderBytes) {
    return std::nullopt;
  }
  const auto length = static_cast<size_t>(little_endian(rest.substr(4, 2)));
  const auto type = static_cast<uint8_t>(rest[6]);
  if (type < kFull || type > kLast || length > rest.size() - kHeaderBytes) {
    return std::nullopt;
  }
  if (masked_crc(rest.substr(6, 1 + length)) != little_endian(rest.substr(0, 4))) {
    return std::nullopt;
  }
  return Record{type, rest.substr(kHeaderBytes, length)};
}

// The first place from `offset` on that is a header's place, not a block's unused end.
size_t skip_block_end(size_t offset) {
  const size_t block_left = kBlockBytes - offset % kBlockBytes;
  return block_left < kHeaderBytes ? offset + block_left : offset;
}

bool plausible_successor(const Record& record, uint64_t sequence) {
  if (!record.starts_a_batch() || record.payload.size() < kSequenceBytes) {
    return false;
  }
  const uint64_t next = little_endian(record.payload.substr(0, kSequenceBytes));
  return next > sequence && next - sequence < kSequenceStepMax;
}

}  // namespace

std::optional<size_t> damage_before_a_batch(ByteView log) {
  size_t offset = 0;
  uint64_t sequence = 0;
  while (offset < log.size()) {
    const std::optional<Record> record = record_at(log, offset);
    if (!record) {
      break;
    }
    if (record->starts_a_batch() && record->payload.size() >= kSequenceBytes) {
      sequence = little_endian(record->payload.substr(0, kSequenceBytes));
    }
    offset = skip_block_end(offset + record->bytes());
  }
  if (offset >= log.size()) {
    return std::nullopt;
  }
  // The damaged record's own length cannot be trusted, so look at every place behind it.
  for (size_t next = offset + 1; next + kHeaderBytes <= log.size(); ++next) {
    const auto type = static_cast<uint8_t>(log[next + kHeaderBytes - 1]);
    if (type != kFull && type != kFirst) {
      continue;
    }
    const std::optional<Record> record = record_at(log, next);
    if (record && plausible_successor(*record, sequence)) {
      return offset;
    }
  }
  return std::nullopt;
}

}  // namespace kelpie::store
