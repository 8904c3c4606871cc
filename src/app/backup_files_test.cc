#include "app/backup_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace kelpie::app {
namespace {

class BackupFiles : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "kelpie-backup-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  static std::string read(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  void write(const std::string& name) { std::ofstream(root_ + "/" + name) << "x"; }
  std::string root_;
};

TEST_F(BackupFiles, AFileHasItsNameOnlyOnceItIsWhole) {
  const std::string path = root_ + "/rows";
  auto file = NewFile::create(path);
  ASSERT_TRUE(file.ok()) << file.error().to_string();
  ASSERT_TRUE(file->write("one ").ok());
  ASSERT_TRUE(file->write("two").ok());
  EXPECT_FALSE(std::filesystem::exists(path));
  ASSERT_TRUE(std::move(*file).commit().ok());
  EXPECT_EQ(read(path), "one two");
  EXPECT_FALSE(std::filesystem::exists(path + std::string(kPartialEnding)));
  struct stat status{};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  // Agents' messages are nobody else's.
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(BackupFiles, WhatIsNotWholeGoesAway) {
  {
    auto file = NewFile::create(root_ + "/rows");
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file->write("one").ok());
  }
  EXPECT_TRUE(std::filesystem::is_empty(root_));
}

TEST_F(BackupFiles, SaysWhyAFileCannotBeMade) {
  const auto file = NewFile::create(root_ + "/none/rows");
  ASSERT_FALSE(file.ok());
  EXPECT_NE(file.error().message.find("/none/rows.partial"), std::string::npos);
}

TEST_F(BackupFiles, MakesAMissingDirectoryAndTakesAnEmptyOne) {
  EXPECT_TRUE(prepare_backup_directory(root_).ok());
  EXPECT_TRUE(prepare_backup_directory(root_ + "/a/b/").ok());
  EXPECT_TRUE(std::filesystem::is_directory(root_ + "/a/b"));
  EXPECT_FALSE(prepare_backup_directory("").ok());
}

TEST_F(BackupFiles, TakesWhatABrokenBackupLeftAndNothingElse) {
  write("rows.kelpie.partial");
  write("manifest.json");
  EXPECT_TRUE(prepare_backup_directory(root_).ok());
  write("rows.kelpie");
  const auto refused = prepare_backup_directory(root_);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kFailedPrecondition);
  EXPECT_NE(refused.error().message.find("rows.kelpie"), std::string::npos);
  EXPECT_FALSE(prepare_backup_directory(root_ + "/rows.kelpie").ok());
}

TEST_F(BackupFiles, TheManifestHasTheFigures) {
  store::BackupHeader header{.engine = "rocksdb",
                             .version = store::Version(7),
                             .created_micros = 1'700'000'000'000'000,
                             .schema = 1,
                             .store_id = "an-id",
                             .kelpie_version = "0.1.0"};
  store::BackupEnd end;
  end.sum.add({"k", "value"});
  const std::string text = backup_manifest(header, end, 99);
  for (const char* part :
       {R"("rows":1)", R"("rows_bytes":6)", R"("file_bytes":99)", R"("store_version":7)",
        R"("store_id":"an-id")", "2023-11-14T22:13:20"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
  }
}

}  // namespace
}  // namespace kelpie::app
