#include "store/backup_format.h"

#include <utility>

#include "base/check.h"
#include "base/hash.h"
#include "base/limits.h"
#include "store/backend.h"

namespace kelpie::store {
namespace {

constexpr ByteView kMagic = "kelpiebk";
constexpr size_t kCrcBytes = 4;
constexpr size_t kPreambleBytes = kMagic.size() + 4 + kCrcBytes;
constexpr size_t kFrameHeadBytes = 1 + 4;
constexpr char kHeaderKind = 'H';
constexpr char kRowsKind = 'R';
constexpr char kEndKind = 'T';
static_assert(4 + 8 + base::kKeyBytesMax + base::kValueBytesMax <= kBackupPayloadBytesMax);

void put(Bytes& out, uint64_t number, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) {
    out += static_cast<char>(number >> (8 * i));
  }
}

void put_text(Bytes& out, ByteView text) {
  put(out, text.size(), 4);
  out += text;
}

// `at` and the `bytes` after it are there.
uint64_t number_at(ByteView from, size_t at, size_t bytes) {
  CHECK(at + bytes <= from.size());
  uint64_t number = 0;
  for (size_t i = 0; i < bytes; ++i) {
    number |= uint64_t{static_cast<unsigned char>(from[at + i])} << (8 * i);
  }
  return number;
}

// Takes fields off the front of a payload; once one did not fit, none does.
class Fields {
 public:
  explicit Fields(ByteView rest) : rest_(rest) {}
  uint64_t number(size_t bytes) {
    const ByteView field = raw(bytes);
    return field.size() == bytes && fits_ ? number_at(field, 0, bytes) : 0;
  }
  ByteView raw(uint64_t bytes) {
    if (bytes > rest_.size()) {
      fits_ = false;
      return {};
    }
    const ByteView field = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return field;
  }
  std::string text() { return std::string(raw(number(4))); }
  [[nodiscard]] bool fits() const { return fits_; }
  // Everything was there, and nothing else.
  [[nodiscard]] bool whole() const { return fits_ && rest_.empty(); }

 private:
  ByteView rest_;
  bool fits_ = true;
};

uint32_t add_row(uint32_t crc, const KeyValue& row) {
  Bytes lengths;
  put(lengths, row.key.size(), 4);
  put(lengths, row.value.size(), 4);
  return base::crc32c(row.value, base::crc32c(row.key, base::crc32c(lengths, crc)));
}

}  // namespace

void RowsSum::add(const KeyValue& row) {
  ++rows;
  bytes += row.key.size() + row.value.size();
  crc = add_row(crc, row);
}

Bytes BackupEncoder::noted(Bytes bytes) {
  file_crc_ = base::crc32c(bytes, file_crc_);
  return bytes;
}

Bytes BackupEncoder::frame(char kind, ByteView payload) {
  CHECK(payload.size() <= kBackupPayloadBytesMax);
  Bytes out(1, kind);
  put_text(out, payload);
  put(out, base::crc32c(out), kCrcBytes);
  return out;
}

Bytes BackupEncoder::begin(const BackupHeader& header) {
  version_ = header.version;
  Bytes out(kMagic);
  put(out, kBackupFormat, 4);
  put(out, base::crc32c(out), kCrcBytes);
  Bytes payload;
  put_text(payload, header.engine);
  put(payload, static_cast<uint64_t>(header.version.get()), 8);
  put(payload, static_cast<uint64_t>(header.created_micros), 8);
  put(payload, static_cast<uint64_t>(header.schema), 8);
  put_text(payload, header.store_id);
  put_text(payload, header.kelpie_version);
  return noted(out + frame(kHeaderKind, payload));
}

Bytes BackupEncoder::rows(const std::vector<KeyValue>& rows) {
  CHECK(!rows.empty());
  Bytes payload;
  put(payload, rows.size(), 4);
  for (const KeyValue& row : rows) {
    put(payload, row.key.size(), 4);
    put(payload, row.value.size(), 4);
    payload += row.key;
    payload += row.value;
    sum_.add(row);
  }
  return noted(frame(kRowsKind, payload));
}

