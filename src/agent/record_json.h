// What the stored records share: JSON objects with a format number, read leniently (an absent field
// is empty) but never by a version that does not know the format.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/records.h"
#include "base/bytes.h"
#include "base/result.h"

namespace kelpie::agent {

inline constexpr int64_t kRecordFormat = 1;

// The object of a stored `kind`. data_loss for what is no JSON object, or has another format than
// kRecordFormat: a field that this version does not know must not be lost by writing it back.
Result<boost::json::object> parse_record(ByteView bytes, std::string_view kind);

std::string text_of(const boost::json::object& object, std::string_view name);
int64_t number_of(const boost::json::object& object, std::string_view name);
bool flag_of(const boost::json::object& object, std::string_view name);
boost::json::object object_of(const boost::json::object& object, std::string_view name);
// Valid as long as `object`.
const boost::json::array& array_of(const boost::json::object& object, std::string_view name);
std::vector<std::string> texts_of(const boost::json::object& object, std::string_view name);

boost::json::array array_from(const std::vector<std::string>& texts);
// Empty fields are left out: most are.
void put_text(boost::json::object& object, std::string_view name, const std::string& text);

// Tool calls and their results, as messages and sessions hold them. data_loss for an item that is
// no object: to leave it out would be to answer another number of calls than were made.
boost::json::array array_from(const std::vector<llm::ToolCall>& calls);
boost::json::array array_from(const std::vector<ToolReturn>& returns);
Result<std::vector<llm::ToolCall>> tool_calls_of(const boost::json::object& object,
                                                 std::string_view name);
Result<std::vector<ToolReturn>> tool_returns_of(const boost::json::object& object,
                                                std::string_view name);

}  // namespace kelpie::agent
