#include "app/values.h"

#include <gtest/gtest.h>

namespace kelpie::app {
namespace {

TEST(Values, ReadsSizesWithAndWithoutAUnit) {
  const Range range{1, uint64_t{1} << 40};
  EXPECT_EQ(parse_bytes("1048576", range).value(), 1048576u);
  EXPECT_EQ(parse_bytes("512KiB", range).value(), 512u * 1024);
  EXPECT_EQ(parse_bytes("32 MiB", range).value(), 32u << 20);
  EXPECT_EQ(parse_bytes("2GiB", range).value(), uint64_t{2} << 30);
}

TEST(Values, RefusesSizesThatAreNoneOrOutOfRange) {
  const Range range{1024, 4096};
  for (const char* text : {"", "x", "-1", "1.5MiB", "12MB", "1023", "5000",
                           "18446744073709551615GiB", "99999999999999999999"}) {
    EXPECT_FALSE(parse_bytes(text, range).ok()) << text;
  }
}

TEST(Values, ReadsTimes) {
  EXPECT_EQ(parse_duration("500ms").value(), Duration::millis(500));
  EXPECT_EQ(parse_duration("30s").value(), Duration::seconds(30));
  EXPECT_EQ(parse_duration("30").value(), Duration::seconds(30));
  EXPECT_EQ(parse_duration("2m").value(), Duration::minutes(2));
  EXPECT_EQ(parse_duration("0s").value(), Duration());
  for (const char* text : {"", "s", "-1s", "1h", "90000s", "18446744073709551615m"}) {
    EXPECT_FALSE(parse_duration(text).ok()) << text;
  }
}

TEST(Values, ReadsSwitches) {
  EXPECT_TRUE(parse_bool("true").value());
  EXPECT_TRUE(parse_bool("1").value());
  EXPECT_FALSE(parse_bool("off").value());
  EXPECT_FALSE(parse_bool("perhaps").ok());
}

TEST(Values, ReadsIntegersInsideTheirRange) {
  EXPECT_EQ(parse_integer("7", {1, 9}).value(), 7u);
  for (const char* text : {"0", "10", "7x", "", " 7"}) {
    EXPECT_FALSE(parse_integer(text, {1, 9}).ok()) << text;
  }
}

TEST(Values, NeverRepeatsAKeyInAMessage) {
  const auto key = parse_key("top secret");
  ASSERT_FALSE(key.ok());
  EXPECT_EQ(key.error().message.find("secret"), std::string::npos);
  EXPECT_EQ(parse_key("sk-1").value(), "sk-1");
}

}  // namespace
}  // namespace kelpie::app