Bytes BackupEncoder::end() {
  Bytes payload;
  put(payload, sum_.rows, 8);
  put(payload, sum_.bytes, 8);
  put(payload, sum_.crc, kCrcBytes);
  put(payload, file_crc_, kCrcBytes);
  put(payload, static_cast<uint64_t>(version_.get()), 8);
  return frame(kEndKind, payload);
}

Error BackupDecoder::damaged(const std::string& what) const {
  return base::data_loss("the backup is damaged at byte " + std::to_string(offset_) + ": " + what +
                         "; take another backup, or use an older one");
}

void BackupDecoder::feed(ByteView bytes) {
  // What was read goes before it grows: the buffer stays within one frame and one piece.
  buffer_.erase(0, consumed_);
  consumed_ = 0;
  buffer_ += bytes;
}

void BackupDecoder::consume(size_t bytes) {
  file_crc_ = base::crc32c(buffered().substr(0, bytes), file_crc_);
  consumed_ += bytes;
  offset_ += bytes;
}

Result<std::optional<BackupPart>> BackupDecoder::next() {
  if (failed_) {
    return *failed_;
  }
  auto part = advance();
  if (!part.ok()) {
    failed_ = part.error();
  }
  return part;
}

Result<std::optional<BackupPart>> BackupDecoder::advance() {
  if (!preamble_read_) {
    if (buffered().size() < kPreambleBytes) {
      return std::optional<BackupPart>();
    }
    TRY(read_preamble());
  }
  if (ended_) {
    if (!buffered().empty()) {
      return damaged("bytes follow its end");
    }
    return std::optional<BackupPart>();
  }
  const auto frame = TRY(whole_frame());
  if (!frame) {
    return std::optional<BackupPart>();
  }
  // The end's own check is over what was consumed before it.
  BackupPart part = TRY(part_of(*frame));
  consume(frame->bytes);
  return std::optional<BackupPart>(std::move(part));
}

Result<void> BackupDecoder::read_preamble() {
  const ByteView preamble = buffered().substr(0, kPreambleBytes);
  if (!preamble.starts_with(kMagic)) {
    return base::invalid_argument("expected a backup of Kelpie, which begins with \"" +
                                  std::string(kMagic) + "\"; these bytes begin otherwise");
  }
  const size_t checked = kPreambleBytes - kCrcBytes;
  if (base::crc32c(preamble.substr(0, checked)) != number_at(preamble, checked, kCrcBytes)) {
    return damaged("its beginning fails its check");
  }
  const uint64_t format = number_at(preamble, kMagic.size(), 4);
  if (format > kBackupFormat) {
    return base::failed_precondition("the backup has format " + std::to_string(format) +
                                     ", this binary knows formats up to " +
                                     std::to_string(kBackupFormat) + ": use a newer binary");
  }
  if (format == 0) {
    return damaged("expected a format number from 1 on, got 0");
  }
  consume(kPreambleBytes);
  preamble_read_ = true;
  return kOk;
}

Result<std::optional<BackupDecoder::Frame>> BackupDecoder::whole_frame() const {
  const ByteView bytes = buffered();
  if (bytes.size() < kFrameHeadBytes) {
    return std::optional<Frame>();
  }
  const uint64_t length = number_at(bytes, 1, 4);
  if (length > kBackupPayloadBytesMax) {
    return damaged("a block of " + std::to_string(length) + " bytes, at most " +
                   std::to_string(kBackupPayloadBytesMax) + " are possible");
  }
  const size_t checked = kFrameHeadBytes + length;
  if (bytes.size() < checked + kCrcBytes) {
    return std::optional<Frame>();
  }
  if (base::crc32c(bytes.substr(0, checked)) != number_at(bytes, checked, kCrcBytes)) {
    return damaged("a block fails its check");
  }
  return std::optional<Frame>(Frame{.kind = bytes.front(),
                                    .payload = bytes.substr(kFrameHeadBytes, length),
                                    .bytes = checked + kCrcBytes});
}

