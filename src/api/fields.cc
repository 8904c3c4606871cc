#include "api/fields.h"

#include <boost/json/value.hpp>
#include <utility>

namespace kelpie::api {

namespace json = boost::json;

const json::value* Fields::any(std::string_view name) const {
  const json::value* value = object_.if_contains(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

void Fields::fail(std::string message) {
  if (!error_.has_value()) {
    error_ = base::out_of_range(std::move(message));
  }
}

void Fields::expected(std::string_view name, std::string_view what) {
  fail(path(name) + ": expected " + std::string(what));
}

Result<void> Fields::check() const {
  if (error_.has_value()) {
    return *error_;
  }
  return kOk;
}

std::optional<std::string> Fields::text(std::string_view name) {
  const json::value* value = any(name);
  if (value == nullptr) {
    return std::nullopt;
  }
  if (!value->is_string()) {
    expected(name, "a string");
    return std::nullopt;
  }
  return std::string(value->get_string());
}

std::optional<int64_t> Fields::integer(std::string_view name, int64_t low, int64_t high) {
  const json::value* value = any(name);
  if (value == nullptr) {
    return std::nullopt;
  }
  if (!value->is_int64() || value->get_int64() < low || value->get_int64() > high) {
    expected(name, "an integer from " + std::to_string(low) + " to " + std::to_string(high));
    return std::nullopt;
  }
  return value->get_int64();
}

std::optional<bool> Fields::flag(std::string_view name) {
  const json::value* value = any(name);
  if (value == nullptr) {
    return std::nullopt;
  }
  if (!value->is_bool()) {
    expected(name, "true or false");
    return std::nullopt;
  }
  return value->get_bool();
}

std::optional<std::vector<std::string>> Fields::texts(std::string_view name) {
  const json::array* items = array(name);
  if (items == nullptr) {
    return std::nullopt;
  }
  std::vector<std::string> texts;
  for (const json::value& item : *items) {
    if (!item.is_string()) {
      expected(name, "a list of strings");
      return std::nullopt;
    }
    texts.emplace_back(item.get_string());
  }
  return texts;
}

const json::object* Fields::object(std::string_view name) {
  const json::value* value = any(name);
  if (value == nullptr) {
    return nullptr;
  }
  if (!value->is_object()) {
    expected(name, "an object");
    return nullptr;
  }
  return &value->get_object();
}

const json::array* Fields::array(std::string_view name) {
  const json::value* value = any(name);
  if (value == nullptr) {
    return nullptr;
  }
  if (!value->is_array()) {
    expected(name, "a list");
    return nullptr;
  }
  return &value->get_array();
}

void Fields::refuse(std::string_view name) {
  const json::value* value = any(name);
  if (value == nullptr || (value->is_bool() && !value->get_bool()) ||
      (value->is_array() && value->get_array().empty()) ||
      (value->is_object() && value->get_object().empty())) {
    return;
  }
  if (!error_.has_value()) {
    error_ =
        base::invalid_argument(path(name) + " is not supported by this server yet; leave it out");
  }
}

}  // namespace kelpie::api
