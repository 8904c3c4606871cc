#include "store/rocksdb/testing/lossy_file_system.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <set>
#include <string>

#include "store/rocksdb/testing/temporary_directory.h"

namespace kelpie::store::testing {
namespace {

class LossyFileSystemTest : public ::testing::Test {
 protected:
  LossyFileSystemTest() { std::filesystem::create_directories(data_); }

  std::unique_ptr<rocksdb::FSWritableFile> create(const std::string& name) {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    EXPECT_TRUE(files_.NewWritableFile(path(name), {}, &file, nullptr).ok());
    return file;
  }
  void write(rocksdb::FSWritableFile& file, const std::string& bytes) {
    EXPECT_TRUE(file.Append(bytes, {}, nullptr).ok());
  }
  void write_synced(const std::string& name, const std::string& bytes) {
    const auto file = create(name);
    write(*file, bytes);
    EXPECT_TRUE(file->Sync({}, nullptr).ok());
  }
  void sync_directory() {
    std::unique_ptr<rocksdb::FSDirectory> directory;
    EXPECT_TRUE(files_.NewDirectory(data_, {}, &directory, nullptr).ok());
    EXPECT_TRUE(directory->Fsync({}, nullptr).ok());
  }
  LossyFileSystem::Losses crash() {
    files_.cut_power();
    return files_.crash(rng_);
  }
  std::string content(const std::string& name) {
    std::string bytes;
    return rocksdb::ReadFileToString(&files_, path(name), &bytes).ok() ? bytes : "(none)";
  }
  [[nodiscard]] std::string path(const std::string& name) const { return data_ + "/" + name; }

  TemporaryDirectory directory_;
  const std::string data_ = directory_.path() + "/data";
  LossyFileSystem files_{directory_.path() + "/trash"};
  world::Rng rng_{3};
};

TEST_F(LossyFileSystemTest, KeepsWhatWasSyncedWithItsEntry) {
  write_synced("a", "synced");
  sync_directory();
  for (int i = 0; i < 20; ++i) {
    crash();
    EXPECT_EQ(content("a"), "synced");
  }
}

TEST_F(LossyFileSystemTest, MayTakeTearOrGarbleOnlyUnsyncedBytes) {
  std::set<std::string> outcomes;
  for (int i = 0; i < 60; ++i) {
    const std::string name = "f" + std::to_string(i);
    const auto file = create(name);
    write(*file, "synced");
    ASSERT_TRUE(file->Sync({}, nullptr).ok());
    sync_directory();
    write(*file, "-unsynced");
    crash();
    const std::string left = content(name);
    EXPECT_TRUE(left.starts_with("synced")) << left;
    EXPECT_LE(left.size(), std::string("synced-unsynced").size());
    const bool beginning = std::string("synced-unsynced").starts_with(left);
    outcomes.insert(left == "synced"            ? "dropped"
                    : left == "synced-unsynced" ? "kept"
                    : beginning                 ? "torn"
                                                : "garbled");
  }
  EXPECT_EQ(outcomes, (std::set<std::string>{"dropped", "kept", "torn", "garbled"}));
}

TEST_F(LossyFileSystemTest, MayUndoEntriesThatWereNotSynced) {
  std::set<std::string> current;
  std::set<bool> deleted;
  for (int i = 0; i < 40; ++i) {
    write_synced("current", "old");
    write_synced("doomed", "doomed");
    sync_directory();
    write_synced("next", "new");
    ASSERT_TRUE(files_.RenameFile(path("next"), path("current"), {}, nullptr).ok());
    ASSERT_TRUE(files_.DeleteFile(path("doomed"), {}, nullptr).ok());
    crash();
    current.insert(content("current"));
    deleted.insert(content("doomed") == "(none)");
  }
  EXPECT_EQ(current, (std::set<std::string>{"old", "new"}));
  EXPECT_EQ(deleted, (std::set<bool>{false, true}));
}

TEST_F(LossyFileSystemTest, RefusesEveryChangeWithoutPower) {
  const auto file = create("a");
  files_.cut_power_after(1);
  EXPECT_TRUE(file->Append("x", {}, nullptr).ok());
  EXPECT_FALSE(file->Sync({}, nullptr).ok());
  EXPECT_TRUE(files_.power_is_cut());
  std::unique_ptr<rocksdb::FSWritableFile> other;
  EXPECT_FALSE(files_.NewWritableFile(path("b"), {}, &other, nullptr).ok());
  EXPECT_FALSE(files_.DeleteFile(path("a"), {}, nullptr).ok());
  EXPECT_FALSE(files_.RenameFile(path("a"), path("c"), {}, nullptr).ok());
}

}  // namespace
}  // namespace kelpie::store::testing
