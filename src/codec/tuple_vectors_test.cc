// Packed tuples as other implementations of the specification write them.
// Provenance: the first three tables were computed with the tuple module of the official Python
// binding (package foundationdb 8.0.0). The fourth follows the specification's text, for the types
// that the binding does not have and where it departs from the text.
#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "codec/tuple.h"

namespace kelpie::codec {
namespace {

using E = TupleElement;
constexpr int64_t kInt64Min = std::numeric_limits<int64_t>::min();

struct Vector {
  Tuple tuple;
  std::string hex;
};

Bytes unhex(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  Bytes bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  }
  return bytes;
}

std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) {
    out += text;
  }
  return out;
}

E positive(std::string_view hex) { return E::of_big_integer(TupleSign::kPositive, unhex(hex)); }
E negative(std::string_view hex) { return E::of_big_integer(TupleSign::kNegative, unhex(hex)); }
E f32(uint32_t bits) { return E::of_float32(std::bit_cast<float>(bits)); }
E f64(uint64_t bits) { return E::of_float64(std::bit_cast<double>(bits)); }

void expect_both_ways(const std::vector<Vector>& vectors) {
  for (const Vector& vector : vectors) {
    const auto packed = pack_tuple(vector.tuple);
    ASSERT_TRUE(packed.ok()) << vector.hex << ": " << packed.error().to_string();
    EXPECT_EQ(base::to_hex(*packed), vector.hex);
    const auto unpacked = unpack_tuple(unhex(vector.hex));
    ASSERT_TRUE(unpacked.ok()) << vector.hex << ": " << unpacked.error().to_string();
    EXPECT_TRUE(*unpacked == vector.tuple) << vector.hex;
  }
}

TEST(TupleVectors, IntegersOfEverySize) {
  expect_both_ways({
      {{E::of_integer(0)}, "14"},
      {{E::of_integer(1)}, "1501"},
      {{E::of_integer(-1)}, "13fe"},
      {{E::of_integer(127)}, "157f"},
      {{E::of_integer(128)}, "1580"},
      {{E::of_integer(-128)}, "137f"},
      {{E::of_integer(255)}, "15ff"},
      {{E::of_integer(256)}, "160100"},
      {{E::of_integer(257)}, "160101"},
      {{E::of_integer(-255)}, "1300"},
      {{E::of_integer(-256)}, "12feff"},
      {{E::of_integer(-257)}, "12fefe"},
      {{E::of_integer(65535)}, "16ffff"},
      {{E::of_integer(65536)}, "17010000"},
      {{E::of_integer(65537)}, "17010001"},
      {{E::of_integer(-65535)}, "120000"},
      {{E::of_integer(-65536)}, "11feffff"},
      {{E::of_integer(-65537)}, "11fefffe"},
      {{E::of_integer(4294967295)}, "18ffffffff"},
      {{E::of_integer(4294967296)}, "190100000000"},
      {{E::of_integer(4294967297)}, "190100000001"},
      {{E::of_integer(-4294967295)}, "1000000000"},
      {{E::of_integer(-4294967296)}, "0ffeffffffff"},
      {{E::of_integer(-4294967297)}, "0ffefffffffe"},
      {{E::of_integer(72057594037927935)}, "1bffffffffffffff"},
      {{E::of_integer(72057594037927936)}, "1c0100000000000000"},
      {{E::of_integer(72057594037927937)}, "1c0100000000000001"},
      {{E::of_integer(-72057594037927935)}, "0d00000000000000"},
      {{E::of_integer(-72057594037927936)}, "0cfeffffffffffffff"},
      {{E::of_integer(-72057594037927937)}, "0cfefffffffffffffe"},
      {{E::of_integer(9223372036854775807)}, "1c7fffffffffffffff"},
      {{E::of_unsigned(9223372036854775808U)}, "1c8000000000000000"},
      {{E::of_unsigned(9223372036854775809U)}, "1c8000000000000001"},
      {{E::of_integer(-9223372036854775807)}, "0c8000000000000000"},
      {{E::of_integer(kInt64Min)}, "0c7fffffffffffffff"},
      {{negative("8000000000000001")}, "0c7ffffffffffffffe"},
      {{E::of_unsigned(18446744073709551614U)}, "1cfffffffffffffffe"},
      {{positive("010000000000000000")}, "1d09010000000000000000"},
      {{positive("010000000000000001")}, "1d09010000000000000001"},
      {{negative("fffffffffffffffe")}, "0c0000000000000001"},
      {{negative("010000000000000000")}, "0bf6feffffffffffffffff"},
      {{negative("010000000000000001")}, "0bf6fefffffffffffffffe"},
      {{positive("ffffffffffffffffff")}, "1d09ffffffffffffffffff"},
      {{positive("01000000000000000000")}, "1d0a01000000000000000000"},
      {{negative("ffffffffffffffffff")}, "0bf6000000000000000000"},
      {{negative("01000000000000000000")}, "0bf5feffffffffffffffffff"},
      {{positive("1d6329f1c35ca4bfabb9f5610000000000")}, "1d111d6329f1c35ca4bfabb9f5610000000000"},
      {{negative("1d6329f1c35ca4bfabb9f5610000000000")}, "0beee29cd60e3ca35b4054460a9effffffffff"},
      {{positive(repeated("ff", 255))}, "1dff" + repeated("ff", 255)},
      {{negative(repeated("ff", 255))}, "0b00" + repeated("00", 255)},
  });
}

