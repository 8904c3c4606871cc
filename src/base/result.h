// Result<T>: a value or an Error. For what can happen; CHECK is for what cannot.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/error.h"

namespace kelpie::base {

// The value of a Result<void>: `return kOk;`.
struct Ok {
  bool operator==(const Ok&) const = default;
};
inline constexpr Ok kOk{};

template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  template <class U = T>
    requires std::is_constructible_v<T, U&&> && (!std::is_same_v<std::remove_cvref_t<U>, Error>) &&
             (!std::is_same_v<std::remove_cvref_t<U>, Result>)
  Result(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value)) {}  // NOLINT
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}      // NOLINT

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  [[nodiscard]] T& value() & {
    CHECK(ok());
    return std::get<0>(state_);
  }
  [[nodiscard]] const T& value() const& {
    CHECK(ok());
    return std::get<0>(state_);
  }
  [[nodiscard]] T value() && {
    CHECK(ok());
    return std::get<0>(std::move(state_));
  }
  [[nodiscard]] const Error& error() const& {
    CHECK(!ok());
    return std::get<1>(state_);
  }
  [[nodiscard]] Error error() && {
    CHECK(!ok());
    return std::get<1>(std::move(state_));
  }

  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result(Ok) {}                                      // NOLINT
  Result(Error error) : error_(std::move(error)) {}  // NOLINT

  [[nodiscard]] bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  void value() const { CHECK(ok()); }
  [[nodiscard]] const Error& error() const& {
    CHECK(!ok());
    return *error_;
  }
  [[nodiscard]] Error error() && {
    CHECK(!ok());
    return *std::move(error_);
  }

 private:
  std::optional<Error> error_;
};

}  // namespace kelpie::base

namespace kelpie {
using base::kOk;
using base::Ok;
using base::Result;
}  // namespace kelpie

// Unwraps a Result in a function that returns a Result, or returns its error. In a coroutine,
// `co_await result` does the same.
#define TRY(expression)                            \
  ({                                               \
    auto kelpie_try_result = (expression);         \
    if (!kelpie_try_result.ok()) {                 \
      return std::move(kelpie_try_result).error(); \
    }                                              \
    std::move(kelpie_try_result).value();          \
  })
