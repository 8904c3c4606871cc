// Json: a value of JSON, as arguments, replies and stored states are written.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace kelpie {

// A value without identity: it is copied, moved and compared. Integers keep all 64 bits. Members
// keep their order, which counts when two objects are compared.
class Json {
 public:
  struct Member;
  using Array = std::vector<Json>;
  using Object = std::vector<Member>;

  Json();  // null
  Json(const Json& other);
  Json(Json&& other) noexcept;
  Json& operator=(const Json& other);
  Json& operator=(Json&& other) noexcept;
  ~Json();

  static Json boolean(bool value);
  static Json integer(int64_t value);
  static Json unsigned_integer(uint64_t value);
  static Json decimal(double value);
  static Json string(std::string value);
  static Json array(Array elements);
  static Json object(Object members);

  // `invalid_argument` with the byte position for text that is not one JSON value in UTF-8, or that
  // nests deeper than 64 levels.
  static Result<Json> parse(ByteView text);
  // Compact. `invalid_argument` for what could not be read back as it is: a string that is not
  // UTF-8, a number that is not finite, more than 64 levels.
  [[nodiscard]] Result<std::string> write() const;

  [[nodiscard]] bool is_null() const;
  // What it holds, or null: it is of another kind. An integer is one or the other: `as_unsigned`
  // only what does not fit in an int64_t.
  [[nodiscard]] const bool* as_boolean() const;
  [[nodiscard]] const int64_t* as_integer() const;
  [[nodiscard]] const uint64_t* as_unsigned() const;
  [[nodiscard]] const double* as_decimal() const;
  [[nodiscard]] const std::string* as_string() const;
  [[nodiscard]] const Array* as_array() const;
  [[nodiscard]] const Object* as_object() const;
  // The member of an object; null: there is none, or it is no object.
  [[nodiscard]] const Json* find(std::string_view name) const;

  // For errors: `a string`, `the number 300`, `null`.
  [[nodiscard]] std::string describe() const;

  bool operator==(const Json& other) const;

 private:
  using Value =
      std::variant<std::monostate, bool, int64_t, uint64_t, double, std::string, Array, Object>;
  explicit Json(Value value);
  Value value_;
};

struct Json::Member {
  std::string name;
  Json value;
  bool operator==(const Member&) const = default;
};

}  // namespace kelpie
