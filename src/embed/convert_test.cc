#include "kelpie/convert.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace kelpie {
namespace {

enum class Colour : uint8_t { kRed = 1, kBlue = 2 };
struct Inner {
  std::string name;
  std::optional<int32_t> count;
  bool operator==(const Inner&) const = default;
};
KELPIE_FIELDS(Inner, name, count)
struct Outer {
  bool yes = false;
  int64_t integer = 0;
  uint64_t large = 0;
  double number = 0;
  Blob blob;
  Colour colour = Colour::kRed;
  std::vector<Inner> list;
  std::map<std::string, int> table;
  Duration length;
  WallTime when;
  actor::ActorRef actor;
  bool operator==(const Outer&) const = default;
};
KELPIE_FIELDS(Outer, yes, integer, large, number, blob, colour, list, table, length, when, actor)

template <class T>
Result<T> read(const std::string& text) {
  return from_json<T>(TRY(Json::parse(text)));
}
template <class T>
std::string error_of(const std::string& text) {
  const Result<T> value = read<T>(text);
  return value.ok() ? "no error" : value.error().to_string();
}

TEST(Convert, EveryTypeComesBackAsItWas) {
  const Outer value{true,
                    std::numeric_limits<int64_t>::min(),
                    std::numeric_limits<uint64_t>::max(),
                    0.1,
                    {Bytes("\x00\xff\n", 3)},
                    Colour::kBlue,
                    {{"ä\"\n", 7}, {"", std::nullopt}},
                    {{"a", 1}, {"b", -1}},
                    Duration::nanos(5),
                    WallTime::from_seconds(7),
                    {"t", "n", "i"}};
  const Result<std::string> text = to_json(value).write();
  ASSERT_TRUE(text.ok()) << text.error().to_string();
  const Result<Outer> back = read<Outer>(*text);
  ASSERT_TRUE(back.ok()) << back.error().to_string();
  EXPECT_EQ(*back, value);
}

TEST(Convert, AStructIsAnObjectOfItsFields) {
  EXPECT_EQ(to_json(Inner{"x", 3}).write().value(), R"({"name":"x","count":3})");
  EXPECT_EQ(to_json(Inner{"x", std::nullopt}).write().value(), R"({"name":"x","count":null})");
}

TEST(Convert, MissingMembersKeepTheirDefaultsAndUnknownOnesArePassedOver) {
  EXPECT_EQ(read<Inner>(R"({"later":[1,{}],"name":"y"})").value(), (Inner{"y", std::nullopt}));
}

TEST(Convert, IntegersAreExactAndNeverWrapped) {
  EXPECT_EQ(read<int64_t>("9223372036854775807").value(), 9223372036854775807);
  EXPECT_EQ(read<uint64_t>("18446744073709551615").value(), 18446744073709551615U);
  EXPECT_EQ(error_of<int8_t>("128"),
            "invalid_argument: expected an integer from -128 to 127, got the number 128");
  EXPECT_EQ(error_of<uint32_t>("-1"),
            "invalid_argument: expected an integer from 0 to 4294967295, got the number -1");
  EXPECT_EQ(error_of<int64_t>("18446744073709551615"),
            "invalid_argument: expected an integer from -9223372036854775808 to "
            "9223372036854775807, got the number 18446744073709551615");
  EXPECT_EQ(error_of<int64_t>("1.0"), "invalid_argument: expected an integer, got the number 1.0");
  EXPECT_EQ(read<double>("3").value(), 3.0);
}

TEST(Convert, ErrorsSayWhereWhatWasExpectedAndWhatCame) {
  EXPECT_EQ(error_of<bool>("0"), "invalid_argument: expected true or false, got the number 0");
  EXPECT_EQ(error_of<std::string>("null"), "invalid_argument: expected a string, got null");
  EXPECT_EQ(error_of<std::vector<int>>("{}"), "invalid_argument: expected an array, got an object");
  EXPECT_EQ(error_of<Outer>(R"({"list":[{"name":"a"},{"name":5}]})"),
            "invalid_argument: list: [1]: name: expected a string, got the number 5");
  EXPECT_EQ((error_of<std::map<std::string, int>>(R"({"k":"v"})")),
            "invalid_argument: k: expected an integer, got a string");
  EXPECT_EQ(error_of<Blob>("3"),
            "invalid_argument: expected bytes as a string in base64, got the number 3");
  EXPECT_FALSE(read<Blob>("\"not base64!\"").ok());
}

TEST(Convert, ArgumentsAreCountedAndNamedByTheirPlace) {
  using Two = std::tuple<int, std::string>;
  EXPECT_EQ(detail::encode_arguments(Two(1, "a")).value(), R"([1,"a"])");
  EXPECT_EQ(detail::decode_arguments<Two>(R"([1,"a"])").value(), Two(1, "a"));
  EXPECT_EQ(detail::decode_arguments<Two>("[1]").error().message, "expected 2 arguments, got 1");
  EXPECT_EQ(detail::decode_arguments<Two>("[1,2]").error().message,
            "argument 2: expected a string, got the number 2");
  EXPECT_EQ(detail::decode_arguments<Two>("7").error().message,
            "expected the arguments as a JSON array, got the number 7");
  EXPECT_EQ(detail::decode_arguments<Two>("[1,").error().code, Code::kInvalidArgument);
  EXPECT_TRUE(detail::decode_arguments<std::tuple<>>("").ok());
}

TEST(Json, WhatCouldNotBeReadBackIsNotWritten) {
  EXPECT_EQ(to_json(std::string("\xff")).write().error().message,
            "expected a string in UTF-8, got other bytes; use kelpie::Blob");
  EXPECT_FALSE(to_json(std::nan("")).write().ok());
  EXPECT_FALSE(to_json(HUGE_VAL).write().ok());
  Json deep;
  for (int level = 0; level < 64; ++level) {
    deep = Json::array({deep});
  }
  const Result<std::string> text = deep.write();
  ASSERT_TRUE(text.ok());
  EXPECT_TRUE(Json::parse(*text).ok());
  EXPECT_FALSE(Json::array({deep}).write().ok());
}

TEST(Json, RefusesWhatIsNotOneValue) {
  for (const char* text : {"", "nul", "[1", "1 2", "{\"a\"}", "\"\xff\""}) {
    EXPECT_EQ(Json::parse(text).error().code, Code::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace kelpie
