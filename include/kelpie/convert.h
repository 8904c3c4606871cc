// How C++ values become JSON and come back: arguments, replies, states.
//
//   bool                       true, false
//   integers of up to 64 bits  numbers, exact; out of range is an error, never wrapped
//   enums                      the number of the enumerator
//   double, float              numbers; an integer is accepted too
//   std::string                strings; must be UTF-8
//   Blob                       strings, base64
//   std::optional<T>           null or T
//   std::vector<T>             arrays
//   std::map<std::string, T>   objects
//   Duration, WallTime         nanoseconds, since 1970 for the latter
//   ActorRef                   {"type","ns","id"}
//   Json                       itself
//   structs                    objects, see fields.h
//
// A wrong type is `invalid_argument` that says where, what was expected and what came.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "actor/ref.h"
#include "base/time.h"
#include "kelpie/fields.h"
#include "kelpie/json.h"

namespace kelpie {

// Any bytes: unlike a std::string they need not be UTF-8.
struct Blob {
  Bytes bytes;
  bool operator==(const Blob&) const = default;
};

// Converts T: `static Json to(const T&)` and `static Result<T> from(const Json&)`. Specialise it
// for a type of your own that is not a struct with fields.
template <class T>
struct Convert;

template <class T>
Json to_json(const T& value) {
  return Convert<T>::to(value);
}
template <class T>
Result<T> from_json(const Json& json) {
  return Convert<T>::from(json);
}

namespace detail {

Error expected(std::string_view what, const Json& got);
std::string encode_base64(const Bytes& bytes);
Result<Bytes> decode_base64(const Json& json);

template <class T>
concept HasFields = requires { kelpie_fields(static_cast<const T*>(nullptr)); };

}  // namespace detail

template <>
struct Convert<Json> {
  static Json to(const Json& value) { return value; }
  static Result<Json> from(const Json& json) { return json; }
};

template <>
struct Convert<bool> {
  static Json to(bool value) { return Json::boolean(value); }
  static Result<bool> from(const Json& json) {
    if (const bool* value = json.as_boolean()) {
      return *value;
    }
    return detail::expected("true or false", json);
  }
};

template <std::integral T>
struct Convert<T> {
  static Json to(T value) {
    if constexpr (std::is_signed_v<T>) {
      return Json::integer(value);
    } else {
      return Json::unsigned_integer(value);
    }
  }
  static Result<T> from(const Json& json) {
    if (const int64_t* value = json.as_integer()) {
      return std::in_range<T>(*value) ? Result<T>(static_cast<T>(*value)) : beyond(json);
    }
    if (const uint64_t* value = json.as_unsigned()) {
      return std::in_range<T>(*value) ? Result<T>(static_cast<T>(*value)) : beyond(json);
    }
    return detail::expected("an integer", json);
  }

