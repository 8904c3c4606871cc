#include "real/process.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace kelpie::real {
namespace {

TEST(Process, RaisesTheOpenFileLimitToTheHardOne) {
  const auto limit = raise_open_file_limit();
  ASSERT_TRUE(limit.ok());
  rlimit now{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &now), 0);
  EXPECT_EQ(*limit, now.rlim_cur);
  EXPECT_EQ(now.rlim_cur, now.rlim_max);
}

TEST(Process, TheFirstSignalAsksAndTheSecondOrders) {
  RealLoop loop;
  std::vector<std::string> seen;
  ShutdownSignals signals(
      loop,
      [&](int signal) {
        seen.push_back("first " + std::to_string(signal));
        raise(SIGINT);
      },
      [&](int signal) {
        seen.push_back("second " + std::to_string(signal));
        loop.stop();
      });
  raise(SIGTERM);
  loop.run();
  EXPECT_EQ(seen, (std::vector<std::string>{"first " + std::to_string(SIGTERM),
                                            "second " + std::to_string(SIGINT)}));
}

TEST(ProcessDeathTest, ASecondSignalEndsTheProcessAtOnce) {
  EXPECT_EXIT(
      {
        RealLoop loop;
        ShutdownSignals signals(loop, [](int) { raise(SIGTERM); });
        raise(SIGTERM);
        loop.run();
      },
      testing::ExitedWithCode(128 + SIGTERM), "");
}

TEST(Process, SeesItsOwnMemory) { EXPECT_GT(resident_memory_bytes(), 100'000u); }

class KeyFileTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "kelpie-key-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    path_ = root_ + "/key";
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void write(const std::string& text, mode_t mode) {
    std::ofstream(path_) << text;
    ASSERT_EQ(chmod(path_.c_str(), mode), 0);
  }
  std::string root_;
  std::string path_;
};

TEST_F(KeyFileTest, IsReadWithoutTheBlanksAround) {
  write("  secret-1 \r\n", 0600);
  const auto file = read_key_file(path_);
  ASSERT_TRUE(file.ok()) << file.error().to_string();
  EXPECT_EQ(file->key, "secret-1");
  EXPECT_EQ(file->warning, "");
}

TEST_F(KeyFileTest, ThatOthersMayReadIsWarnedAbout) {
  write("secret", 0640);
  const auto file = read_key_file(path_);
  ASSERT_TRUE(file.ok());
  EXPECT_NE(file->warning.find(path_), std::string::npos);
  EXPECT_EQ(file->warning.find("secret"), std::string::npos);
}

TEST_F(KeyFileTest, ThatHoldsNoUsableKeyIsRefused) {
  EXPECT_EQ(read_key_file(path_).error().code, Code::kNotFound);
  write(" \n", 0600);
  EXPECT_EQ(read_key_file(path_).error().code, Code::kInvalidArgument);
  write("two\nlines\n", 0600);
  EXPECT_EQ(read_key_file(path_).error().code, Code::kInvalidArgument);
  write(std::string(5000, 'x'), 0600);
  EXPECT_EQ(read_key_file(path_).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace kelpie::real
