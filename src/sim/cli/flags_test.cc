#include "sim/cli/flags.h"

#include <gtest/gtest.h>

namespace kelpie::sim {
namespace {

TEST(SimFlags, TakeTheirValuesInAnyOrder) {
  const Result<Flags> flags = parse_flags({"run", "--count", "50", "--stop", "--profile", "long",
                                           "--mutant", "M8", "--from", "7", "--mutant", "M24"},
                                          nullptr);
  ASSERT_TRUE(flags.ok()) << flags.error().message;
  EXPECT_EQ(flags->verb, "run");
  EXPECT_EQ(flags->from, 7u);
  EXPECT_EQ(flags->count, 50u);
  EXPECT_TRUE(flags->stop);
  EXPECT_FALSE(flags->twice);
  EXPECT_EQ(flags->profile, Profile::kLong);
  EXPECT_EQ(flags->mutants, (MutantSet{"M24", "M8"}));
}

TEST(SimFlags, SeedsIsAnotherNameOfCount) {
  EXPECT_EQ(parse_flags({"run", "--seeds", "50"}, nullptr)->count, 50u);
}

TEST(SimFlags, TheEnvironmentsSeedIsWhereToBeginUnlessAFlagSaysIt) {
  EXPECT_EQ(parse_flags({"run"}, "41")->from, 41u);
  EXPECT_EQ(parse_flags({"run", "--from", "7"}, "41")->from, 7u);
  EXPECT_EQ(parse_flags({"replay", "9"}, "41")->from, 9u);
  EXPECT_FALSE(parse_flags({"run"}, "soon").ok());
}

TEST(SimFlags, RefuseWhatIsNone) {
  EXPECT_FALSE(parse_flags({}, nullptr).ok());
  EXPECT_FALSE(parse_flags({"run", "--sunny"}, nullptr).ok());
  EXPECT_FALSE(parse_flags({"run", "--count"}, nullptr).ok());
  EXPECT_FALSE(parse_flags({"run", "--count", "many"}, nullptr).ok());
  EXPECT_FALSE(parse_flags({"run", "--profile", "wide"}, nullptr).ok());
  EXPECT_FALSE(parse_flags({"run", "17"}, nullptr).ok());
  EXPECT_FALSE(parse_flags({"replay", "seventeen"}, nullptr).ok());
  EXPECT_FALSE(parse_flags({"run", "--scenario", "nowhere"}, nullptr).ok());
}

}  // namespace
}  // namespace kelpie::sim
