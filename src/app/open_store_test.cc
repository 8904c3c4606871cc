#include "app/open_store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "app/backup.h"
#include "app/backup_files.h"
#include "real/real_log.h"
#include "real/real_loop.h"
#include "real/real_world.h"
#include "store/backup_stream.h"
#include "store/commit_pipeline.h"
#include "store/schema.h"

namespace kelpie::app {
namespace {

// Opening, and what a restore leaves behind to be opened.
class OpenStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "kelpie-open-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    data_ = root_ + "/data";
    backup_ = root_ + "/backup";
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  static StoreConfig config(BackendKind kind, const std::string& path) {
    return StoreConfig{.backend = {.kind = kind, .path = path, .source = "a test"},
                       .rocksdb_block_cache_bytes = 1 << 20,
                       .rocksdb_write_buffer_bytes = 1 << 20,
                       .fdb = {}};
  }
  // Opens the store, does something with it, and closes it.
  template <class Use>
  Result<void> with_store(const StoreConfig& config, Use use) {
    real::RealLog log(real::LogOptions{.level = world::LogLevel::kError});
    real::RealLoop loop;
    real::RealWorld real(loop, log, world::NodeName("test"));
    const auto store = TRY(open_store(config, real.world(), "test"));
    (void)TRY(loop.run(prepare_store(*store, real.world(), {"local"})));
    return use(loop, *store);
  }
  static Result<void> nothing(real::RealLoop&, OpenStore&) { return kOk; }

  static Result<void> put(real::RealLoop& loop, OpenStore& store, const Bytes& key,
                          const Bytes& value) {
    auto transaction = store.database().begin();
    transaction->set(key, value);
    TRY(loop.run(transaction->commit()));
    return kOk;
  }
  static Result<Bytes> take_backup(real::RealLoop& loop, OpenStore& store) {
    store::BackupStream stream(loop, store.latest(),
                               {.engine = "test", .kelpie_version = "test", .now = WallTime()});
    Bytes all;
    for (;;) {
      const auto piece = TRY(loop.run(stream.next()));
      if (!piece) {
        return all;
      }
      all += *piece;
    }
  }
  void keep(const Bytes& backup) {
    std::filesystem::create_directories(backup_);
    std::ofstream(backup_ + "/" + std::string(kRowsFile), std::ios::binary) << backup;
  }
  // A backup of a store with a few rows, as bytes.
  Bytes some_backup() {
    Bytes bytes;
    const auto made = with_store(config(BackendKind::kMemory, ""),
                                 [&](real::RealLoop& loop, OpenStore& store) -> Result<void> {
                                   TRY(put(loop, store, "key", "value"));
                                   bytes = TRY(take_backup(loop, store));
                                   return kOk;
                                 });
    CHECK(made.ok());
    return bytes;
  }
  Result<void> restore() {
    return run_restore({.directory = backup_, .store = config(BackendKind::kRocksDb, data_)},
                       "test");
  }
  std::string root_, data_, backup_;
};

TEST_F(OpenStoreTest, AnEmbeddedStoreKeepsItsIncarnationOverARestart) {
  std::string ids[2];
  for (std::string& id : ids) {
    const auto used =
        with_store(config(BackendKind::kRocksDb, data_),
                   [&](real::RealLoop& loop, OpenStore& store) -> Result<void> {
                     id = TRY(loop.run(store::read_identity(*store.latest()))).incarnation->id;
                     return kOk;
                   });
    ASSERT_TRUE(used.ok()) << used.error().to_string();
  }
  EXPECT_FALSE(ids[0].empty());
  EXPECT_EQ(ids[0], ids[1]);
}

TEST_F(OpenStoreTest, AClusterWithoutTheClientLibraryIsAnErrorThatNamesIt) {
  StoreConfig cluster = config(BackendKind::kFdb, root_ + "/fdb.cluster");
  std::ofstream(cluster.backend.path) << "a:b@127.0.0.1:1\n";
  cluster.fdb.library = root_ + "/no-such-library.so";
  const auto opened = with_store(cluster, nothing);
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.error().message.find("no-such-library.so"), std::string::npos)
      << opened.error().message;
}

