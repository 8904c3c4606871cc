// The file format of a logical backup: every row of one snapshot, in the order of their keys, with
// checksums. Pure: bytes in, bytes out, cut anywhere.
//
//   preamble  "kelpiebk", format number, crc                        16 bytes
//   frame     kind (1 byte), length of the payload, payload, crc of all three
//     'H'  once, first: where the rows come from
//     'R'  a block of rows: their number, then for each: key length, value length, key, value
//     'T'  once, last: rows, their bytes, crc of all rows, crc of the file up to here, version
//
// Numbers are little endian: 4 bytes, and 8 for versions, times, and sums. A crc is CRC-32C.
// The preamble stays as it is in every later format, so that an older binary can name what it
// refuses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "store/types.h"

namespace kelpie::store {

inline constexpr uint32_t kBackupFormat = 1;
// A reader never holds more than one payload, and refuses a longer one before it is there.
inline constexpr size_t kBackupPayloadBytesMax = size_t{1} << 20;

// Where the rows come from.
struct BackupHeader {
  std::string engine;
  Version version;             // of the snapshot
  int64_t created_micros = 0;  // since 1970, by the server's clock
  int64_t schema = 0;          // of the data; 0: the store does not say
  std::string store_id;        // of the store; empty: the store does not say
  std::string kelpie_version;  // of the server
  bool operator==(const BackupHeader&) const = default;
};

// What rows add up to, however they are cut into blocks: the file says it, and a restored store is
// read back to the same.
class RowsSum {
 public:
  void add(const KeyValue& row);

  uint64_t rows = 0;
  uint64_t bytes = 0;  // of keys and values
  uint32_t crc = 0;
  bool operator==(const RowsSum&) const = default;
};

// The end of a backup.
struct BackupEnd {
  RowsSum sum;
  Version version;  // that of the header
  bool operator==(const BackupEnd&) const = default;
};

// Writes one backup: `begin`, `rows` any number of times, `end`.
class BackupEncoder {
 public:
  Bytes begin(const BackupHeader& header);
  // At least one row; with their lengths they fit kBackupPayloadBytesMax (CHECKed). Keys grow, over
  // all calls.
  Bytes rows(const std::vector<KeyValue>& rows);
  Bytes end();
  [[nodiscard]] const RowsSum& sum() const { return sum_; }

 private:
  Bytes frame(char kind, ByteView payload);
  Bytes noted(Bytes bytes);

  Version version_;
  RowsSum sum_;
  uint32_t file_crc_ = 0;
};

using BackupPart = std::variant<BackupHeader, std::vector<KeyValue>, BackupEnd>;

// Reads one backup from pieces of any size. Whatever the bytes are, it answers with parts that
// passed their checks or with an error:
//   invalid_argument     this is no backup of Kelpie
//   failed_precondition  its format is newer than kBackupFormat
//   data_loss            it is damaged, cut, or goes on after its end
class BackupDecoder {
 public:
  void feed(ByteView bytes);
  // The next part that is there: the header, blocks of rows, the end; nullopt: feed more. After an
  // error, that error again.
  Result<std::optional<BackupPart>> next();
  // The input has ended: ok only if the end was read, and nothing follows it.
  Result<void> finish() const;

 private:
  struct Frame {
    char kind = 0;
    ByteView payload;
    size_t bytes = 0;  // whole
  };
  Result<std::optional<BackupPart>> advance();
  Result<void> read_preamble();
  Result<std::optional<Frame>> whole_frame() const;
  Result<BackupPart> part_of(const Frame& frame);
  Result<std::vector<KeyValue>> rows_of(ByteView payload);
  Result<BackupEnd> end_of(ByteView payload) const;
  void consume(size_t bytes);
  [[nodiscard]] ByteView buffered() const { return ByteView(buffer_).substr(consumed_); }
  [[nodiscard]] Error damaged(const std::string& what) const;

  Bytes buffer_;
  size_t consumed_ = 0;    // of the buffer
  uint64_t offset_ = 0;    // in the file, of what is buffered
  uint32_t file_crc_ = 0;  // of everything before `offset_`
  bool preamble_read_ = false;
  std::optional<BackupHeader> header_;
  RowsSum sum_;
  Bytes last_key_;
  bool ended_ = false;
  std::optional<Error> failed_;
};

}  // namespace kelpie::store
