#include "store/backup_stream.h"

#include <gtest/gtest.h>

#include <variant>

#include "async/manual_loop.h"
#include "store/commit_pipeline.h"
#include "store/keys.h"
#include "store/local_database.h"
#include "store/memory/memory_backend.h"
#include "store/schema.h"
#include "store/testing/gate_backend.h"
#include "store/testing/test_world.h"

namespace kelpie::store {
namespace {

class Backup : public ::testing::Test {
 protected:
  Backup() {
    CHECK(loop_.run(open_schema(store_, test_.world, {})).ok());
    for (int i = 0; i < 40; ++i) {
      put("row " + std::to_string(i), Bytes(base::kValueBytesMax / 4, static_cast<char>('a' + i)));
    }
  }
  void put(const Bytes& key, const Bytes& value) {
    auto transaction = store_.begin();
    transaction->set(key, value);
    CHECK(loop_.run(transaction->commit()).ok());
  }
  BackupStream stream() {
    return BackupStream(loop_, backend_.latest(),
                        {.engine = "memory", .kelpie_version = "test", .now = WallTime()});
  }
  // Reads a stream to its end, doing something between two pieces.
  template <class Between>
  Bytes drain(BackupStream& stream, Between between) {
    Bytes all;
    for (;;) {
      auto piece = loop_.run(stream.next());
      CHECK(piece.ok());
      if (!piece->has_value()) {
        return all;
      }
      CHECK(!(*piece)->empty());
      all += **piece;
      between();
    }
  }
  struct Read {
    BackupHeader header;
    std::vector<std::vector<KeyValue>> blocks;
    BackupEnd end;
  };
  static Read read(const Bytes& backup) {
    BackupDecoder decoder;
    decoder.feed(backup);
    Read read;
    for (;;) {
      auto part = decoder.next();
      CHECK(part.ok());
      if (!part->has_value()) {
        break;
      }
      if (auto* header = std::get_if<BackupHeader>(&**part)) {
        read.header = *header;
      } else if (auto* rows = std::get_if<std::vector<KeyValue>>(&**part)) {
        read.blocks.push_back(*rows);
      } else {
        read.end = std::get<BackupEnd>(**part);
      }
    }
    CHECK(decoder.finish().ok());
    return read;
  }
  Result<void> restore(const Read& read, Backend& into) {
    BackupRestorer restorer(loop_, into, read.header);
    for (const auto& block : read.blocks) {
      TRY(loop_.run(restorer.write(block)));
    }
    TRY(loop_.run(restorer.verify(read.end.sum)));
    return loop_.run(restorer.finish("restored-id", WallTime::from_seconds(9)));
  }