TEST_F(OpenStoreTest, ARestoredStoreHasEveryRowAndGoesOnAboveItsVersions) {
  const Bytes backup = some_backup();
  keep(backup);
  const auto restored = restore();
  ASSERT_TRUE(restored.ok()) << restored.error().to_string();
  const auto used =
      with_store(config(BackendKind::kRocksDb, data_),
                 [&](real::RealLoop& loop, OpenStore& store) -> Result<void> {
                   EXPECT_EQ(*TRY(loop.run(store.latest()->get("key"))), "value");
                   const auto identity = TRY(loop.run(store::read_identity(*store.latest())));
                   EXPECT_NE(identity.incarnation->restored_from, "");
                   EXPECT_NE(identity.incarnation->restored_from, identity.incarnation->id);
                   auto transaction = store.database().begin();
                   transaction->set("k", "v");
                   EXPECT_GT(TRY(loop.run(transaction->commit())).get(), 2 * store::kVersionJump);
                   return kOk;
                 });
  ASSERT_TRUE(used.ok()) << used.error().to_string();
}

TEST_F(OpenStoreTest, ADamagedOrCutBackupIsRefusedBeforeAnythingIsWritten) {
  const Bytes backup = some_backup();
  for (size_t at = 0; at < backup.size(); at += 7) {
    Bytes damaged = backup;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    keep(damaged);
    EXPECT_FALSE(restore().ok()) << at;
    keep(backup.substr(0, at));
    EXPECT_FALSE(restore().ok()) << at;
  }
  EXPECT_FALSE(std::filesystem::exists(data_));
}

TEST_F(OpenStoreTest, ABackupThatIsNotThereIsNamed) {
  const auto refused = restore();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kNotFound);
  EXPECT_NE(refused.error().message.find(backup_), std::string::npos);
}

TEST_F(OpenStoreTest, ABackupOfANewerSchemaIsRefusedByBothNumbers) {
  store::BackupEncoder encoder;
  const Bytes begin =
      encoder.begin({.engine = "memory", .version = store::Version(1), .schema = 99});
  keep(begin + encoder.end());
  const auto refused = restore();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kFailedPrecondition);
  EXPECT_NE(refused.error().message.find("schema 99"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(data_));
}

TEST_F(OpenStoreTest, OnlyAnEmptyDirectoryIsRestoredInto) {
  keep(some_backup());
  ASSERT_TRUE(restore().ok());
  const auto again = restore();
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, Code::kFailedPrecondition);
  EXPECT_NE(again.error().message.find("rocksdb"), std::string::npos);
  EXPECT_TRUE(with_store(config(BackendKind::kRocksDb, data_), nothing).ok());
}

TEST_F(OpenStoreTest, AStoreThatIsBeingServedIsNotRestoredInto) {
  keep(some_backup());
  const auto served = with_store(config(BackendKind::kRocksDb, data_),
                                 [&](real::RealLoop&, OpenStore&) -> Result<void> {
                                   const auto refused = restore();
                                   EXPECT_FALSE(refused.ok());
                                   return kOk;
                                 });
  ASSERT_TRUE(served.ok()) << served.error().to_string();
}

TEST_F(OpenStoreTest, ARestoreThatDidNotEndIsRefusedByServeAndByRestore) {
  keep(some_backup());
  ASSERT_TRUE(restore().ok());
  // As a process leaves it that dies before the last step.
  std::filesystem::rename(engine_directory(data_), restoring_directory(data_));
  for (const auto& refused :
       {with_store(config(BackendKind::kRocksDb, data_), nothing), restore()}) {
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, Code::kFailedPrecondition);
    EXPECT_NE(refused.error().message.find(restoring_directory(data_)), std::string::npos)
        << refused.error().message;
  }
  std::filesystem::remove_all(restoring_directory(data_));
  EXPECT_TRUE(restore().ok());
}

TEST_F(OpenStoreTest, OnlyAStoreOnThisMachineThatLastsIsRestoredInto) {
  keep(some_backup());
  for (const BackendKind kind : {BackendKind::kMemory, BackendKind::kFdb}) {
    const auto refused = run_restore({.directory = backup_, .store = config(kind, data_)}, "test");
    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.error().message.find("--data-dir"), std::string::npos);
  }
}

TEST(UrlOf, ReachesAnAddressThatStandsForAllOfThem) {
  EXPECT_EQ(url_of({.host = "0.0.0.0", .port = 1}), "http://127.0.0.1:1");
  EXPECT_EQ(url_of({.host = "::", .port = 2}), "http://[::1]:2");
  EXPECT_EQ(url_of({.host = "kelpie.example", .port = 3}), "http://kelpie.example:3");
}

}  // namespace
}  // namespace kelpie::app