TEST(TupleVectors, FloatsWithTheirZerosInfinitiesAndNans) {
  expect_both_ways({
      {{f32(0x00000000)}, "2080000000"},
      {{f32(0x80000000)}, "207fffffff"},
      {{f32(0x3f800000)}, "20bf800000"},
      {{f32(0xbf800000)}, "20407fffff"},
      {{f32(0xc2280000)}, "203dd7ffff"},
      {{f32(0x7f800000)}, "20ff800000"},
      {{f32(0xff800000)}, "20007fffff"},
      {{f32(0x7fc00000)}, "20ffc00000"},
      {{f32(0x00000001)}, "2080000001"},
      {{f64(0x0000000000000000)}, "218000000000000000"},
      {{f64(0x8000000000000000)}, "217fffffffffffffff"},
      {{f64(0x3ff0000000000000)}, "21bff0000000000000"},
      {{f64(0xbff0000000000000)}, "21400fffffffffffff"},
      {{f64(0x40091eb851eb851f)}, "21c0091eb851eb851f"},
      {{f64(0x7ff0000000000000)}, "21fff0000000000000"},
      {{f64(0xfff0000000000000)}, "21000fffffffffffff"},
      {{f64(0x7ff8000000000000)}, "21fff8000000000000"},
      {{f64(0xfff8000000000001)}, "210007fffffffffffe"},
      {{f64(0x0000000000000001)}, "218000000000000001"},
      {{f64(0xffefffffffffffff)}, "210010000000000000"},
  });
}

