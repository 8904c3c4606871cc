#include "codec/url.h"

#include <gtest/gtest.h>

namespace kelpie::codec {
namespace {

TEST(Url, PercentEncodingKeepsEveryByte) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    bytes.push_back(static_cast<char>(i));
  }
  EXPECT_EQ(percent_decode(percent_encode(bytes)).value(), bytes);
  EXPECT_EQ(percent_encode("a b/\xc3\xa9~"), "a%20b%2F%C3%A9~");
  EXPECT_EQ(percent_decode("a+b%2f").value(), "a+b/");
}

TEST(Url, RefusesBrokenEscapes) {
  for (const char* text : {"%", "%1", "%zz", "a%4", "%%41"}) {
    EXPECT_FALSE(percent_decode(text).ok()) << text;
  }
}

TEST(Url, ParsesQueriesInOrderWithRepeatedKeys) {
  const QueryParameters expected = {{"a", "1"}, {"b", "x y"}, {"a", "2"},   {"c", ""},
                                    {"d", ""},  {"", "e"},    {"f", "%g=h"}};
  EXPECT_EQ(parse_query("a=1&b=x+y&a=%32&c&d=&&=e&f=%g=h"), expected);
  EXPECT_TRUE(parse_query("").empty());
}

TEST(Url, SplitsUrls) {
  EXPECT_EQ(split_url("https://api.example/v1/x?y=1#z").value(),
            (Url{"https", "api.example", 443, "/v1/x?y=1"}));
  EXPECT_EQ(split_url("HTTP://127.0.0.1:8283").value(), (Url{"http", "127.0.0.1", 8283, "/"}));
  EXPECT_EQ(split_url("http://[::1]:80/").value(), (Url{"http", "::1", 80, "/"}));
  EXPECT_EQ(split_url("http://[fe80::1]?q").value(), (Url{"http", "fe80::1", 80, "/?q"}));
  EXPECT_EQ(split_url("http://h:/p").value(), (Url{"http", "h", 80, "/p"}));
}

TEST(Url, TheAuthorityLeavesOutTheUsualPort) {
  EXPECT_EQ(split_url("https://h/").value().authority(), "h");
  EXPECT_EQ(split_url("https://h:80/").value().authority(), "h:80");
  EXPECT_EQ(split_url("http://[::1]:8080/").value().authority(), "[::1]:8080");
}

TEST(Url, RefusesMalformedUrls) {
  for (const char* text :
       {"", "host", "ftp://h/", "http://", "http:///p", "http://h:0/", "http://h:65536/",
        "http://h:x/", "http://[::1/", "http://[::1]x/", "http://[zz]/", "http://u@h/",
        "http://h /", "http://h/\r\nx: y", "http://a\"b/", "http://[1]/"}) {
    EXPECT_FALSE(split_url(text).ok()) << text;
  }
}

}  // namespace
}  // namespace kelpie::codec