 private:
  static Result<T> beyond(const Json& json) {
    return detail::expected("an integer from " + std::to_string(std::numeric_limits<T>::min()) +
                                " to " + std::to_string(std::numeric_limits<T>::max()),
                            json);
  }
};

template <class T>
  requires std::is_enum_v<T>
struct Convert<T> {
  using Number = std::underlying_type_t<T>;
  static Json to(T value) { return Convert<Number>::to(static_cast<Number>(value)); }
  static Result<T> from(const Json& json) {
    return static_cast<T>(TRY(Convert<Number>::from(json)));
  }
};

template <std::floating_point T>
struct Convert<T> {
  static Json to(T value) { return Json::decimal(static_cast<double>(value)); }
  static Result<T> from(const Json& json) {
    if (const double* value = json.as_decimal()) {
      return static_cast<T>(*value);
    }
    if (const int64_t* value = json.as_integer()) {
      return static_cast<T>(*value);
    }
    if (const uint64_t* value = json.as_unsigned()) {
      return static_cast<T>(*value);
    }
    return detail::expected("a number", json);
  }
};

template <>
struct Convert<std::string> {
  static Json to(std::string value) { return Json::string(std::move(value)); }
  static Result<std::string> from(const Json& json) {
    if (const std::string* value = json.as_string()) {
      return *value;
    }
    return detail::expected("a string", json);
  }
};

template <>
struct Convert<Blob> {
  static Json to(const Blob& value) { return Json::string(detail::encode_base64(value.bytes)); }
  static Result<Blob> from(const Json& json) { return Blob{TRY(detail::decode_base64(json))}; }
};

template <class T>
struct Convert<std::optional<T>> {
  static Json to(const std::optional<T>& value) { return value ? to_json(*value) : Json(); }
  static Result<std::optional<T>> from(const Json& json) {
    if (json.is_null()) {
      return std::optional<T>();
    }
    return std::optional<T>(TRY(from_json<T>(json)));
  }
};

template <class T>
struct Convert<std::vector<T>> {
  static Json to(const std::vector<T>& values) {
    Json::Array elements;
    elements.reserve(values.size());
    for (const T& value : values) {
      elements.push_back(to_json(value));
    }
    return Json::array(std::move(elements));
  }
  static Result<std::vector<T>> from(const Json& json) {
    const Json::Array* elements = json.as_array();
    if (elements == nullptr) {
      return detail::expected("an array", json);
    }
    std::vector<T> values;
    values.reserve(elements->size());
    for (const Json& element : *elements) {
      Result<T> value = from_json<T>(element);
      if (!value.ok()) {
        return std::move(value).error().with_context("[" + std::to_string(values.size()) + "]");
      }
      values.push_back(std::move(value).value());
    }
    return values;
  }
};

template <class T>
struct Convert<std::map<std::string, T>> {
  static Json to(const std::map<std::string, T>& values) {
    Json::Object members;
    members.reserve(values.size());
    for (const auto& [name, value] : values) {
      members.push_back({name, to_json(value)});
    }
    return Json::object(std::move(members));
  }
  static Result<std::map<std::string, T>> from(const Json& json) {
    const Json::Object* members = json.as_object();
    if (members == nullptr) {
      return detail::expected("an object", json);
    }
    std::map<std::string, T> values;
    for (const Json::Member& member : *members) {
      Result<T> value = from_json<T>(member.value);
      if (!value.ok()) {
        return std::move(value).error().with_context(member.name);
      }
      values.insert_or_assign(member.name, std::move(value).value());
    }
    return values;
  }
};

template <>
struct Convert<Duration> {
  static Json to(Duration value) { return Json::integer(value.nanos()); }
  static Result<Duration> from(const Json& json) {
    return Duration::nanos(TRY(from_json<int64_t>(json)));
  }
};

template <>
struct Convert<WallTime> {
  static Json to(WallTime value) { return Json::integer(value.nanos()); }
  static Result<WallTime> from(const Json& json) {
    return WallTime::from_nanos(TRY(from_json<int64_t>(json)));
  }
};

template <detail::HasFields T>
struct Convert<T> {
  static Json to(const T& value) {
    Json::Object members;
    std::apply(
        [&](const auto&... field) {
          (members.push_back({std::string(field.name), to_json(value.*field.member)}), ...);
        },
        kelpie_fields(static_cast<const T*>(nullptr)));
    return Json::object(std::move(members));
  }
  static Result<T> from(const Json& json) {
    if (json.as_object() == nullptr) {
      return detail::expected("an object", json);
    }
    T value{};
    Result<void> read = kOk;
    std::apply(
        [&](const auto&... field) {
          static_cast<void>(((read = set(value, field, json)).ok() && ...));
        },
        kelpie_fields(static_cast<const T*>(nullptr)));
    TRY(read);
    return value;
  }

 private:
  template <class Member>
  static Result<void> set(T& into, const detail::Field<T, Member>& field, const Json& json) {
    const Json* member = json.find(field.name);
    if (member == nullptr) {
      return kOk;
    }
    Result<Member> value = from_json<Member>(*member);
    if (!value.ok()) {
      return std::move(value).error().with_context(field.name);
    }
    into.*field.member = std::move(value).value();
    return kOk;
  }
};

namespace detail {

// Arguments are a JSON array.
Result<Bytes> encode_array(Json::Array elements);
Result<Json::Array> decode_array(ByteView bytes, size_t size);
Error in_argument(Error error, size_t index);

template <class... T>
Result<Bytes> encode_arguments(const std::tuple<T...>& values) {
  Json::Array elements;
  elements.reserve(sizeof...(T));
  std::apply([&](const T&... value) { (elements.push_back(to_json(value)), ...); }, values);
  return encode_array(std::move(elements));
}

template <class T>
Result<void> set_argument(T& into, const Json& json, size_t index) {
  Result<T> value = from_json<T>(json);
  if (!value.ok()) {
    return in_argument(std::move(value).error(), index);
  }
  into = std::move(value).value();
  return kOk;
}

template <class Tuple, size_t... kIndex>
Result<Tuple> decode_tuple(const Json::Array& elements, std::index_sequence<kIndex...>) {
  Tuple values{};
  Result<void> read = kOk;
  static_cast<void>(
      ((read = set_argument(std::get<kIndex>(values), elements[kIndex], kIndex)).ok() && ...));
  TRY(read);
  return values;
}

// A std::tuple of the arguments.
template <class Tuple>
Result<Tuple> decode_arguments(ByteView bytes) {
  constexpr size_t kSize = std::tuple_size_v<Tuple>;
  const Json::Array elements = TRY(decode_array(bytes, kSize));
  return decode_tuple<Tuple>(elements, std::make_index_sequence<kSize>());
}

template <class T>
Result<T> decode_value(ByteView bytes) {
  return from_json<T>(TRY(Json::parse(bytes)));
}

}  // namespace detail
}  // namespace kelpie

namespace kelpie::actor {
KELPIE_FIELDS(ActorRef, type, ns, id)
}  // namespace kelpie::actor
