#include "app/machine.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace kelpie::app {
namespace {

class RealMachineTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "kelpie-machine-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  std::string root_;
  RealMachine machine_;
};

TEST_F(RealMachineTest, TakesAnEmptyVariableForNone) {
  ASSERT_EQ(setenv("KELPIE_TEST_VARIABLE", "", 1), 0);
  EXPECT_FALSE(machine_.environment("KELPIE_TEST_VARIABLE").has_value());
  ASSERT_EQ(setenv("KELPIE_TEST_VARIABLE", "x", 1), 0);
  EXPECT_EQ(machine_.environment("KELPIE_TEST_VARIABLE"), "x");
  ASSERT_EQ(unsetenv("KELPIE_TEST_VARIABLE"), 0);
}

TEST_F(RealMachineTest, TellsAMissingFileFromOneThatCannotBeRead) {
  const auto missing = machine_.read_file(root_ + "/none");
  ASSERT_TRUE(missing.ok());
  EXPECT_FALSE(missing->has_value());
  EXPECT_FALSE(machine_.read_file(root_).ok());
  std::ofstream(root_ + "/file") << "text";
  EXPECT_EQ(machine_.read_file(root_ + "/file")->value(), "text");
}

TEST_F(RealMachineTest, KnowsADirectoryWithSomethingInIt) {
  EXPECT_FALSE(machine_.holds_data(root_));
  EXPECT_FALSE(machine_.holds_data(root_ + "/none"));
  std::ofstream(root_ + "/file") << "";
  EXPECT_TRUE(machine_.holds_data(root_));
  EXPECT_TRUE(machine_.is_file(root_ + "/file"));
  EXPECT_FALSE(machine_.is_file(root_));
  EXPECT_TRUE(machine_.is_directory(root_));
  EXPECT_FALSE(machine_.is_directory(root_ + "/file"));
  EXPECT_FALSE(machine_.is_directory(root_ + "/none"));
}

}  // namespace
}  // namespace kelpie::app
