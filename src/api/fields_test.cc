#include "api/fields.h"

#include <gtest/gtest.h>

#include <boost/json/value.hpp>
#include <functional>
#include <string>
#include <vector>

#include "codec/json.h"

namespace kelpie::api {
namespace {

namespace json = boost::json;

json::object object_of(std::string_view text) {
  return codec::parse_json(text).value().as_object();
}

TEST(Fields, AMissingOrNullMemberIsNotGiven) {
  for (const char* text : {"{}", R"({"x":null})"}) {
    const json::object object = object_of(text);
    Fields fields(object, "body");
    EXPECT_FALSE(fields.text("x").has_value());
    EXPECT_FALSE(fields.integer("x", 0, 1).has_value());
    EXPECT_FALSE(fields.flag("x").has_value());
    EXPECT_FALSE(fields.texts("x").has_value());
    EXPECT_EQ(fields.object("x"), nullptr);
    EXPECT_EQ(fields.array("x"), nullptr);
    EXPECT_EQ(fields.any("x"), nullptr);
    fields.refuse("x");
    EXPECT_TRUE(fields.check().ok()) << text;
  }
}

TEST(Fields, AMemberOfItsTypeIsRead) {
  const json::object object =
      object_of(R"({"t":"","i":-3,"b":false,"l":["a",""],"o":{"k":1},"n":7.5})");
  Fields fields(object, "body");
  EXPECT_EQ(fields.text("t"), "");
  EXPECT_EQ(fields.integer("i", -3, -3), -3);
  EXPECT_EQ(fields.flag("b"), false);
  EXPECT_EQ(fields.texts("l"), (std::vector<std::string>{"a", ""}));
  EXPECT_EQ(fields.object("o")->at("k").as_int64(), 1);
  EXPECT_EQ(fields.array("l")->size(), 2U);
  EXPECT_EQ(fields.any("n")->as_double(), 7.5);
  EXPECT_TRUE(fields.check().ok());
}

TEST(Fields, AMemberOfAnotherTypeIsAnErrorWithItsPath) {
  struct Row {
    std::string value;
    std::function<void(Fields&)> read;
    std::string says;
  };
  const auto text = [](Fields& f) { f.text("x"); };
  const auto integer = [](Fields& f) { f.integer("x", 1, 9); };
  const auto flag = [](Fields& f) { f.flag("x"); };
  const auto texts = [](Fields& f) { f.texts("x"); };
  const auto object = [](Fields& f) { f.object("x"); };
  const auto array = [](Fields& f) { f.array("x"); };
  const std::vector<Row> rows = {
      {"7", text, "a string"},
      {"[]", text, "a string"},
      {"\"7\"", integer, "an integer from 1 to 9"},
      {"0", integer, "an integer from 1 to 9"},
      {"10", integer, "an integer from 1 to 9"},
      {"5.0", integer, "an integer from 1 to 9"},
      {"true", integer, "an integer from 1 to 9"},
      {"18446744073709551615", integer, "an integer from 1 to 9"},
      {"1e99", integer, "an integer from 1 to 9"},
      {"1", flag, "true or false"},
      {"\"true\"", flag, "true or false"},
      {"\"a\"", texts, "a list"},
      {"[\"a\",1]", texts, "a list of strings"},
      {"[null]", texts, "a list of strings"},
      {"[]", object, "an object"},
      {"{}", array, "a list"},
  };
  for (const Row& row : rows) {
    const json::object body = object_of("{\"x\":" + row.value + "}");
    Fields fields(body, "body.messages.0");
    row.read(fields);
    const auto checked = fields.check();
    ASSERT_FALSE(checked.ok()) << row.value;
    EXPECT_EQ(checked.error().code, Code::kOutOfRange);
    EXPECT_EQ(checked.error().message, "body.messages.0.x: expected " + row.says);
  }
}

TEST(Fields, TheFirstErrorIsTheOneThatIsTold) {
  const json::object object = object_of(R"({"a":1,"b":1,"c":true})");
  Fields fields(object, "body");
  fields.text("a");
  fields.text("b");
  fields.refuse("c");
  fields.fail("last");
  EXPECT_EQ(fields.check().error().message, "body.a: expected a string");
}

TEST(Fields, WhatIsNotSupportedIsRefusedUnlessItAsksForNothing) {
  struct Row {
    const char* value;
    bool refused;
  };
  for (const Row& row : std::vector<Row>{{"null", false},
                                         {"false", false},
                                         {"[]", false},
                                         {"{}", false},
                                         {"true", true},
                                         {"[1]", true},
                                         {"{\"a\":1}", true},
                                         {"\"\"", true},
                                         {"0", true}}) {
    const json::object object = object_of(std::string("{\"x\":") + row.value + "}");
    Fields fields(object, "body");
    fields.refuse("x");
    const auto checked = fields.check();
    EXPECT_EQ(checked.ok(), !row.refused) << row.value;
    if (!checked.ok()) {
      EXPECT_EQ(checked.error().code, Code::kInvalidArgument);
      EXPECT_NE(checked.error().message.find("body.x is not supported"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace kelpie::api
