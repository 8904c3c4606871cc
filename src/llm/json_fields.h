// Looks at fields of JSON that others wrote: what is missing or has another type is simply not
// there.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kelpie::llm {

inline const boost::json::value* field(const boost::json::object& object, std::string_view name) {
  return object.if_contains(name);
}

inline const boost::json::object* object_field(const boost::json::object& object,
                                               std::string_view name) {
  const boost::json::value* value = field(object, name);
  return value == nullptr ? nullptr : value->if_object();
}

inline const boost::json::array* array_field(const boost::json::object& object,
                                             std::string_view name) {
  const boost::json::value* value = field(object, name);
  return value == nullptr ? nullptr : value->if_array();
}

inline std::optional<std::string_view> string_field(const boost::json::object& object,
                                                    std::string_view name) {
  const boost::json::value* value = field(object, name);
  if (value == nullptr || !value->is_string()) {
    return std::nullopt;
  }
  return std::string_view(value->get_string());
}

inline std::optional<bool> bool_field(const boost::json::object& object, std::string_view name) {
  const boost::json::value* value = field(object, name);
  if (value == nullptr || !value->is_bool()) {
    return std::nullopt;
  }
  return value->get_bool();
}

// Whole numbers only, also when they are written as 3.0.
std::optional<int64_t> int_field(const boost::json::object& object, std::string_view name);

// A string, or an array of parts of which those of type `text` (or none) are joined; nullopt for
// anything else, null included.
std::optional<std::string> text_of(const boost::json::value& content);

}  // namespace kelpie::llm
