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

struct Scan {
  size_t end = 0;         // of the sound records at the beginning
  uint64_t sequence = 0;  // of the last batch that starts in them
};

Scan scan_sound_records(ByteView log) {
  Scan scan;
  while (scan.end < log.size()) {
    const std::optional<Record> record = record_at(log, scan.end);
    if (!record) {
      break;
    }
    if (record->starts_a_batch() && record->payload.size() >= kSequenceBytes) {
      scan.sequence = little_endian(record->payload.substr(0, kSequenceBytes));
    }
    scan.end = skip_block_end(scan.end + record->bytes());
  }
  return scan;
}

// The damaged record's own length cannot be trusted, so this looks at every place behind it.
template <class Accepts>
bool any_record_behind(ByteView log, size_t damage, Accepts accepts) {
  for (size_t next = damage + 1; next + kHeaderBytes <= log.size(); ++next) {
    const std::optional<Record> record = record_at(log, next);
    if (record && accepts(*record)) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::optional<size_t> damage_before_a_batch(ByteView log) {
  const Scan scan = scan_sound_records(log);
  if (scan.end >= log.size()) {
    return std::nullopt;
  }
  const bool successor = any_record_behind(log, scan.end, [&](const Record& record) {
    return plausible_successor(record, scan.sequence);
  });
  return successor ? std::optional(scan.end) : std::nullopt;
}

std::optional<size_t> torn_tail(ByteView log) {
  const Scan scan = scan_sound_records(log);
  if (scan.end >= log.size() ||
      any_record_behind(log, scan.end, [](const Record&) { return true; })) {
    return std::nullopt;
  }
  return scan.end;
}

}  // namespace kelpie::store