  async::ManualLoop loop_;
  testing::TestWorld test_{loop_};
  MemoryBackend backend_;
  LocalDatabase store_{test_.world, backend_};
};

TEST_F(Backup, HoldsEveryRowAndSaysWhereItIsFrom) {
  BackupStream whole = stream();
  const Read backup = read(drain(whole, [] {}));
  const auto identity = loop_.run(read_identity(*backend_.latest()));
  EXPECT_EQ(backup.header.engine, "memory");
  EXPECT_EQ(backup.header.kelpie_version, "test");
  EXPECT_EQ(backup.header.version, backend_.latest()->version());
  EXPECT_EQ(backup.header.schema, kFirstSchema);
  EXPECT_EQ(backup.header.store_id, identity->incarnation->id);
  EXPECT_EQ(backup.end.sum.rows, 42u);
  EXPECT_EQ(backup.end.sum, *loop_.run(sum_rows(loop_, backend_.latest())));
  EXPECT_GT(backup.blocks.size(), 3u);
}

TEST_F(Backup, IsOfOneMomentHoweverMuchIsWrittenMeanwhile) {
  BackupStream whole = stream();
  const RowsSum before = *loop_.run(sum_rows(loop_, backend_.latest()));
  int written = 0;
  const Read backup = read(drain(whole, [&] {
    put("row 0", "changed " + std::to_string(++written));
    put("a new row " + std::to_string(written), "x");
    put("zzz " + std::to_string(written), "x");
  }));
  EXPECT_GT(written, 3);
  EXPECT_EQ(backup.end.sum, before);
}

TEST_F(Backup, LetsOtherWorkOfTheLoopRunBeforeEveryPiece) {
  BackupStream whole = stream();
  int pieces = 0;
  int turns = 0;
  drain(whole, [&] {
    ++pieces;
    loop_.post([&turns] { ++turns; });
  });
  EXPECT_EQ(turns, pieces);
}

TEST_F(Backup, EndsWithTheErrorOfARowThatCannotBeRead) {
  testing::GateBackend damaged(loop_);
  damaged.unreadable.insert(keys::schema_version());
  BackupStream whole(loop_, damaged.latest(), {.engine = "", .kelpie_version = "", .now = {}});
  const auto piece = loop_.run(whole.next());
  ASSERT_FALSE(piece.ok());
  EXPECT_EQ(piece.error().code, Code::kDataLoss);
}

TEST_F(Backup, RestoresToTheSameRowsUnderAnIncarnationOfItsOwn) {
  BackupStream whole = stream();
  const Read backup = read(drain(whole, [] {}));
  MemoryBackend into;
  ASSERT_TRUE(restore(backup, into).ok());
  BackupStream second(loop_, into.latest(),
                      {.engine = "memory", .kelpie_version = "test", .now = WallTime()});
  const Read again = read(drain(second, [] {}));
  ASSERT_EQ(again.blocks.size(), backup.blocks.size());
  for (size_t i = 0; i < backup.blocks.size(); ++i) {
    for (size_t row = 0; row < backup.blocks[i].size(); ++row) {
      EXPECT_EQ(again.blocks[i][row].key, backup.blocks[i][row].key);
      if (again.blocks[i][row].key != keys::cluster_config()) {
        EXPECT_EQ(again.blocks[i][row].value, backup.blocks[i][row].value);
      }
    }
  }
  const auto identity = loop_.run(read_identity(*into.latest()));
  EXPECT_EQ(*identity->incarnation, (Incarnation{.id = "restored-id",
                                                 .created_micros = 9'000'000,
                                                 .restored_from = backup.header.store_id}));
}

TEST_F(Backup, VersionsOfARestoredStoreGoOnAboveThoseOfTheBackup) {
  BackupStream whole = stream();
  const Read backup = read(drain(whole, [] {}));
  MemoryBackend into;
  ASSERT_TRUE(restore(backup, into).ok());
  EXPECT_GT(into.latest()->version().get(), backup.header.version.get() + kVersionJump);
  LocalDatabase restored(test_.world, into);
  auto transaction = restored.begin();
  transaction->set("k", "v");
  const auto version = loop_.run(transaction->commit());
  ASSERT_TRUE(version.ok());
  EXPECT_GT(version->get(), backup.header.version.get() + 2 * kVersionJump);
}

TEST_F(Backup, ARestoreThatLostOrChangedARowIsFound) {
  BackupStream whole = stream();
  const Read backup = read(drain(whole, [] {}));
  Read changed = backup;
  changed.blocks.back().back().value += "x";
  Read shorter = backup;
  shorter.blocks.pop_back();
  for (const Read& wrong : {changed, shorter}) {
    MemoryBackend into;
    const auto restored = restore(wrong, into);
    ASSERT_FALSE(restored.ok());
    EXPECT_EQ(restored.error().code, Code::kDataLoss);
  }
}

TEST_F(Backup, AnEmptyStoreHasABackupThatRestores) {
  MemoryBackend empty;
  BackupStream whole(loop_, empty.latest(), {.engine = "memory", .kelpie_version = "", .now = {}});
  const Read backup = read(drain(whole, [] {}));
  EXPECT_EQ(backup.header.schema, 0);
  MemoryBackend into;
  EXPECT_TRUE(restore(backup, into).ok());
}

}  // namespace
}  // namespace kelpie::store
