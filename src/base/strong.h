// Strong<Tag, T>: a T that does not convert into another kind of T.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <utility>

namespace kelpie::base {

template <class Tag, class T>
class Strong {
 public:
  constexpr Strong() = default;
  constexpr explicit Strong(T value) : value_(std::move(value)) {}

  [[nodiscard]] constexpr const T& get() const { return value_; }

  auto operator<=>(const Strong&) const = default;
  bool operator==(const Strong&) const = default;

  friend std::size_t hash_value(const Strong& id) { return std::hash<T>{}(id.value_); }

 private:
  T value_{};
};

}  // namespace kelpie::base

template <class Tag, class T>
struct std::hash<kelpie::base::Strong<Tag, T>> {
  std::size_t operator()(const kelpie::base::Strong<Tag, T>& id) const {
    return std::hash<T>{}(id.get());
  }
};
