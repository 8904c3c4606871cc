#include "agent/memory_tools.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <cctype>
#include <optional>
#include <utility>

#include "base/check.h"
#include "codec/json.h"

namespace kelpie::agent {
namespace {

namespace json = boost::json;

json::object text_property(std::string_view description) {
  return json::object{{"type", "string"}, {"description", description}};
}

llm::ToolSpec memory_insert_spec() {
  return {"memory_insert",
          "Adds a line of text to one of your memory blocks, at the end or at a chosen line.",
          json::object{
              {"type", "object"},
              {"properties",
               json::object{
                   {"label", text_property("Which block to edit.")},
                   {"new_string", text_property("The text to add, without a line number.")},
                   {"insert_line", json::object{{"type", "integer"},
                                                {"description",
                                                 "Add it after this line; 0 is the beginning of "
                                                 "the block, -1 (the default) its end."}}}}},
              {"required", json::array{"label", "new_string"}}}};
}

llm::ToolSpec memory_replace_spec() {
  return {"memory_replace",
          "Replaces a piece of text in one of your memory blocks. The old text must occur in the "
          "block exactly once, to the letter.",
          json::object{
              {"type", "object"},
              {"properties",
               json::object{
                   {"label", text_property("Which block to edit.")},
                   {"old_string", text_property("The text that is there now, exact and unique.")},
                   {"new_string", text_property("What stands there afterwards; empty removes "
                                                "the old text.")}}},
              {"required", json::array{"label", "old_string", "new_string"}}}};
}

Result<json::object> parse_arguments(std::string_view arguments) {
  auto value = codec::parse_json(arguments);
  if (!value.ok()) {
    return base::invalid_argument("the arguments are not valid JSON: " + value.error().message);
  }
  if (!value->is_object()) {
    return base::invalid_argument("the arguments must be a JSON object");
  }
  return std::move(value->get_object());
}

Result<std::string> text_argument(const json::object& arguments, std::string_view name) {
  const json::value* value = arguments.if_contains(name);
  if (value == nullptr || !value->is_string()) {
    return base::invalid_argument("the argument \"" + std::string(name) + "\" must be a string");
  }
  return std::string(value->get_string());
}

// `12→ text` in any line: the model copied a line number of a numbered view into its text.
bool has_line_number(std::string_view text) {
  size_t start = 0;
  while (start < text.size()) {
    size_t i = start;
    while (i < text.size() && std::isdigit(static_cast<unsigned char>(text[i])) != 0) {
      ++i;
    }
    constexpr std::string_view kArrow = "\u2192";
    if (i > start && text.substr(i).starts_with(kArrow)) {
      return true;
    }
    const size_t end = text.find('\n', start);
    if (end == std::string_view::npos) {
      break;
    }
    start = end + 1;
  }
  return false;
}

Result<std::string> insert(const Block& block, const json::object& arguments) {
  std::string added = TRY(text_argument(arguments, "new_string"));
  if (has_line_number(added)) {
    return base::invalid_argument("new_string must not carry line numbers of the view");
  }
  int64_t line = -1;
  if (const json::value* given = arguments.if_contains("insert_line")) {
    if (!given->is_int64()) {
      return base::invalid_argument("the argument \"insert_line\" must be an integer");
    }
    line = given->get_int64();
  }
  const int64_t lines = 1 + std::count(block.value.begin(), block.value.end(), '\n');
  if (line < -1 || line > lines) {
    return base::invalid_argument("insert_line must be -1 or 0 to " + std::to_string(lines) +
                                  ", got " + std::to_string(line));
  }
  if (block.value.empty()) {
    return added;
  }
  if (line == -1 || line == lines) {
    return block.value + "\n" + added;
  }
  size_t at = 0;
  for (int64_t passed = 0; passed < line; ++passed) {
    at = block.value.find('\n', at) + 1;
  }
  return block.value.substr(0, at) + added + "\n" + block.value.substr(at);
}

Result<std::string> replace(const Block& block, const json::object& arguments) {
  const std::string old_text = TRY(text_argument(arguments, "old_string"));
  const std::string new_text = TRY(text_argument(arguments, "new_string"));
  if (old_text.empty()) {
    return base::invalid_argument("old_string must not be empty");
  }
  if (has_line_number(old_text) || has_line_number(new_text)) {
    return base::invalid_argument("old_string and new_string must not carry line numbers");
  }
  const size_t at = block.value.find(old_text);
  if (at == std::string::npos) {
    return base::invalid_argument("old_string does not occur in the block \"" + block.label + "\"");
  }
  if (block.value.find(old_text, at + 1) != std::string::npos) {
    return base::invalid_argument("old_string occurs more than once in the block \"" + block.label +
                                  "\"; give more of its surroundings");
  }
  return block.value.substr(0, at) + new_text + block.value.substr(at + old_text.size());
}

}  // namespace

const std::vector<std::string>& builtin_tool_names() {
  static const std::vector<std::string> kNames = {"memory_insert", "memory_replace"};
  return kNames;
}

bool is_builtin_tool(std::string_view name) {
  return std::ranges::find(builtin_tool_names(), name) != builtin_tool_names().end();
}

llm::ToolSpec builtin_tool_spec(std::string_view name) {
  CHECK(is_builtin_tool(name));
  return name == "memory_insert" ? memory_insert_spec() : memory_replace_spec();
}

Result<std::string> edited_label(std::string_view arguments) {
  return TRY(text_argument(TRY(parse_arguments(arguments)), "label"));
}

Result<MemoryEdit> apply_memory_tool(std::string_view tool, std::string_view arguments,
                                     const Block& block) {
  CHECK(is_builtin_tool(tool));
  const json::object parsed = TRY(parse_arguments(arguments));
  if (block.read_only) {
    return base::invalid_argument("the block \"" + block.label + "\" is read-only");
  }
  std::string value =
      tool == "memory_insert" ? TRY(insert(block, parsed)) : TRY(replace(block, parsed));
  const int64_t length = characters(value);
  if (length > block.limit) {
    return base::invalid_argument("the block \"" + block.label + "\" would have " +
                                  std::to_string(length) + " characters, its limit is " +
                                  std::to_string(block.limit));
  }
  return MemoryEdit{block.label, std::move(value)};
}

std::string limited_return(std::string text) {
  const int64_t length = characters(text);
  if (length <= kToolReturnCharactersMax) {
    return text;
  }
  size_t end = 0;
  for (int64_t left = kToolReturnCharactersMax; end < text.size(); ++end) {
    const bool starts_character = (static_cast<unsigned char>(text[end]) & 0xc0) != 0x80;
    if (starts_character && left-- == 0) {
      break;
    }
  }
  text.resize(end);
  text += "\n[cut: the first " + std::to_string(kToolReturnCharactersMax) + " of " +
          std::to_string(length) + " characters]";
  return text;
}

int64_t characters(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
}

}  // namespace kelpie::agent