Result<BackupPart> BackupDecoder::part_of(const Frame& frame) {
  if (!header_) {
    if (frame.kind != kHeaderKind) {
      return damaged("expected its header first");
    }
    Fields fields(frame.payload);
    BackupHeader header;
    header.engine = fields.text();
    header.version = Version(static_cast<int64_t>(fields.number(8)));
    header.created_micros = static_cast<int64_t>(fields.number(8));
    header.schema = static_cast<int64_t>(fields.number(8));
    header.store_id = fields.text();
    header.kelpie_version = fields.text();
    // Far above what any store reaches, and far below where sums with them would overflow.
    constexpr int64_t kNumberMax = int64_t{1} << 52;
    if (!fields.whole() || header.version < Version(0) || header.version > Version(kNumberMax) ||
        header.schema < 0 || header.created_micros < 0 || header.created_micros > kNumberMax) {
      return damaged("its header cannot be read");
    }
    header_ = header;
    return BackupPart(std::move(header));
  }
  if (frame.kind == kRowsKind) {
    return BackupPart(TRY(rows_of(frame.payload)));
  }
  if (frame.kind == kEndKind) {
    BackupEnd end = TRY(end_of(frame.payload));
    ended_ = true;
    return BackupPart(end);
  }
  return damaged("a block of an unknown kind");
}

Result<std::vector<KeyValue>> BackupDecoder::rows_of(ByteView payload) {
  Fields fields(payload);
  const uint64_t count = fields.number(4);
  if (count == 0) {
    return damaged("a block without rows");
  }
  std::vector<KeyValue> rows;
  for (uint64_t i = 0; i < count && fields.fits(); ++i) {
    const uint64_t key_bytes = fields.number(4);
    const uint64_t value_bytes = fields.number(4);
    KeyValue row{Bytes(fields.raw(key_bytes)), Bytes(fields.raw(value_bytes))};
    if (row.key.size() > base::kKeyBytesMax || row.value.size() > base::kValueBytesMax) {
      return damaged("a row over the store's limits");
    }
    const bool first = sum_.rows == 0;
    if (row.key >= kEngineKeysBegin || (!first && row.key <= last_key_)) {
      return damaged("rows out of order");
    }
    last_key_ = row.key;
    sum_.add(row);
    rows.push_back(std::move(row));
  }
  if (!fields.whole()) {
    return damaged("a block whose rows do not fill it");
  }
  return rows;
}

Result<BackupEnd> BackupDecoder::end_of(ByteView payload) const {
  Fields fields(payload);
  BackupEnd end;
  end.sum.rows = fields.number(8);
  end.sum.bytes = fields.number(8);
  end.sum.crc = static_cast<uint32_t>(fields.number(kCrcBytes));
  const uint64_t file_crc = fields.number(kCrcBytes);
  end.version = Version(static_cast<int64_t>(fields.number(8)));
  if (!fields.whole()) {
    return damaged("its end cannot be read");
  }
  if (end.sum != sum_ || file_crc != file_crc_ || end.version != header_->version) {
    return damaged("expected " + std::to_string(end.sum.rows) + " rows of " +
                   std::to_string(end.sum.bytes) + " bytes, found " + std::to_string(sum_.rows) +
                   " rows of " + std::to_string(sum_.bytes) + " bytes, or other ones");
  }
  return end;
}

Result<void> BackupDecoder::finish() const {
  if (failed_) {
    return *failed_;
  }
  if (!ended_) {
    return damaged("it is cut: its end is missing");
  }
  if (!buffered().empty()) {
    return damaged("bytes follow its end");
  }
  return kOk;
}

}  // namespace kelpie::store
