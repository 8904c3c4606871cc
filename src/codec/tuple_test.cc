#include "codec/tuple.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace kelpie::codec {
namespace {

using namespace std::string_literals;  // NOLINT: the vectors below contain zero bytes
using E = TupleElement;

Bytes pack_integer(int64_t value) { return std::move(TuplePacker().integer(value)).take(); }

void expect_refused(ByteView packed, size_t start, std::string_view part) {
  const auto elements = unpack_tuple(packed, start);
  ASSERT_FALSE(elements.ok()) << base::to_hex(packed);
  EXPECT_EQ(elements.error().code, Code::kInvalidArgument);
  EXPECT_NE(elements.error().message.find(part), std::string::npos) << elements.error().message;
}

void expect_unpackable(const Result<Bytes>& packed, std::string_view part) {
  ASSERT_FALSE(packed.ok()) << base::to_hex(*packed);
  EXPECT_EQ(packed.error().code, Code::kInvalidArgument);
  EXPECT_NE(packed.error().message.find(part), std::string::npos) << packed.error().message;
}

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
  EXPECT_EQ(std::move(TuplePacker().float32(-42)).take(), "\x20\x3d\xd7\xff\xff"s);
  EXPECT_EQ(std::move(TuplePacker()
                          .begin_nested()
                          .bytes("foo\x00"
                                 "bar"s)
                          .null()
                          .begin_nested()
                          .end_nested()
                          .end_nested())
                .take(),
            "\x05\x01"
            "foo\x00\xff"
            "bar\x00\x00\xff\x05\x00\x00"s);
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
  packer.begin_nested().null().begin_nested().end_nested().string("\x00"s).end_nested();
  packer.boolean(false).boolean(true).float32(-0.0F).float64(1.5).identifier(9);
  packer.unsigned_integer(std::numeric_limits<uint64_t>::max());
  const auto elements = unpack_tuple(std::move(packer).take());
  ASSERT_TRUE(elements.ok()) << elements.error().to_string();
  const Tuple expected = {
      E::of_null(),
      E::of_bytes("\x00\xff\x00"s),
      E::of_string(""),
      E::of_integer(-42),
      E::of_versionstamp(stamp),
      E::of_nested({E::of_null(), E::of_nested({}), E::of_string("\x00"s)}),
      E::of_boolean(false),
      E::of_boolean(true),
      E::of_float32(-0.0F),
      E::of_float64(1.5),
      E::of_identifier(9),
      E::of_unsigned(std::numeric_limits<uint64_t>::max()),
  };
  EXPECT_TRUE(*elements == expected);
  EXPECT_TRUE(std::signbit((*elements)[8].as_float32()));
  EXPECT_EQ((*elements)[9].as_float64(), 1.5);
  EXPECT_FALSE((*elements)[6].as_boolean());
  EXPECT_TRUE((*elements)[7].as_boolean());
}

TEST(Tuple, UnpacksFromAStartAndCountsOffsetsFromTheBeginning) {
  const auto elements = unpack_tuple("pre\x15\x07"s, 3);
  ASSERT_TRUE(elements.ok()) << elements.error().to_string();
  EXPECT_TRUE(*elements == Tuple{E::of_integer(7)});
  EXPECT_TRUE(unpack_tuple("pre", 3)->empty());
  expect_refused("pre\x15\x07\x15"s, 3, "offset 5");
}

TEST(Tuple, KeepsEveryBitOfANan) {
  for (uint64_t bits : {0x7ff0000000000001U, 0x7ff8000000000000U, 0xfff00000deadbeefU}) {
    const auto back = unpack_tuple(
        std::move(TuplePacker().float64(std::bit_cast<double>(uint64_t{bits}))).take());
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(std::bit_cast<uint64_t>(back->front().as_float64()), bits);
  }
  for (uint32_t bits : {0x7f800001U, 0xffc12345U}) {
    const auto back =
        unpack_tuple(std::move(TuplePacker().float32(std::bit_cast<float>(bits))).take());
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(std::bit_cast<uint32_t>(back->front().as_float32()), bits);
  }
}

