#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace kelpie::base {
namespace {

Result<int> halve(int number) {
  if (number % 2 != 0) {
    return invalid_argument("expected an even number");
  }
  return number / 2;
}

Result<std::string> quarter_as_text(int number) {
  const int half = TRY(halve(number));
  return std::to_string(TRY(halve(half)));
}

Result<void> accept_even(int number) {
  TRY(halve(number));
  return kOk;
}

TEST(Result, HoldsAValue) {
  const Result<int> result = halve(8);
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(static_cast<bool>(result));
  EXPECT_EQ(result.value(), 4);
  EXPECT_EQ(*result, 4);
}

TEST(Result, HoldsAnError) {
  const Result<int> result = halve(7);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error(), invalid_argument("expected an even number"));
}

TEST(Result, OfNothingIsOkOrAnError) {
  EXPECT_TRUE(accept_even(2).ok());
  EXPECT_EQ(accept_even(3).error().code, Code::kInvalidArgument);
}

TEST(Try, UnwrapsOrReturnsTheFirstError) {
  EXPECT_EQ(quarter_as_text(12).value(), "3");
  EXPECT_EQ(quarter_as_text(3).error().code, Code::kInvalidArgument);
  EXPECT_EQ(quarter_as_text(6).error().code, Code::kInvalidArgument);
}

TEST(Result, MovesAValueThatCannotBeCopied) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(5);
  std::unique_ptr<int> owned = std::move(result).value();
  EXPECT_EQ(*owned, 5);
}

TEST(Result, TellsAnAbsentValueFromAnError) {
  const Result<std::optional<std::string>> absent = std::optional<std::string>();
  ASSERT_TRUE(absent.ok());
  EXPECT_FALSE(absent->has_value());
  const Result<std::optional<std::string>> failed = data_loss("checksum");
  EXPECT_FALSE(failed.ok());
}

TEST(Result, ReachesIntoItsValue) {
  Result<std::string> result = std::string("tu");
  result->push_back('r');
  *result += 'n';
  EXPECT_EQ(result.value(), "turn");
}

TEST(ResultDeathTest, AskingTheWrongSideIsABug) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const Result<int> good = 1;
  const Result<int> bad = internal("x");
  const Result<void> nothing = kOk;
  EXPECT_DEATH((void)good.error(), "CHECK failed");
  EXPECT_DEATH((void)bad.value(), "CHECK failed");
  EXPECT_DEATH((void)nothing.error(), "CHECK failed");
}

}  // namespace
}  // namespace kelpie::base
