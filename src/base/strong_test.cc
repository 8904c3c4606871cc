#include "base/strong.h"

#include <gtest/gtest.h>

#include <string>
#include <type_traits>
#include <unordered_set>

namespace kelpie::base {
namespace {

using Epoch = Strong<struct EpochTag, int64_t>;
using Term = Strong<struct TermTag, int64_t>;
using Name = Strong<struct NameTag, std::string>;

static_assert(!std::is_convertible_v<Epoch, Term>);
static_assert(!std::is_constructible_v<Epoch, Term>);
static_assert(!std::is_convertible_v<int64_t, Epoch>);
static_assert(!std::is_convertible_v<Epoch, int64_t>);

TEST(Strong, ComparesByItsValue) {
  EXPECT_EQ(Epoch(3), Epoch(3));
  EXPECT_LT(Epoch(-1), Epoch(0));
  EXPECT_EQ(Epoch().get(), 0);
  EXPECT_GT(Name("b"), Name("a"));
}

TEST(Strong, IsAKeyOfAHashTable) {
  std::unordered_set<Name> names{Name("a"), Name("b"), Name("a")};
  EXPECT_EQ(names.size(), 2U);
  EXPECT_TRUE(names.contains(Name("b")));
  EXPECT_EQ(hash_value(Name("a")), std::hash<Name>{}(Name("a")));
}

}  // namespace
}  // namespace kelpie::base
