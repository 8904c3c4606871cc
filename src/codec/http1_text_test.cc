#include "codec/http1_text.h"

#include <gtest/gtest.h>

namespace kelpie::codec {
namespace {

TEST(Http1Text, FindsTokensInLists) {
  EXPECT_TRUE(has_token("keep-alive, Close", "close"));
  EXPECT_TRUE(has_token("\tclose ,", "close"));
  EXPECT_FALSE(has_token("closed, not close", "close"));
  EXPECT_FALSE(has_token("", "close"));
}

TEST(Http1Text, KnowsTokensAndValues) {
  EXPECT_TRUE(is_token("x-Header_1~"));
  EXPECT_TRUE(is_field_value("a \t\xc3\xa9"));
  EXPECT_TRUE(is_field_value(""));
  for (const std::string_view text :
       {std::string_view(""), std::string_view("a b"), std::string_view("a:"),
        std::string_view("a\0", 2), std::string_view("\xc3\xa9"), std::string_view("a\r\n")}) {
    EXPECT_FALSE(is_token(text));
  }
  EXPECT_FALSE(is_field_value("a\r\nb: c"));
  EXPECT_FALSE(is_field_value(std::string_view("a\0", 2)));
  EXPECT_FALSE(is_field_value("\x7f"));
}

}  // namespace
}  // namespace kelpie::codec
