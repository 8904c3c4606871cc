#include "codec/json.h"

#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string>

namespace kelpie::codec {
namespace {

std::string round_trip(std::string_view text) {
  auto value = parse_json(text);
  return value.ok() ? write_json(*value) : value.error().message;
}

TEST(Json, KeepsWhatItReadsByteForByte) {
  for (const char* text : {"null",
                           "true",
                           "false",
                           "0",
                           "-1",
                           "9223372036854775807",
                           "18446744073709551615",
                           "-9223372036854775808",
                           "0.7",
                           "0.1",
                           "1.5",
                           "3.141592653589793",
                           "1e21",
                           "1.5e300",
                           "-2.5e-7",
                           "0.30000000000000004",
                           "\"\"",
                           "\"a\"",
                           "[]",
                           "{}",
                           "[1,2,[3]]",
                           R"({"b":1,"a":{"x":[null,true]}})",
                           "\"\xc3\xa9\xf0\x9f\x98\x80\"",
                           R"("q\"b\\n\nt\tr\rb\bf\fz\u0000\u001f")",
                           "\"/\"",
                           "\"\x7f\""}) {
    EXPECT_EQ(round_trip(text), text);
  }
}

TEST(Json, WritesDoublesAsPlainDecimals) {
  EXPECT_EQ(round_trip("1.0"), "1.0");
  EXPECT_EQ(round_trip("7E-1"), "0.7");
  EXPECT_EQ(round_trip("1E+2"), "100.0");
  EXPECT_EQ(round_trip("1E+21"), "1e21");
  EXPECT_EQ(round_trip("1e-400"), "0.0");
  EXPECT_EQ(round_trip("1e-05"), "0.00001");
  EXPECT_EQ(write_json(boost::json::value(1.0 / 0.0 * 0.0)), "null");
}

TEST(Json, ReadsDecimalsToTheNearestDouble) {
  for (int i = 1; i < 20'000; ++i) {
    const std::string text = "0." + std::to_string(100'000 + i) + "1";
    ASSERT_EQ(parse_json(text)->get_double(), std::stod(text)) << text;
  }
  for (const char* text : {"2.2250738585072014e-308", "1.7976931348623157e308",
                           "123456789.123456789123456789", "9007199254740993.0"}) {
    EXPECT_EQ(parse_json(text)->get_double(), std::stod(text)) << text;
  }
}

TEST(Json, TheLastOfEqualKeysWins) { EXPECT_EQ(round_trip(R"({"a":1,"a":2})"), R"({"a":2})"); }

TEST(Json, ReadsLongStringsWithEscapes) {
  std::string text = "\"";
  std::string expected;
  for (int i = 0; i < 3'000; ++i) {
    text += "ab\\u00e9\\ud83d\\ude00";
    expected += "ab\xc3\xa9\xf0\x9f\x98\x80";
  }
  text += "\"";
  EXPECT_EQ(parse_json(text)->get_string(), expected);
}

TEST(Json, RefusesMalformedText) {
  for (const char* text :
       {"",      " ",       "{",           "[1,]",     "{\"a\"}",      "{a:1}",
        "nul",   "01",      "1 2",         "\"\n\"",   "[1]x",         "+1",
        "'a'",   "\"\\x\"", "\"\\ud800\"", "\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"",
        "1e999", "NaN",     "// c\n1",     "\"abc"}) {
    EXPECT_FALSE(parse_json(text).ok()) << text;
  }
  EXPECT_TRUE(parse_json(" [ 1 , 2 ] \n").ok());
}

TEST(Json, TheErrorSaysWhere) {
  const auto result = parse_json("{\"a\":1,}");
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Code::kInvalidArgument);
  EXPECT_NE(result.error().message.find("at byte 7 of 8"), std::string::npos)
      << result.error().message;
}

TEST(Json, RefusesNestingBeyondTheLimit) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(parse_json(nested(kJsonDepthMax)).ok());
  EXPECT_FALSE(parse_json(nested(kJsonDepthMax + 1)).ok());
  EXPECT_FALSE(parse_json(nested(100'000)).ok());
}

}  // namespace
}  // namespace kelpie::codec
