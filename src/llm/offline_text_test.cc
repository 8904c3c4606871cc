#include "llm/offline_text.h"

#include <gtest/gtest.h>

#include <numeric>

namespace kelpie::llm {
namespace {

TEST(OfflineText, EstimatesAQuarterOfTheBytesRoundedUp) {
  EXPECT_EQ(estimate_tokens(""), 0);
  EXPECT_EQ(estimate_tokens("a"), 1);
  EXPECT_EQ(estimate_tokens("abcd"), 1);
  EXPECT_EQ(estimate_tokens("abcde"), 2);
}

TEST(OfflineText, CutsNoUtf8Sequence) {
  EXPECT_EQ(utf8_prefix("h\xC3\xA9llo", 2), "h");
  EXPECT_EQ(utf8_prefix("h\xC3\xA9llo", 3), "h\xC3\xA9");
  EXPECT_EQ(utf8_prefix("\xF0\x9F\x90\x95", 3), "");
  EXPECT_EQ(utf8_prefix("abc", 9), "abc");
}

TEST(OfflineText, CutsAtTheBoundWhatIsNotUtf8) {
  const std::string junk(10, '\x80');
  EXPECT_EQ(utf8_prefix(junk, 5).size(), 5U);
}

TEST(OfflineText, SplitsIntoWordsThatTogetherAreTheText) {
  const std::string text =
      "  two  words\nand \xF0\x9F\x90\x95\xF0\x9F\x90\x95 " + std::string(200, 'x');
  const auto pieces = word_pieces(text);
  std::string joined;
  for (const std::string_view piece : pieces) {
    EXPECT_FALSE(piece.empty());
    EXPECT_LE(piece.size(), 64U);
    joined.append(piece);
  }
  EXPECT_EQ(joined, text);
  EXPECT_EQ(pieces[1], "two  ");
  EXPECT_TRUE(word_pieces("").empty());
}

TEST(OfflineText, FindsTheEndOfAnObjectByItsBraces) {
  EXPECT_EQ(balanced_object(R"({"a":{"b":"}\"}"}} and more})"), R"({"a":{"b":"}\"}"}})");
  EXPECT_EQ(balanced_object(R"({"a":1)"), "");
  EXPECT_EQ(balanced_object(R"({"a":"}")"), "");
  EXPECT_EQ(balanced_object("no"), "");
  EXPECT_EQ(balanced_object(""), "");
}

}  // namespace
}  // namespace kelpie::llm
