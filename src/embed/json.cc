#include "kelpie/json.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>

#include "base/check.h"
#include "codec/json.h"

namespace kelpie {
namespace {

// What no writer takes: it could not be read back.
Result<void> check(const Json& value, size_t depth) {
  if (depth > codec::kJsonDepthMax) {
    return base::invalid_argument("a value nests at most " + std::to_string(codec::kJsonDepthMax) +
                                  " levels");
  }
  if (const std::string* text = value.as_string(); text != nullptr && !base::is_utf8(*text)) {
    return base::invalid_argument("expected a string in UTF-8, got other bytes; use kelpie::Blob");
  }
  if (const double* number = value.as_decimal(); number != nullptr && !std::isfinite(*number)) {
    return base::invalid_argument("expected a finite number, got " + std::to_string(*number));
  }
  if (const Json::Array* elements = value.as_array()) {
    for (const Json& element : *elements) {
      TRY(check(element, depth + 1));
    }
  }
  if (const Json::Object* members = value.as_object()) {
    for (const Json::Member& member : *members) {
      if (!base::is_utf8(member.name)) {
        return base::invalid_argument("expected a name in UTF-8, got other bytes");
      }
      TRY(check(member.value, depth + 1));
    }
  }
  return kOk;
}

boost::json::value to_boost(const Json& value) {
  if (const bool* boolean = value.as_boolean()) {
    return *boolean;
  }
  if (const int64_t* number = value.as_integer()) {
    return *number;
  }
  if (const uint64_t* number = value.as_unsigned()) {
    return *number;
  }
  if (const double* number = value.as_decimal()) {
    return *number;
  }
  if (const std::string* text = value.as_string()) {
    return boost::json::string(*text);
  }
  if (const Json::Array* elements = value.as_array()) {
    boost::json::array array;
    array.reserve(elements->size());
    for (const Json& element : *elements) {
      array.push_back(to_boost(element));
    }
    return array;
  }
  if (const Json::Object* members = value.as_object()) {
    boost::json::object object;
    for (const Json::Member& member : *members) {
      object[member.name] = to_boost(member.value);
    }
    return object;
  }
  return nullptr;
}

Json from_boost(const boost::json::value& value) {
  switch (value.kind()) {
    case boost::json::kind::null:
      return {};
    case boost::json::kind::bool_:
      return Json::boolean(value.get_bool());
    case boost::json::kind::int64:
      return Json::integer(value.get_int64());
    case boost::json::kind::uint64:
      return Json::unsigned_integer(value.get_uint64());
    case boost::json::kind::double_:
      return Json::decimal(value.get_double());
    case boost::json::kind::string:
      return Json::string(std::string(value.get_string()));
    case boost::json::kind::array: {
      Json::Array elements;
      elements.reserve(value.get_array().size());
      for (const boost::json::value& element : value.get_array()) {
        elements.push_back(from_boost(element));
      }
      return Json::array(std::move(elements));
    }
    case boost::json::kind::object: {
      Json::Object members;
      members.reserve(value.get_object().size());
      for (const boost::json::key_value_pair& member : value.get_object()) {
        members.push_back({std::string(member.key()), from_boost(member.value())});
      }
      return Json::object(std::move(members));
    }
  }
  return {};
}

}  // namespace

Json::Json() = default;
Json::Json(const Json& other) = default;
Json::Json(Json&& other) noexcept = default;
Json& Json::operator=(const Json& other) = default;
Json& Json::operator=(Json&& other) noexcept = default;
Json::~Json() = default;
Json::Json(Value value) : value_(std::move(value)) {}

Json Json::boolean(bool value) { return Json(Value(value)); }
Json Json::integer(int64_t value) { return Json(Value(value)); }
Json Json::unsigned_integer(uint64_t value) {
  const bool fits = value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  return fits ? integer(static_cast<int64_t>(value)) : Json(Value(value));
}
Json Json::decimal(double value) { return Json(Value(value)); }
Json Json::string(std::string value) { return Json(Value(std::move(value))); }
Json Json::array(Array elements) { return Json(Value(std::move(elements))); }
Json Json::object(Object members) { return Json(Value(std::move(members))); }

Result<Json> Json::parse(ByteView text) { return from_boost(TRY(codec::parse_json(text))); }

Result<std::string> Json::write() const {
  TRY(check(*this, 0));
  return codec::write_json(to_boost(*this));
}

bool Json::is_null() const { return std::holds_alternative<std::monostate>(value_); }
const bool* Json::as_boolean() const { return std::get_if<bool>(&value_); }
const int64_t* Json::as_integer() const { return std::get_if<int64_t>(&value_); }
const uint64_t* Json::as_unsigned() const { return std::get_if<uint64_t>(&value_); }
const double* Json::as_decimal() const { return std::get_if<double>(&value_); }
const std::string* Json::as_string() const { return std::get_if<std::string>(&value_); }
const Json::Array* Json::as_array() const { return std::get_if<Array>(&value_); }
const Json::Object* Json::as_object() const { return std::get_if<Object>(&value_); }

const Json* Json::find(std::string_view name) const {
  if (const Object* members = as_object()) {
    for (const Member& member : *members) {
      if (member.name == name) {
        return &member.value;
      }
    }
  }
  return nullptr;
}

std::string Json::describe() const {
  if (const bool* boolean = as_boolean()) {
    return *boolean ? "true" : "false";
  }
  if (as_integer() != nullptr || as_unsigned() != nullptr || as_decimal() != nullptr) {
    return "the number " + codec::write_json(to_boost(*this));
  }
  if (as_string() != nullptr) {
    return "a string";
  }
  if (as_array() != nullptr) {
    return "an array";
  }
  return as_object() != nullptr ? "an object" : "null";
}

bool Json::operator==(const Json& other) const { return value_ == other.value_; }

}  // namespace kelpie