TEST(TupleVectors, TextsNestedTuplesAndFixedSizes) {
  expect_both_ways({
      {{}, ""},
      {{E::of_boolean(true)}, "27"},
      {{E::of_boolean(false)}, "26"},
      {{E::of_uuid(unhex("00112233445566778899aabbccddeeff"))},
       "3000112233445566778899aabbccddeeff"},
      {{E::of_versionstamp(unhex("000102030405060708091234"))}, "33000102030405060708091234"},
      {{E::of_null()}, "00"},
      {{E::of_bytes(unhex(""))}, "0100"},
      {{E::of_bytes(unhex("00"))}, "0100ff00"},
      {{E::of_bytes(unhex("6100ff62"))}, "016100ffff6200"},
      {{E::of_string(unhex(""))}, "0200"},
      {{E::of_string(unhex("68c3a9006c6c6f20f09f9099"))}, "0268c3a900ff6c6c6f20f09f909900"},
      {{E::of_nested({})}, "0500"},
      {{E::of_nested({E::of_null()})}, "0500ff00"},
      {{E::of_nested({E::of_null(), E::of_null()})}, "0500ff00ff00"},
      {{E::of_nested({E::of_bytes(unhex("666f6f00626172")), E::of_null(), E::of_nested({})})},
       "0501666f6f00ff6261720000ff050000"},
      {{E::of_nested(
            {E::of_nested({E::of_null(), E::of_nested({E::of_bytes(unhex("00")), E::of_null()}),
                           E::of_nested({E::of_string(unhex("78"))})}),
             E::of_integer(-1)}),
        E::of_null(), E::of_nested({E::of_string(unhex(""))})},
       "050500ff050100ff0000ff0005027800000013fe000005020000"},
      {{E::of_string(unhex("61")), E::of_integer(1), E::of_null(),
        E::of_nested({f64(0x4004000000000000), E::of_boolean(true), f32(0xbfc00000)}),
        E::of_bytes(unhex("7a")), negative("400000000000000000")},
       "0261001501000521c0040000000000002720403fffff00017a000bf6bfffffffffffffffff"},
  });
}

// 2^64 - 1 has eight bytes, so the text gives it the codes 1c and 0c, as the Java binding does. The
// Python binding writes 1d08ffffffffffffffff and 0bf70000000000000000, and reads both forms.
TEST(TupleVectors, FormsThatOnlyTheTextGives) {
  expect_both_ways({
      {{E::of_unsigned(18446744073709551615U)}, "1cffffffffffffffff"},
      {{negative("ffffffffffffffff")}, "0c0000000000000000"},
      {{f64(0x7ff0000000000001)}, "21fff0000000000001"},
      {{f32(0x7fa00001)}, "20ffa00001"},
      {{f32(0xffffffff)}, "2000000000"},
      {{E::of_float80(unhex("3fff8000000000000000"))}, "22bfff8000000000000000"},
      {{E::of_float80(unhex("bfff8000000000000000"))}, "2240007fffffffffffffff"},
      {{E::of_identifier(0)}, "310000000000000000"},
      {{E::of_identifier(0xfedcba9876543210)}, "31fedcba9876543210"},
      {{E::of_transaction_versionstamp(unhex("00010203040506070809"))}, "3200010203040506070809"},
      {{E::of_prefixed_bytes("")}, "3400"},
      {{E::of_prefixed_bytes(unhex("6100ff"))}, "34036100ff"},
      {{E::of_prefixed_bytes(unhex(repeated("00", 255)))}, "34ff" + repeated("00", 255)},
      {{E::of_prefixed_bytes(unhex(repeated("ab", 256)))}, "350100" + repeated("ab", 256)},
  });
}

TEST(TupleVectors, RefuseTheLongerFormOf2To64Minus1) {
  EXPECT_FALSE(unpack_tuple(unhex("1d08ffffffffffffffff")).ok());
  EXPECT_FALSE(unpack_tuple(unhex("0bf70000000000000000")).ok());
}

// The binding appends the offset in four bytes, little-endian, as its client library wants it;
// here it stands beside the key.
TEST(TupleVectors, KeysThatACommitCompletes) {
  const Tuple deep = {E::of_string("log"),
                      E::of_nested({E::of_null(), E::of_incomplete_versionstamp(7)}),
                      E::of_integer(1)};
  const auto below = pack_versionstamped_tuple(deep, "pre");
  ASSERT_TRUE(below.ok()) << below.error().to_string();
  EXPECT_EQ(base::to_hex(below->key), "707265026c6f67000500ff33ffffffffffffffffffff0007001501");
  EXPECT_EQ(below->offset, 0x0cU);
  const auto alone = pack_versionstamped_tuple({E::of_incomplete_versionstamp(0xabcd)});
  ASSERT_TRUE(alone.ok()) << alone.error().to_string();
  EXPECT_EQ(base::to_hex(alone->key), "33ffffffffffffffffffffabcd");
  EXPECT_EQ(alone->offset, 1U);
}

}  // namespace
}  // namespace kelpie::codec
