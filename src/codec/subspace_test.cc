#include "codec/subspace.h"

#include <gtest/gtest.h>

#include <string>

#include "base/check.h"

namespace kelpie::codec {
namespace {

using namespace std::string_literals;  // NOLINT: keys below contain zero bytes
using E = TupleElement;

Subspace users() {
  auto space = Subspace("app").nested({E::of_string("users")});
  CHECK(space.ok());
  return *space;
}

TEST(Subspace, PacksBelowItsPrefixAndUnpacksWithoutIt) {
  const Tuple tuple = {E::of_string("ann"), E::of_integer(7)};
  EXPECT_EQ(users().prefix(), "app\x02users\x00"s);
  const auto key = users().pack(tuple);
  ASSERT_TRUE(key.ok()) << key.error().to_string();
  EXPECT_EQ(*key,
            "app\x02users\x00\x02"
            "ann\x00\x15\x07"s);
  EXPECT_EQ(std::move(users().packer().string("ann").integer(7)).take(), *key);
  const auto back = users().unpack(*key);
  ASSERT_TRUE(back.ok()) << back.error().to_string();
  EXPECT_TRUE(*back == tuple);
  EXPECT_TRUE(users().unpack(users().prefix())->empty());
}

TEST(Subspace, NestsLikeALongerTuple) {
  const auto inner = users().nested({E::of_string("ann")});
  ASSERT_TRUE(inner.ok());
  EXPECT_EQ(*inner->pack({E::of_null()}), *users().pack({E::of_string("ann"), E::of_null()}));
  EXPECT_TRUE(*inner == Subspace(*users().pack({E::of_string("ann")})));
  EXPECT_FALSE(*inner == users());
  EXPECT_FALSE(users().nested({E::of_uuid("short")}).ok());
}

TEST(Subspace, RefusesAKeyThatIsNotInside) {
  EXPECT_FALSE(users().contains("app\x02user\x00"s));
  EXPECT_FALSE(users().contains("app"));
  for (const Bytes& outside : {"app\x02user\x00"s, "app"s, ""s, Bytes(10'000, 'k')}) {
    const auto tuple = users().unpack(outside);
    ASSERT_FALSE(tuple.ok());
    EXPECT_EQ(tuple.error().code, Code::kInvalidArgument);
    EXPECT_NE(tuple.error().message.find("begin with 61707002757365727300"), std::string::npos);
    EXPECT_LT(tuple.error().message.size(), 300U);
  }
}

TEST(Subspace, CountsOffsetsFromTheKeysBeginning) {
  const auto tuple = users().unpack(users().prefix() + "\x14\x15\x00"s);
  ASSERT_FALSE(tuple.ok());
  EXPECT_NE(tuple.error().message.find("offset 11"), std::string::npos) << tuple.error().message;
  const auto made = users().pack_versionstamped({E::of_null(), E::of_incomplete_versionstamp(3)});
  ASSERT_TRUE(made.ok()) << made.error().to_string();
  EXPECT_EQ(made->key, users().prefix() + "\x00\x33"s + Bytes(10, '\xff') + "\x00\x03"s);
  EXPECT_EQ(made->offset, 12U);
}

TEST(Subspace, RangeHasEveryTupleBelowAndNothingElse) {
  const SubspaceRange range = users().range();
  EXPECT_EQ(range.begin, users().prefix() + "\x00"s);
  EXPECT_EQ(range.end, users().prefix() + "\xff"s);
  const auto inside = [&range](const Bytes& key) { return range.begin <= key && key < range.end; };
  EXPECT_TRUE(inside(*users().pack({E::of_null()})));
  EXPECT_TRUE(inside(*users().pack({E::of_prefixed_bytes(Bytes(65'535, '\xff'))})));
  EXPECT_FALSE(inside(users().prefix()));
  EXPECT_FALSE(
      inside("app\x02users\x00\xff"
             "more\x00"s));
  EXPECT_FALSE(inside("app\x02users2\x00"s));
}

TEST(Subspace, RangeOfATupleIsThatOfTheSubspaceBelowIt) {
  const Tuple ann = {E::of_string("ann")};
  const auto range = users().range(ann);
  ASSERT_TRUE(range.ok());
  EXPECT_TRUE(*range == users().nested(ann)->range());
  EXPECT_LT(*users().pack({E::of_string("ann"), E::of_integer(-1)}), range->end);
  EXPECT_GE(*users().pack({E::of_string("anna")}), range->end);
  EXPECT_FALSE(users().range({E::of_float80("short")}).ok());
}

TEST(Subspace, WithoutAPrefixHasEveryKeyThatIsATuple) {
  EXPECT_TRUE(Subspace().contains(""));
  EXPECT_TRUE(*Subspace().unpack("\x15\x07"s) == Tuple{E::of_integer(7)});
  EXPECT_TRUE(Subspace().range() == (SubspaceRange{"\x00"s, "\xff"s}));
}

}  // namespace
}  // namespace kelpie::codec
