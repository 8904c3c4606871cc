#include "store/backup_format.h"

#include <gtest/gtest.h>

#include "base/hash.h"
#include "world/rng.h"

namespace kelpie::store {
namespace {

const BackupHeader kHeader{.engine = "rocksdb",
                           .version = Version(77),
                           .created_micros = 1'700'000'000'000'000,
                           .schema = 3,
                           .store_id = "id-of-the-store",
                           .kelpie_version = "0.1.0"};
const std::vector<KeyValue> kFirstRows = {{"", "empty key"}, {"a", ""}, {Bytes("a\0", 2), "x"}};
const std::vector<KeyValue> kLastRows = {{"b", Bytes(300, '\xff')}, {"\xfe\xff", "last"}};

Bytes small_backup() {
  BackupEncoder encoder;
  Bytes out = encoder.begin(kHeader);
  out += encoder.rows(kFirstRows);
  out += encoder.rows(kLastRows);
  return out + encoder.end();
}

struct Read {
  std::optional<BackupHeader> header;
  std::vector<KeyValue> rows;
  std::optional<BackupEnd> end;
};

// The whole of it, in pieces of `piece_bytes`.
Result<Read> read_all(ByteView bytes, size_t piece_bytes) {
  BackupDecoder decoder;
  Read read;
  while (!bytes.empty()) {
    const ByteView piece = bytes.substr(0, piece_bytes);
    bytes.remove_prefix(piece.size());
    decoder.feed(piece);
    for (;;) {
      auto part = TRY(decoder.next());
      if (!part) {
        break;
      }
      if (auto* header = std::get_if<BackupHeader>(&*part)) {
        read.header = *header;
      } else if (auto* rows = std::get_if<std::vector<KeyValue>>(&*part)) {
        read.rows.insert(read.rows.end(), rows->begin(), rows->end());
      } else {
        read.end = std::get<BackupEnd>(*part);
      }
    }
  }
  TRY(decoder.finish());
  return read;
}

TEST(BackupFormat, ReadsBackWhatWasWrittenInPiecesOfAnySize) {
  const Bytes backup = small_backup();
  std::vector<KeyValue> rows = kFirstRows;
  rows.insert(rows.end(), kLastRows.begin(), kLastRows.end());
  RowsSum sum;
  for (const KeyValue& row : rows) {
    sum.add(row);
  }
  for (const size_t piece_bytes : {size_t{1}, size_t{2}, size_t{7}, size_t{64}, backup.size()}) {
    const auto read = read_all(backup, piece_bytes);
    ASSERT_TRUE(read.ok()) << read.error().to_string();
    EXPECT_EQ(*read->header, kHeader);
    EXPECT_EQ(read->rows, rows);
    EXPECT_EQ(*read->end, (BackupEnd{.sum = sum, .version = kHeader.version}));
  }
}

TEST(BackupFormat, AStoreWithoutRowsHasABackupToo) {
  BackupEncoder encoder;
  const Bytes backup = encoder.begin(kHeader) + encoder.end();
  const auto read = read_all(backup, backup.size());
  ASSERT_TRUE(read.ok()) << read.error().to_string();
  EXPECT_EQ(read->end->sum, RowsSum());
}

TEST(BackupFormat, FindsAFlippedBitWhereverItIs) {
  const Bytes backup = small_backup();
  for (size_t at = 0; at < backup.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes flipped = backup;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      EXPECT_FALSE(read_all(flipped, flipped.size()).ok()) << "byte " << at << ", bit " << bit;
    }
  }
}

TEST(BackupFormat, FindsACutWhereverItIs) {
  const Bytes backup = small_backup();
  for (size_t bytes = 0; bytes < backup.size(); ++bytes) {
    const auto read = read_all(ByteView(backup).substr(0, bytes), backup.size());
    ASSERT_FALSE(read.ok()) << bytes;
    EXPECT_EQ(read.error().code, Code::kDataLoss) << bytes;
  }
}

TEST(BackupFormat, FindsWhatFollowsTheEnd) {
  EXPECT_FALSE(read_all(small_backup() + "x", 4096).ok());
  EXPECT_FALSE(read_all(small_backup() + small_backup(), 1).ok());
}

TEST(BackupFormat, FindsABlockThatIsMissingRepeatedOrMoved) {
  BackupEncoder encoder;
  const Bytes begin = encoder.begin(kHeader);
  const Bytes first = encoder.rows(kFirstRows);
  const Bytes last = encoder.rows(kLastRows);
  const Bytes end = encoder.end();
  ASSERT_TRUE(read_all(begin + first + last + end, 4096).ok());
  for (const Bytes& wrong : {begin + first + end, begin + last + end, begin + last + first + end,
                             begin + first + first + last + end, first + last + end,
                             begin + begin + first + last + end}) {
    EXPECT_FALSE(read_all(wrong, 4096).ok());
  }
}

TEST(BackupFormat, RefusesANewerFormatByBothNumbers) {
  Bytes backup = small_backup();
  backup[8] = static_cast<char>(kBackupFormat + 1);
  const uint32_t crc = base::crc32c(ByteView(backup).substr(0, 12));
  for (size_t i = 0; i < 4; ++i) {
    backup[12 + i] = static_cast<char>(crc >> (8 * i));
  }
  const auto read = read_all(backup, backup.size());
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code, Code::kFailedPrecondition);
  EXPECT_NE(read.error().message.find("format 2"), std::string::npos) << read.error().message;
  EXPECT_NE(read.error().message.find("up to 1"), std::string::npos) << read.error().message;
}

TEST(BackupFormat, SaysThatSomethingElseIsNoBackup) {
  const auto read = read_all("{\"rows\": 3, \"bytes\": 12345}", 4096);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code, Code::kInvalidArgument);
}

TEST(BackupFormat, StaysFailedAfterAnError) {
  Bytes backup = small_backup();
  backup[40] = static_cast<char>(backup[40] ^ 1);
  BackupDecoder decoder;
  decoder.feed(backup);
  Result<std::optional<BackupPart>> part = decoder.next();
  while (part.ok() && part->has_value()) {
    part = decoder.next();
  }
  ASSERT_FALSE(part.ok());
  decoder.feed(small_backup());
  EXPECT_FALSE(decoder.next().ok());
  EXPECT_FALSE(decoder.finish().ok());
}

// A sound checksum over nonsense: what only a hostile writer makes must be refused all the same.
TEST(BackupFormat, AnswersEveryPayloadWithSoundChecksums) {
  world::Rng rng(5);
  for (int round = 0; round < 20'000; ++round) {
    Bytes payload;
    for (uint64_t left = rng.below(40); left > 0; --left) {
      payload += static_cast<char>(rng.chance(1, 2) ? rng.below(256) : rng.below(4));
    }
    Bytes frame(1, "HRTX"[rng.below(4)]);
    for (size_t i = 0; i < 4; ++i) {
      frame += static_cast<char>(payload.size() >> (8 * i));
    }
    frame += payload;
    const uint32_t crc = base::crc32c(frame);
    for (size_t i = 0; i < 4; ++i) {
      frame += static_cast<char>(crc >> (8 * i));
    }
    BackupEncoder encoder;
    EXPECT_FALSE(read_all(encoder.begin(kHeader) + frame, 4096).ok());
  }
}

}  // namespace
}  // namespace kelpie::store
