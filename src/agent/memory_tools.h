// The built-in memory tools: pure functions from a block and arguments to a new value.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "agent/records.h"
#include "base/result.h"
#include "llm/model.h"

namespace kelpie::agent {

// What a tool call asks of one block.
struct MemoryEdit {
  std::string label;
  std::string value;  // the block's new value
};

// Names of the tools that this server can run, in the order in which the model sees them.
const std::vector<std::string>& builtin_tool_names();
bool is_builtin_tool(std::string_view name);
// Schema and description, as the model and the tools' lists show them.
llm::ToolSpec builtin_tool_spec(std::string_view name);

// What a tool returns reaches the model whole up to so many characters.
inline constexpr int64_t kToolReturnCharactersMax = 50'000;
// The beginning of a longer text, with a note that gives both numbers.
std::string limited_return(std::string text);

// The label that a memory tool's arguments name; `invalid_argument` if they are not an object with
// one.
Result<std::string> edited_label(std::string_view arguments);
// Applies `memory_insert` or `memory_replace`; errors (`invalid_argument`) are told to the model.
Result<MemoryEdit> apply_memory_tool(std::string_view tool, std::string_view arguments,
                                     const Block& block);

// Length in Unicode code points of valid UTF-8: what a block's limit counts.
int64_t characters(std::string_view text);

}  // namespace kelpie::agent
