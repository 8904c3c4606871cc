#include "codec/tuple.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

namespace kelpie::codec {
namespace {

using namespace std::string_literals;  // NOLINT: the vectors below contain zero bytes
using Kind = TupleElement::Kind;

Bytes pack_integer(int64_t value) { return std::move(TuplePacker().integer(value)).take(); }

TEST(Tuple, PacksTheVectorsOfTheSpecification) {
  EXPECT_EQ(std::move(TuplePacker().null()).take(), "\x00"s);
  EXPECT_EQ(std::move(TuplePacker().bytes("foo\x00"
                                          "bar"s))
                .take(),
            "\x01"
            "foo\x00\xff"
            "bar\x00"s);
  EXPECT_EQ(std::move(TuplePacker().string("F\xc3\x94O\x00"
                                           "bar"s))
                .take(),
            "\x02"
            "F\xc3\x94O\x00\xff"
            "bar\x00"s);
  EXPECT_EQ(pack_integer(-5551212), "\x11\xab\x4b\x93"s);
  EXPECT_EQ(pack_integer(0), "\x14"s);
  EXPECT_EQ(pack_integer(1), "\x15\x01"s);
  EXPECT_EQ(pack_integer(255), "\x15\xff"s);
  EXPECT_EQ(pack_integer(256), "\x16\x01\x00"s);
  EXPECT_EQ(pack_integer(-1), "\x13\xfe"s);
  EXPECT_EQ(pack_integer(-255), "\x13\x00"s);
  EXPECT_EQ(pack_integer(-256), "\x12\xfe\xff"s);
}

TEST(Tuple, PacksTheSmallestAndTheLargestInteger) {
  EXPECT_EQ(pack_integer(std::numeric_limits<int64_t>::max()),
            "\x1c\x7f\xff\xff\xff\xff\xff\xff\xff"s);
  EXPECT_EQ(pack_integer(std::numeric_limits<int64_t>::min()),
            "\x0c\x7f\xff\xff\xff\xff\xff\xff\xff"s);
}

TEST(Tuple, UnpacksWhatWasPacked) {
  const Bytes stamp(kTupleVersionstampBytes, '\x07');
  TuplePacker packer;
  packer.null().bytes("\x00\xff\x00"s).string("").integer(-42).versionstamp(stamp);
  for (int64_t value : {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()}) {
    packer.integer(value);
  }
  const auto elements = unpack_tuple(std::move(packer).take());
  ASSERT_TRUE(elements.ok()) << elements.error().to_string();
  const std::vector<TupleElement> expected = {
      {Kind::kNull, {}, 0},
      {Kind::kBytes, "\x00\xff\x00"s, 0},
      {Kind::kString, "", 0},
      {Kind::kInteger, {}, -42},
      {Kind::kVersionstamp, stamp, 0},
      {Kind::kInteger, {}, std::numeric_limits<int64_t>::min()},
      {Kind::kInteger, {}, std::numeric_limits<int64_t>::max()},
  };
  EXPECT_EQ(*elements, expected);
}

TEST(Tuple, OrdersIntegersByValue) {
  std::vector<int64_t> values = {0};
  for (int bit = 0; bit < 63; ++bit) {
    const int64_t power = int64_t{1} << bit;
    for (int64_t value : {power - 1, power, power + 1}) {
      values.push_back(value);
      values.push_back(-value);
    }
  }
  values.push_back(std::numeric_limits<int64_t>::min());
  std::ranges::sort(values);
  const auto [first, last] = std::ranges::unique(values);
  values.erase(first, last);
  for (size_t i = 1; i < values.size(); ++i) {
    EXPECT_LT(pack_integer(values[i - 1]), pack_integer(values[i])) << values[i];
  }
}

TEST(Tuple, OrdersByFieldAndAPrefixBeforeItsExtensions) {
  const auto pair = [](ByteView a, ByteView b) {
    return std::move(TuplePacker().string(a).string(b)).take();
  };
  const std::vector<Bytes> ascending = {std::move(TuplePacker().string("a")).take(),
                                        pair("a", ""),
                                        pair("a", "z"),
                                        pair("a\x00"s, "a"),
                                        pair("a\x00\x00"s, ""),
                                        pair("a\x01"s, ""),
                                        pair("ab", "a"),
                                        pair("b", "")};
  EXPECT_TRUE(std::ranges::is_sorted(ascending));
}

TEST(Tuple, RefusesBytesThatNoPackerMakes) {
  for (const Bytes& bad :
       {"\x02open"s, "\x15"s, "\x15\x00"s, "\x13\xff"s, "\x33short"s, "\x99"s, "\x0b\x01\x01"s,
        "\x1c\xff\xff\xff\xff\xff\xff\xff\xff"s, "\x0c\x7f\xff\xff\xff\xff\xff\xff\xfe"s}) {
    const auto elements = unpack_tuple(bad);
    ASSERT_FALSE(elements.ok());
    EXPECT_EQ(elements.error().code, Code::kInvalidArgument);
    EXPECT_NE(elements.error().message.find("offset 0"), std::string::npos);
  }
}

}  // namespace
}  // namespace kelpie::codec
