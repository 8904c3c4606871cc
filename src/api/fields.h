// Fields: reads the members of a request's JSON object, and remembers the first one that is wrong.
// A member that is missing or null reads as "not given".
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kelpie::api {

class Fields {
 public:
  // `where` is the path of the object in the body, for messages: `body` or `body.messages.0`.
  Fields(const boost::json::object& object, std::string where)
      : object_(object), where_(std::move(where)) {}

  std::optional<std::string> text(std::string_view name);
  std::optional<int64_t> integer(std::string_view name, int64_t low, int64_t high);
  std::optional<bool> flag(std::string_view name);
  std::optional<std::vector<std::string>> texts(std::string_view name);
  const boost::json::object* object(std::string_view name);
  const boost::json::array* array(std::string_view name);
  // Any JSON; nullptr when not given.
  const boost::json::value* any(std::string_view name) const;
  // Something that this server does not do yet: an error unless it is absent, null, false, or
  // empty.
  void refuse(std::string_view name);

  // Of this object or of one inside it.
  void fail(std::string message);
  [[nodiscard]] std::string path(std::string_view name) const {
    return where_ + "." + std::string(name);
  }
  [[nodiscard]] Result<void> check() const;

 private:
  void expected(std::string_view name, std::string_view what);
  const boost::json::object& object_;
  std::string where_;
  std::optional<Error> error_;
};

}  // namespace kelpie::api
