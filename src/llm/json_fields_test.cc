#include "llm/json_fields.h"

#include <gtest/gtest.h>

#include "codec/json.h"

namespace kelpie::llm {
namespace {

boost::json::object parse(std::string_view text) {
  return codec::parse_json(text).value().as_object();
}

TEST(JsonFields, TakesWhatHasAnotherTypeAsNotThere) {
  const auto object = parse(R"({"s":"x","n":7,"b":true,"o":{},"a":[],"z":null})");
  EXPECT_EQ(string_field(object, "s"), "x");
  EXPECT_FALSE(string_field(object, "n"));
  EXPECT_FALSE(string_field(object, "none"));
  EXPECT_EQ(bool_field(object, "b"), true);
  EXPECT_FALSE(bool_field(object, "s"));
  EXPECT_NE(object_field(object, "o"), nullptr);
  EXPECT_EQ(object_field(object, "z"), nullptr);
  EXPECT_NE(array_field(object, "a"), nullptr);
  EXPECT_EQ(array_field(object, "o"), nullptr);
}

TEST(JsonFields, ReadsWholeNumbersHoweverTheyAreWritten) {
  const auto object = parse(R"({"i":-3,"d":4.0,"f":4.5,"big":18446744073709551615,"huge":1e300})");
  EXPECT_EQ(int_field(object, "i"), -3);
  EXPECT_EQ(int_field(object, "d"), 4);
  EXPECT_FALSE(int_field(object, "f"));
  EXPECT_FALSE(int_field(object, "big"));
  EXPECT_FALSE(int_field(object, "huge"));
}

TEST(JsonFields, JoinsThePartsOfATextAndPassesOverOthers) {
  const auto object =
      parse(R"({"t":[{"type":"text","text":"a"},{"type":"image_url"},"b",7],"n":null})");
  EXPECT_EQ(text_of(object.at("t")), "ab");
  EXPECT_FALSE(text_of(object.at("n")));
}

}  // namespace
}  // namespace kelpie::llm
