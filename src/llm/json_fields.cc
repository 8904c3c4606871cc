#include "llm/json_fields.h"

#include <cmath>

namespace kelpie::llm {

std::optional<int64_t> int_field(const boost::json::object& object, std::string_view name) {
  const boost::json::value* value = field(object, name);
  if (value == nullptr) {
    return std::nullopt;
  }
  if (value->is_int64()) {
    return value->get_int64();
  }
  if (value->is_uint64()) {
    return std::nullopt;  // beyond int64
  }
  // 2^53: beyond it a double does not say which whole number was meant.
  constexpr double kExactMax = 9007199254740992.0;
  if (value->is_double() && std::trunc(value->get_double()) == value->get_double() &&
      std::abs(value->get_double()) <= kExactMax) {
    return static_cast<int64_t>(value->get_double());
  }
  return std::nullopt;
}

std::optional<std::string> text_of(const boost::json::value& content) {
  if (const boost::json::string* text = content.if_string()) {
    return std::string(std::string_view(*text));
  }
  const boost::json::array* parts = content.if_array();
  if (parts == nullptr) {
    return std::nullopt;
  }
  std::string text;
  for (const boost::json::value& part : *parts) {
    if (const boost::json::string* plain = part.if_string()) {
      text.append(std::string_view(*plain));
    } else if (const boost::json::object* object = part.if_object()) {
      text.append(string_field(*object, "text").value_or(""));
    }
  }
  return text;
}

}  // namespace kelpie::llm
