// KELPIE_FIELDS: names the members of a struct, so that it can be an argument, a reply or a state.
//
//   struct Item { std::string name; int64_t count = 0; };
//   KELPIE_FIELDS(Item, name, count)
//
// At namespace scope, in the struct's own namespace, once, after the struct. The struct becomes a
// JSON object with these members. Reading is by name: a member that is missing keeps the value
// that the struct gives it, one that the struct does not name is passed over. So members may be
// added; whoever removes one, or changes what one means, raises the state's kSchema (see actor.h).
#pragma once

#include <string_view>
#include <tuple>

namespace kelpie::detail {

template <class Struct, class Value>
struct Field {
  std::string_view name;
  Value Struct::* member;
};
template <class Struct, class Value>
constexpr Field<Struct, Value> field(std::string_view name, Value Struct::* member) {
  return {name, member};
}

}  // namespace kelpie::detail

// Applies KELPIE_FIELD to each of up to 256 names.
#define KELPIE_PARENTHESES ()
#define KELPIE_EXPAND(...) KELPIE_EXPAND_3(KELPIE_EXPAND_3(KELPIE_EXPAND_3(__VA_ARGS__)))
#define KELPIE_EXPAND_3(...) KELPIE_EXPAND_2(KELPIE_EXPAND_2(KELPIE_EXPAND_2(__VA_ARGS__)))
#define KELPIE_EXPAND_2(...) KELPIE_EXPAND_1(KELPIE_EXPAND_1(KELPIE_EXPAND_1(__VA_ARGS__)))
#define KELPIE_EXPAND_1(...) KELPIE_EXPAND_0(KELPIE_EXPAND_0(KELPIE_EXPAND_0(__VA_ARGS__)))
#define KELPIE_EXPAND_0(...) __VA_ARGS__
#define KELPIE_EACH(Type, name, ...)                \
  ::kelpie::detail::field<Type>(#name, &Type::name) \
      __VA_OPT__(, KELPIE_EACH_AGAIN KELPIE_PARENTHESES(Type, __VA_ARGS__))
#define KELPIE_EACH_AGAIN() KELPIE_EACH

#define KELPIE_FIELDS(Type, ...)                                           \
  [[maybe_unused]] constexpr auto kelpie_fields(const Type*) {             \
    return std::make_tuple(KELPIE_EXPAND(KELPIE_EACH(Type, __VA_ARGS__))); \
  }
