#include "real/directory_lock.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

namespace kelpie::real {
namespace {

class DirectoryLockTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "kelpie-lock-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  std::string root_;
};

TEST_F(DirectoryLockTest, CreatesTheDirectoryForItsOwnerOnly) {
  const std::string directory = root_ + "/a/b";
  const auto lock = DirectoryLock::acquire(directory, "1.0");
  ASSERT_TRUE(lock.ok()) << lock.error().to_string();
  EXPECT_EQ(std::filesystem::status(directory).permissions(), std::filesystem::perms::owner_all);
  EXPECT_FALSE(lock->crashed_holder().has_value());
}

TEST_F(DirectoryLockTest, RefusesASecondHolderAndNamesTheFirst) {
  const auto first = DirectoryLock::acquire(root_, "1.2.3");
  ASSERT_TRUE(first.ok());
  const auto second = DirectoryLock::acquire(root_, "9.9");
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Code::kFailedPrecondition);
  const std::string& message = second.error().message;
  EXPECT_NE(message.find(root_), std::string::npos) << message;
  EXPECT_NE(message.find("process " + std::to_string(getpid())), std::string::npos) << message;
  EXPECT_NE(message.find("kelpie 1.2.3"), std::string::npos) << message;
}

TEST_F(DirectoryLockTest, ACleanReleaseLeavesNoCrashBehind) {
  {
    ASSERT_TRUE(DirectoryLock::acquire(root_, "1").ok());
  }
  const auto next = DirectoryLock::acquire(root_, "1");
  ASSERT_TRUE(next.ok());
  EXPECT_FALSE(next->crashed_holder().has_value());
}

TEST_F(DirectoryLockTest, AfterAKillTheLockIsFreeAndTellsWhoDied) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto lock = DirectoryLock::acquire(root_, "1.0");
    const char answer = lock.ok() ? 'y' : 'n';
    if (write(ready[1], &answer, 1) != 1) {
      _exit(1);
    }
    pause();
    _exit(0);
  }
  char answer = 0;
  ASSERT_EQ(read(ready[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  EXPECT_FALSE(DirectoryLock::acquire(root_, "2.0").ok());
  kill(child, SIGKILL);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  const auto lock = DirectoryLock::acquire(root_, "2.0");
  ASSERT_TRUE(lock.ok()) << lock.error().to_string();
  ASSERT_TRUE(lock->crashed_holder().has_value());
  EXPECT_EQ(lock->crashed_holder()->pid, child);
  EXPECT_EQ(lock->crashed_holder()->version, "1.0");
  close(ready[0]);
  close(ready[1]);
}

TEST_F(DirectoryLockTest, ALockFileThatWasCutOffDoesNotStopAStart) {
  std::ofstream(root_ + "/kelpie.lock") << "pid=12\nho";
  const auto lock = DirectoryLock::acquire(root_, "1");
  ASSERT_TRUE(lock.ok());
  EXPECT_FALSE(lock->crashed_holder().has_value());
}

TEST_F(DirectoryLockTest, APathThatIsAFileIsAnErrorThatNamesIt) {
  const std::string path = root_ + "/file";
  std::ofstream(path) << "x";
  const auto lock = DirectoryLock::acquire(path, "1");
  ASSERT_FALSE(lock.ok());
  EXPECT_NE(lock.error().message.find(path), std::string::npos);
}

TEST_F(DirectoryLockTest, RefusesADirectoryOfSomethingElse) {
  std::ofstream(root_ + "/.keep") << "";
  std::filesystem::create_directory(root_ + "/lost+found");
  {
    ASSERT_TRUE(DirectoryLock::acquire(root_, "1").ok());
  }
  std::filesystem::remove(root_ + "/kelpie.lock");
  std::ofstream(root_ + "/letters.txt") << "x";
  const auto lock = DirectoryLock::acquire(root_, "1");
  ASSERT_FALSE(lock.ok());
  EXPECT_NE(lock.error().message.find("letters.txt"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(root_ + "/kelpie.lock"));
}

TEST(LockHolder, IsReadBackAsItWasWritten) {
  const LockHolder holder{.pid = 42, .host = "a host", .started = "2026", .version = "0.1=x"};
  EXPECT_EQ(decode_lock_holder(encode_lock_holder(holder)), holder);
  EXPECT_FALSE(decode_lock_holder("").has_value());
  EXPECT_FALSE(decode_lock_holder("pid=x\nhost=h\nstarted=s\nversion=v\n").has_value());
}

}  // namespace
}  // namespace kelpie::real
