#include "base/bytes.h"

#include <gtest/gtest.h>

#include <string>

namespace kelpie::base {
namespace {

TEST(Hex, WritesEveryByteAsTwoLowerCaseDigits) {
  EXPECT_EQ(to_hex(""), "");
  EXPECT_EQ(to_hex(std::string("\x00\x0f\xa5\xff", 4)), "000fa5ff");
}

TEST(Utf8, AcceptsTheFirstAndLastCodePointOfEveryLength) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8(std::string(1, '\0')));
  EXPECT_TRUE(is_utf8("\x7f"));
  EXPECT_TRUE(is_utf8("\xc2\x80"));
  EXPECT_TRUE(is_utf8("\xdf\xbf"));
  EXPECT_TRUE(is_utf8("\xe0\xa0\x80"));
  EXPECT_TRUE(is_utf8("\xef\xbf\xbf"));
  EXPECT_TRUE(is_utf8("\xf0\x90\x80\x80"));
  EXPECT_TRUE(is_utf8("\xf4\x8f\xbf\xbf"));
}

TEST(Utf8, RefusesOverlongForms) {
  EXPECT_FALSE(is_utf8("\xc0\x80"));
  EXPECT_FALSE(is_utf8("\xc1\xbf"));
  EXPECT_FALSE(is_utf8("\xe0\x9f\xbf"));
  EXPECT_FALSE(is_utf8("\xf0\x8f\xbf\xbf"));
}

TEST(Utf8, RefusesSurrogatesButAcceptsTheirNeighbours) {
  EXPECT_TRUE(is_utf8("\xed\x9f\xbf"));
  EXPECT_FALSE(is_utf8("\xed\xa0\x80"));
  EXPECT_FALSE(is_utf8("\xed\xbf\xbf"));
  EXPECT_TRUE(is_utf8("\xee\x80\x80"));
}

TEST(Utf8, RefusesWhatIsBeyondUnicode) {
  EXPECT_FALSE(is_utf8("\xf4\x90\x80\x80"));
  EXPECT_FALSE(is_utf8("\xf5\x80\x80\x80"));
  EXPECT_FALSE(is_utf8("\xf8\x88\x80\x80\x80"));
  EXPECT_FALSE(is_utf8("\xff"));
}

TEST(Utf8, RefusesLoneContinuationsAndSequencesCutShort) {
  EXPECT_FALSE(is_utf8("\x80"));
  EXPECT_FALSE(is_utf8("a\xbf"));
  const std::string euro = "\xe2\x82\xac";
  const std::string face = "\xf0\x9f\x98\x80";
  for (const std::string& whole : {euro, face}) {
    ASSERT_TRUE(is_utf8(whole));
    for (size_t kept = 1; kept < whole.size(); ++kept) {
      EXPECT_FALSE(is_utf8(whole.substr(0, kept))) << kept;
      EXPECT_FALSE(is_utf8(whole.substr(0, kept) + "a")) << kept;
    }
  }
}

}  // namespace
}  // namespace kelpie::base
