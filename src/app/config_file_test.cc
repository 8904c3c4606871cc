#include "app/config_file.h"

#include <gtest/gtest.h>

namespace kelpie::app {
namespace {

TEST(ConfigFile, KeepsTextAndLineOfEachValue) {
  const auto file = parse_config_file("k.toml", "a = \"x\"\n\nb = -7\nc = true\n");
  ASSERT_TRUE(file.ok()) << file.error().to_string();
  EXPECT_EQ(file->values.at("a").text, "x");
  EXPECT_EQ(file->values.at("a").line, 1);
  EXPECT_EQ(file->values.at("b").text, "-7");
  EXPECT_EQ(file->values.at("b").line, 3);
  EXPECT_EQ(file->values.at("c").text, "true");
}

TEST(ConfigFile, RefusesWhatIsNoSingleValue) {
  for (const char* text : {"a = [1]\n", "a = 1.5\n", "[a]\n", "a = 2026-11-20\n"}) {
    const auto file = parse_config_file("k.toml", text);
    ASSERT_FALSE(file.ok()) << text;
    EXPECT_TRUE(file.error().message.starts_with("k.toml:1: a: expected")) << file.error().message;
  }
}

TEST(ConfigFile, RefusesWhatIsNoToml) {
  for (const char* text : {"a", "a = ", "a = 1\na = 2\n", "\xff\xfe"}) {
    const auto file = parse_config_file("k.toml", text);
    ASSERT_FALSE(file.ok()) << text;
    EXPECT_NE(file.error().message.find("expected TOML"), std::string::npos);
  }
  EXPECT_TRUE(parse_config_file("k.toml", "").ok());
}

}  // namespace
}  // namespace kelpie::app