TEST(Tuple, PacksABigIntegerInTheShortestForm) {
  const auto packed = [](TupleSign sign, ByteView magnitude) {
    return std::move(TuplePacker().big_integer(sign, magnitude)).take();
  };
  EXPECT_EQ(packed(TupleSign::kPositive, ""), pack_integer(0));
  EXPECT_EQ(packed(TupleSign::kNegative, "\x00\x00"s), pack_integer(0));
  EXPECT_EQ(packed(TupleSign::kPositive, "\x00\x01\x00"s), pack_integer(256));
  EXPECT_EQ(packed(TupleSign::kNegative, "\x00\x01\x00"s), pack_integer(-256));
  EXPECT_EQ(packed(TupleSign::kPositive, Bytes(300, '\0') + Bytes(9, '\x01')),
            "\x1d\x09"s + Bytes(9, '\x01'));
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

TEST(Tuple, OrdersFloat80ByValue) {
  Bytes last;
  for (const Bytes& ieee : {
           "\xff\xff\x80\x00\x00\x00\x00\x00\x00\x00"s,  // -infinity
           "\xbf\xff\x80\x00\x00\x00\x00\x00\x00\x00"s,  // -1
           "\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00"s,  // -0
           "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"s,  // 0
           "\x3f\xff\x80\x00\x00\x00\x00\x00\x00\x00"s,  // 1
           "\x7f\xff\x80\x00\x00\x00\x00\x00\x00\x00"s,  // infinity
       }) {
    const Bytes packed = std::move(TuplePacker().float80(ieee)).take();
    EXPECT_LT(last, packed);
    EXPECT_TRUE(*unpack_tuple(packed) == Tuple{E::of_float80(ieee)});
    last = packed;
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
  const std::vector<std::pair<Bytes, std::string>> refused = {
      {"\x02open"s, "offset 0"},
      {"\x02open\x00\xff"s, "without an end"},
      {"\x15"s, "needs 2 bytes and has 1"},
      {"\x15\x00"s, "shortest"},
      {"\x13\xff"s, "shortest"},
      {"\x0c\xff\x00\x00\x00\x00\x00\x00\x00"s, "shortest"},
      {"\x14\x16\x00\x01"s, "offset 1"},
      {"\x0b\x01\x01"s, "needs 256 bytes and has 3"},
      {"\x1d"s, "without its length"},
      {"\x0b"s, "without its length"},
      {"\x1d\x00"s, "shortest"},
      {"\x0b\xff"s, "shortest"},
      {"\x1d\x08"s + Bytes(8, '\x01'), "shortest"},
      {"\x0b\xf7"s + Bytes(8, '\x01'), "shortest"},
      {"\x1d\x09\x00"s + Bytes(8, '\x01'), "shortest"},
      {"\x0b\xf6\xff"s + Bytes(8, '\x01'), "shortest"},
      {"\x1d\x09"s + Bytes(8, '\x01'), "needs 11 bytes and has 10"},
      {"\x20" + Bytes(3, 'a'), "needs 5 bytes and has 4"},
      {"\x21" + Bytes(7, 'a'), "needs 9 bytes and has 8"},
      {"\x22" + Bytes(9, 'a'), "needs 11 bytes and has 10"},
      {"\x30" + Bytes(15, 'a'), "needs 17 bytes and has 16"},
      {"\x31" + Bytes(7, 'a'), "needs 9 bytes and has 8"},
      {"\x32" + Bytes(9, 'a'), "needs 11 bytes and has 10"},
      {"\x33" + Bytes(11, 'a'), "needs 13 bytes and has 12"},
      {"\x34", "without their length"},
      {"\x34\x02"
       "a",
       "needs 4 bytes and has 3"},
      {"\x35\x01", "without their length"},
      {"\x35\x00\x01"
       "a"s,
       "shortest"},
      {"\x35\x00\xff"s + Bytes(255, 'a'), "shortest"},
      {"\x05"s, "without an end at offset 0"},
      {"\x05\x00\xff"s, "without an end at offset 0"},
      {"\x14\x05\x05\x14\x00"s, "without an end at offset 1"},
      {"\x05\x14\x15\x00"s, "shortest form at offset 2"},
  };
  for (const auto& [packed, part] : refused) {
    expect_refused(packed, 0, part);
  }
}

TEST(Tuple, SaysWhyATypeHasNoForm) {
  const auto of_code = [](int code) { return "\x14"s + static_cast<char>(code) + "\x00\x00"; };
  for (int code : {0x03, 0x04}) {
    expect_refused(of_code(code), 0, "deprecated nested tuple; expected 05 at offset 1");
  }
  for (int code : {0x0a, 0x1e}) {
    expect_refused(of_code(code), 0, "reserved for integers");
  }
  for (int code : {0x23, 0x24}) {
    expect_refused(of_code(code), 0, "a decimal");
  }
  expect_refused(of_code(0x25), 0, "deprecated true");
  for (int code = 0x40; code <= 0x4f; ++code) {
    expect_refused(of_code(code), 0, "type " + base::to_hex(Bytes(1, static_cast<char>(code))));
    expect_refused(of_code(code), 0, "user type");
  }
  expect_refused(of_code(0xf0), 0, "the end of a tuple");
  for (int code : {0x06, 0x09, 0x1f, 0x28, 0x2f, 0x36, 0x3f, 0x50, 0xef, 0xfe, 0xff}) {
    expect_refused(of_code(code), 0, "not one of the specification at offset 1");
  }
}

TEST(Tuple, NestsAsDeepAsTheLimitAndNotDeeper) {
  const auto nest = [](size_t depth) {
    Tuple tuple;
    for (size_t i = 0; i < depth; ++i) {
      tuple = {E::of_nested(std::move(tuple))};
    }
    return tuple;
  };
  const auto packed = pack_tuple(nest(kTupleDepthMax));
  ASSERT_TRUE(packed.ok()) << packed.error().to_string();
  EXPECT_EQ(*packed, Bytes(kTupleDepthMax, '\x05') + Bytes(kTupleDepthMax, '\0'));
  const auto back = unpack_tuple(*packed);
  ASSERT_TRUE(back.ok()) << back.error().to_string();
  EXPECT_TRUE(*back == nest(kTupleDepthMax));
  expect_unpackable(pack_tuple(nest(kTupleDepthMax + 1)), "more than 64 deep");
  expect_refused("\x05" + *packed + "\x00"s, 0, "more than 64 deep at offset 64");
  expect_refused(Bytes(100'000, '\x05'), 0, "more than 64 deep at offset 64");
}

TEST(Tuple, RefusesToPackSizesThatATypeDoesNotHave) {
  expect_unpackable(pack_tuple({E::of_null(), E::of_uuid("short")}),
                    "element [1] of the tuple: a uuid has 16 bytes, not 5");
  expect_unpackable(pack_tuple({E::of_nested({E::of_null(), E::of_versionstamp(Bytes(10, 'v'))})}),
                    "element [0][1] of the tuple: a versionstamp has 12 bytes, not 10");
  expect_unpackable(pack_tuple({E::of_transaction_versionstamp(Bytes(12, 'v'))}), "has 10 bytes");
  expect_unpackable(pack_tuple({E::of_float80("")}), "a float80 has 10 bytes, not 0");
  expect_unpackable(pack_tuple({E::of_big_integer(TupleSign::kNegative, Bytes(256, '\x01'))}),
                    "at most 255 bytes, not 256");
  EXPECT_TRUE(
      pack_tuple({E::of_big_integer(TupleSign::kNegative, "\x00"s + Bytes(255, '\x01'))}).ok());
  expect_unpackable(pack_tuple({E::of_prefixed_bytes(Bytes(65'536, 'p'))}), "at most 65535");
  EXPECT_TRUE(pack_tuple({E::of_prefixed_bytes(Bytes(65'535, 'p'))}).ok());
}

TEST(Tuple, LeavesOnePlaceForTheCommitsVersionstamp) {
  const VersionstampedKey made = std::move(TuplePacker("pre")
                                               .string("log")
                                               .begin_nested()
                                               .incomplete_versionstamp(0x0102)
                                               .end_nested()
                                               .integer(1))
                                     .take_versionstamped();
  EXPECT_EQ(made.key.substr(made.offset, kTupleTransactionVersionBytes), Bytes(10, '\xff'));
  Bytes committed = made.key;
  committed.replace(made.offset, kTupleTransactionVersionBytes, "0123456789");
  const auto elements = unpack_tuple(committed, 3);
  ASSERT_TRUE(elements.ok()) << elements.error().to_string();
  EXPECT_TRUE(*elements ==
              (Tuple{E::of_string("log"), E::of_nested({E::of_versionstamp("0123456789\x01\x02")}),
                     E::of_integer(1)}));
}

TEST(Tuple, KeepsIncompleteVersionstampsOutOfOrdinaryKeysAndOrdinaryOnesOutOfTheirs) {
  const Tuple one = {E::of_incomplete_versionstamp(1)};
  expect_unpackable(pack_tuple(one), "incomplete versionstamp");
  const auto none = pack_versionstamped_tuple({E::of_versionstamp(Bytes(12, '\xff'))});
  ASSERT_FALSE(none.ok());
  EXPECT_NE(none.error().message.find("no incomplete versionstamp"), std::string::npos);
  const auto two = pack_versionstamped_tuple({one[0], E::of_nested(one)});
  ASSERT_FALSE(two.ok());
  EXPECT_EQ(two.error().code, Code::kInvalidArgument);
  EXPECT_NE(two.error().message.find("element [1][0]"), std::string::npos) << two.error().message;
  E wide = one[0];
  wide.bits = 65'536;
  EXPECT_FALSE(pack_versionstamped_tuple({wide}).ok());
}

TEST(TupleDeathTest, PackersStopWhereTheirCallerIsWrong) {
  EXPECT_DEATH(TuplePacker().uuid("short"), "kTupleUuidBytes");
  EXPECT_DEATH(TuplePacker().end_nested(), "depth_ > 0");
  EXPECT_DEATH(static_cast<void>(std::move(TuplePacker().begin_nested()).take()), "depth_ == 0");
  EXPECT_DEATH(static_cast<void>(std::move(TuplePacker().incomplete_versionstamp(1)).take()),
               "placeholder_");
  EXPECT_DEATH(static_cast<void>(std::move(TuplePacker().null()).take_versionstamped()),
               "placeholder_");
  EXPECT_DEATH(TuplePacker().incomplete_versionstamp(1).incomplete_versionstamp(2), "placeholder_");
}

}  // namespace
}  // namespace kelpie::codec
