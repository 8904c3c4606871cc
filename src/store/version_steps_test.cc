#include "store/version_steps.h"

#include <gtest/gtest.h>

namespace kelpie::store {
namespace {

TEST(VersionSteps, HoldsTheNewestVersionOfEachKey) {
  VersionSteps steps;
  EXPECT_EQ(steps.at("anything"), Version(-1));
  steps.write({"b", "m"}, Version(1));
  steps.write({"k", "p"}, Version(2));
  steps.write({"c", "d"}, Version(3));
  EXPECT_EQ(steps.at("a"), Version(-1));
  EXPECT_EQ(steps.at("b"), Version(1));
  EXPECT_EQ(steps.at("c"), Version(3));
  EXPECT_EQ(steps.at("d"), Version(1));
  EXPECT_EQ(steps.at("l"), Version(2));
  EXPECT_EQ(steps.at("m"), Version(2));
  EXPECT_EQ(steps.at("p"), Version(-1));
  EXPECT_TRUE(steps.any_after({"a", "c\x01"}, Version(2)));
  EXPECT_FALSE(steps.any_after({"d", "z"}, Version(2)));
  EXPECT_FALSE(steps.any_after({"p", "z"}, Version(-1)));
}

TEST(VersionSteps, FreesWhatIsOldAndKeepsTheRest) {
  VersionSteps steps;
  for (char key = 'a'; key < 'z'; ++key) {
    steps.write({Bytes(1, key), Bytes(1, static_cast<char>(key + 1))}, Version(key));
  }
  steps.forget_up_to(Version('w'));
  EXPECT_EQ(steps.at("a"), Version(-1));
  EXPECT_EQ(steps.at("w"), Version(-1));
  EXPECT_EQ(steps.at("x"), Version('x'));
  EXPECT_LE(steps.size(), 4U);
}

}  // namespace
}  // namespace kelpie::store
