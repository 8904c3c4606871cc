#include "agent/memory_tools.h"

#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <vector>

#include "codec/json.h"

namespace kelpie::agent {
namespace {

TEST(LimitedReturn, CutsBetweenCharactersAndGivesBothNumbers) {
  const std::string whole(kToolReturnCharactersMax, 'x');
  EXPECT_EQ(limited_return(whole), whole);
  std::string longer;
  for (int64_t i = 0; i < kToolReturnCharactersMax + 7; ++i) {
    longer += "\u00e9";
  }
  const std::string cut = limited_return(longer);
  EXPECT_TRUE(cut.starts_with(longer.substr(0, 2 * kToolReturnCharactersMax) + "\n[cut"));
  EXPECT_NE(cut.find("50000 of 50007"), std::string::npos);
}

namespace json = boost::json;

Block block_of(std::string value, int64_t limit = 1'000) {
  Block block;
  block.label = "human";
  block.value = std::move(value);
  block.limit = limit;
  return block;
}

std::string insert_arguments(const std::string& text, int64_t line) {
  return codec::write_json(
      json::object{{"label", "human"}, {"new_string", text}, {"insert_line", line}});
}

std::string replace_arguments(const std::string& from, const std::string& to) {
  return codec::write_json(
      json::object{{"label", "human"}, {"old_string", from}, {"new_string", to}});
}

// The new value, or `error: ` and the code.
std::string outcome(std::string_view tool, const std::string& arguments, const Block& block) {
  auto edit = apply_memory_tool(tool, arguments, block);
  if (!edit.ok()) {
    EXPECT_FALSE(edit.error().message.empty());
    return "error: " + std::string(base::code_name(edit.error().code));
  }
  EXPECT_EQ(edit->label, block.label);
  return edit->value;
}

const std::string kRefused = "error: invalid_argument";

TEST(MemoryInsert, AddsALineAtEveryPlaceOfTheBlock) {
  struct Case {
    std::string value;
    int64_t line;
    std::string expected;
  };
  for (const Case& c : std::vector<Case>{{"a\nb\nc", -1, "a\nb\nc\nNEW"},
                                         {"a\nb\nc", 0, "NEW\na\nb\nc"},
                                         {"a\nb\nc", 1, "a\nNEW\nb\nc"},
                                         {"a\nb\nc", 2, "a\nb\nNEW\nc"},
                                         {"a\nb\nc", 3, "a\nb\nc\nNEW"},
                                         {"a\nb\nc", 4, kRefused},
                                         {"a\nb\nc", -2, kRefused},
                                         {"a\nb\nc", INT64_MAX, kRefused},
                                         {"a\nb\nc", INT64_MIN, kRefused},
                                         {"a", 0, "NEW\na"},
                                         {"a", 1, "a\nNEW"},
                                         {"a", 2, kRefused},
                                         {"a\n", 1, "a\nNEW\n"},
                                         {"a\n", 2, "a\n\nNEW"},
                                         {"", -1, "NEW"},
                                         {"", 0, "NEW"},
                                         {"", 1, "NEW"},
                                         {"", 2, kRefused},
                                         {"", -7, kRefused}}) {
    EXPECT_EQ(outcome("memory_insert", insert_arguments("NEW", c.line), block_of(c.value)),
              c.expected)
        << c.value << " at " << c.line;
  }
}

TEST(MemoryInsert, AddsAtTheEndWhenNoLineIsGiven) {
  EXPECT_EQ(outcome("memory_insert", R"({"label":"human","new_string":"b"})", block_of("a")),
            "a\nb");
}

TEST(MemoryInsert, TakesSeveralLinesAtOnce) {
  EXPECT_EQ(outcome("memory_insert", insert_arguments("x\ny", 1), block_of("a\nb")), "a\nx\ny\nb");
}

TEST(MemoryReplace, ReplacesTextThatOccursExactlyOnce) {
  struct Case {
    std::string value, from, to, expected;
  };
  for (const Case& c : std::vector<Case>{{"tea and milk", "tea", "coffee", "coffee and milk"},
                                         {"tea and milk", "milk", "", "tea and "},
                                         {"tea and milk", "tea and milk", "x", "x"},
                                         {"a\nb\nc", "a\nb", "z", "z\nc"},
                                         {"tea", "Tea", "x", kRefused},
                                         {"tea", "coffee", "x", kRefused},
                                         {"", "x", "y", kRefused},
                                         {"tea tea", "tea", "x", kRefused},
                                         {"aaa", "aa", "x", kRefused},
                                         {"tea", "", "x", kRefused},
                                         {"tea", "tea", "tea", "tea"}}) {
    EXPECT_EQ(outcome("memory_replace", replace_arguments(c.from, c.to), block_of(c.value)),
              c.expected)
        << c.value << ": " << c.from << " -> " << c.to;
  }
}

TEST(MemoryTools, RefuseTheLineNumbersOfAView) {
  const Block block = block_of("tea");
  for (const char* numbered : {"1\u2192tea", "12\u2192 tea", "tea\n3\u2192 milk"}) {
    EXPECT_EQ(outcome("memory_insert", insert_arguments(numbered, -1), block), kRefused);
    EXPECT_EQ(outcome("memory_replace", replace_arguments(numbered, "x"), block), kRefused);
    EXPECT_EQ(outcome("memory_replace", replace_arguments("tea", numbered), block), kRefused);
  }
  // A time of day, a list and an arrow are text like any other.
  for (const char* text : {"10: meeting", "1. tea", "a \u2192 b", "\u2192 b", "42"}) {
    EXPECT_EQ(outcome("memory_insert", insert_arguments(text, 0), block),
              std::string(text) + "\ntea");
  }
}

TEST(MemoryTools, ALimitCountsCodePointsAndNotBytes) {
  const std::string whale = "\xf0\x9f\x90\xb3";
  EXPECT_EQ(outcome("memory_insert", insert_arguments(whale + whale, -1), block_of("\xc3\xa9", 4)),
            "\xc3\xa9\n" + whale + whale);
  EXPECT_EQ(outcome("memory_insert", insert_arguments(whale + whale, -1), block_of("\xc3\xa9", 3)),
            kRefused);
  EXPECT_EQ(outcome("memory_replace", replace_arguments("a", "bcd"), block_of("a", 3)), "bcd");
  EXPECT_EQ(outcome("memory_replace", replace_arguments("a", "bcde"), block_of("a", 3)), kRefused);
}

TEST(MemoryTools, CharactersAreCodePoints) {
  EXPECT_EQ(characters(""), 0);
  EXPECT_EQ(characters("abc"), 3);
  EXPECT_EQ(characters("\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xb3"), 3);
}

TEST(MemoryTools, AReadOnlyBlockIsNotEdited) {
  Block block = block_of("tea");
  block.read_only = true;
  EXPECT_EQ(outcome("memory_insert", insert_arguments("x", -1), block), kRefused);
  EXPECT_EQ(outcome("memory_replace", replace_arguments("tea", "x"), block), kRefused);
}

TEST(MemoryTools, MalformedArgumentsAreToldAndNothingIsEdited) {
  for (const char* arguments :
       {"", "{", "null", "[]", "7", "\"x\"", "{\"label\":\"human\"} trailing", R"({"label":7})",
        R"({"label":"human"})", R"({"label":"human","new_string":7})",
        R"({"label":"human","new_string":null})", R"({"label":"human","old_string":"tea"})",
        R"({"label":"human","new_string":"x","old_string":[],"insert_line":"1"})",
        R"({"label":"human","new_string":"x","insert_line":1.5})",
        R"({"label":"human","new_string":"x","insert_line":99999999999999999999})"}) {
    EXPECT_EQ(outcome("memory_insert", arguments, block_of("tea")), kRefused) << arguments;
    EXPECT_EQ(outcome("memory_replace", arguments, block_of("tea")), kRefused) << arguments;
  }
}

TEST(MemoryTools, TheLabelIsReadFromTheArguments) {
  EXPECT_EQ(edited_label(R"({"label":"human"})").value(), "human");
  for (const char* bad : {"", "{}", "[]", R"({"label":1})", R"({"label":null})"}) {
    EXPECT_EQ(edited_label(bad).error().code, Code::kInvalidArgument) << bad;
  }
}

TEST(MemoryTools, EveryToolHasASchemaThatRequiresItsLabel) {
  ASSERT_EQ(builtin_tool_names(), (std::vector<std::string>{"memory_insert", "memory_replace"}));
  for (const std::string& name : builtin_tool_names()) {
    EXPECT_TRUE(is_builtin_tool(name));
    const llm::ToolSpec spec = builtin_tool_spec(name);
    EXPECT_EQ(spec.name, name);
    EXPECT_FALSE(spec.description.empty());
    const json::object& properties = spec.parameters.at("properties").as_object();
    for (const json::value& required : spec.parameters.at("required").as_array()) {
      EXPECT_TRUE(properties.contains(required.as_string())) << name;
    }
    EXPECT_EQ(spec.parameters.at("required").at(0).as_string(), "label");
  }
  EXPECT_FALSE(is_builtin_tool("memory"));
  EXPECT_FALSE(is_builtin_tool(""));
}

}  // namespace
}  // namespace kelpie::agent
