// The order of packed tuples against the order of their values, over random tuples.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <compare>
#include <limits>
#include <vector>

#include "base/check.h"
#include "base/hash.h"
#include "codec/tuple.h"

namespace kelpie::codec {
namespace {

using E = TupleElement;
using Kind = TupleElement::Kind;

class Numbers {
 public:
  explicit Numbers(uint64_t seed) : state_(base::mix64(seed)) {}
  uint64_t next() { return base::mix64(state_++); }
  uint64_t below(uint64_t end) { return next() % end; }

 private:
  uint64_t state_;
};

// Few different bytes, and those that the encoding treats as special among them: so that tuples
// share beginnings and differ late.
Bytes random_bytes(Numbers& numbers, size_t bytes) {
  constexpr ByteView kAlphabet("\x00\x01\x05\x7f\x80\xfe\xff", 7);
  Bytes out;
  for (size_t i = 0; i < bytes; ++i) {
    out += kAlphabet[numbers.below(kAlphabet.size())];
  }
  return out;
}

// Near a power of two, of either sign, with any count of bits that fits.
E random_integer(Numbers& numbers) {
  const uint64_t near = (uint64_t{1} << numbers.below(64)) + numbers.below(3) - 1;
  switch (numbers.below(4)) {
    case 0:
      return near > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())
                 ? E::of_unsigned(near)
                 : E::of_integer(static_cast<int64_t>(near));
    case 1:
      return E::of_integer(static_cast<int64_t>(~near + 1));
    default:
      return E::of_big_integer(
          numbers.below(2) == 0 ? TupleSign::kNegative : TupleSign::kPositive,
          random_bytes(numbers, numbers.below(5) == 0 ? 255 : numbers.below(13)));
  }
}

double random_double(Numbers& numbers) {
  using Limits = std::numeric_limits<double>;
  const std::vector<double> special = {
      0.0,          -0.0, 1.0, -1.0, Limits::infinity(), -Limits::infinity(), Limits::denorm_min(),
      Limits::max()};
  const uint64_t pick = numbers.below(special.size() * 2);
  return pick < special.size() ? special[pick] : std::bit_cast<double>(numbers.next());
}

float random_float(Numbers& numbers) {
  using Limits = std::numeric_limits<float>;
  const std::vector<float> special = {0.0F,
                                      -0.0F,
                                      1.0F,
                                      -1.0F,
                                      Limits::infinity(),
                                      -Limits::infinity(),
                                      Limits::denorm_min(),
                                      Limits::max()};
  const uint64_t pick = numbers.below(special.size() * 2);
  return pick < special.size() ? special[pick]
                               : std::bit_cast<float>(static_cast<uint32_t>(numbers.next()));
}

Tuple random_tuple(Numbers& numbers, size_t depth);

E random_element(Numbers& numbers, size_t depth) {
  switch (numbers.below(14)) {
    case 0:
      return E::of_null();
    case 1:
      return E::of_bytes(random_bytes(numbers, numbers.below(4)));
    case 2:
      return E::of_string(random_bytes(numbers, numbers.below(4)));
    case 3:
    case 4:
      return depth < 4 ? E::of_nested(random_tuple(numbers, depth + 1)) : E::of_null();
    case 5:
      return E::of_float32(random_float(numbers));
    case 6:
      return E::of_float64(random_double(numbers));
    case 7:
      return E::of_boolean(numbers.below(2) == 0);
    case 8:
      return E::of_uuid(random_bytes(numbers, kTupleUuidBytes));
    case 9:
      return E::of_identifier(numbers.next() >> numbers.below(64));
    case 10:
      return numbers.below(2) == 0
                 ? E::of_versionstamp(random_bytes(numbers, kTupleVersionstampBytes))
                 : E::of_transaction_versionstamp(
                       random_bytes(numbers, kTupleTransactionVersionBytes));
    case 11:
      return E::of_prefixed_bytes(
          random_bytes(numbers, numbers.below(8) == 0 ? 254 + numbers.below(4) : numbers.below(4)));
    default:
      return random_integer(numbers);
  }
}

Tuple random_tuple(Numbers& numbers, size_t depth) {
  Tuple tuple(numbers.below(4));
  for (E& element : tuple) {
    element = random_element(numbers, depth);
  }
  return tuple;
}

// The types in their order, the three kinds of integer as one.
int rank_of(const E& element) {
  const Kind kind = element.kind;
  const bool integer = kind == Kind::kUnsigned || kind == Kind::kBigInteger;
  return static_cast<int>(integer ? Kind::kInteger : kind);
}

struct SignAndMagnitude {
  bool negative = false;
  Bytes magnitude;  // without leading zeros
};

SignAndMagnitude value_of(const E& element) {
  Bytes magnitude = element.bytes;
  bool negative = element.number < 0;
  if (element.kind != Kind::kBigInteger) {
    const auto number = static_cast<uint64_t>(element.number);
    const uint64_t value =
        element.kind == Kind::kUnsigned ? element.bits : (negative ? ~number + 1 : number);
    for (int shift = 56; shift >= 0; shift -= 8) {
      magnitude += static_cast<char>(value >> shift);
    }
  }
  magnitude.erase(0, std::min(magnitude.find_first_not_of('\0'), magnitude.size()));
  negative = negative && !magnitude.empty();
  return SignAndMagnitude{negative, std::move(magnitude)};
}

std::strong_ordering by_length(const Bytes& a, const Bytes& b) {
  return a.size() != b.size() ? a.size() <=> b.size() : a <=> b;
}

std::strong_ordering compare_integers(const E& a, const E& b) {
  const SignAndMagnitude left = value_of(a);
  const SignAndMagnitude right = value_of(b);
  if (left.negative != right.negative) {
    return left.negative ? std::strong_ordering::less : std::strong_ordering::greater;
  }
  return left.negative ? by_length(right.magnitude, left.magnitude)
                       : by_length(left.magnitude, right.magnitude);
}

std::strong_ordering compare(const Tuple& a, const Tuple& b);

std::strong_ordering compare(const E& a, const E& b) {
  if (rank_of(a) != rank_of(b)) {
    return rank_of(a) <=> rank_of(b);
  }
  switch (a.kind) {
    case Kind::kNested:
      return compare(a.elements, b.elements);
    case Kind::kInteger:
    case Kind::kUnsigned:
    case Kind::kBigInteger:
      return compare_integers(a, b);
    case Kind::kFloat32:
      return std::strong_order(a.as_float32(), b.as_float32());
    case Kind::kFloat64:
      return std::strong_order(a.as_float64(), b.as_float64());
    case Kind::kBoolean:
      return a.number <=> b.number;
    case Kind::kIdentifier:
      return a.bits <=> b.bits;
    case Kind::kPrefixedBytes:
      return by_length(a.bytes, b.bytes);
    default:
      return a.bytes <=> b.bytes;
  }
}

std::strong_ordering compare(const Tuple& a, const Tuple& b) {
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const std::strong_ordering order = compare(a[i], b[i]);
    if (order != std::strong_ordering::equal) {
      return order;
    }
  }
  return a.size() <=> b.size();
}

Bytes packed(const Tuple& tuple) {
  const auto bytes = pack_tuple(tuple);
  CHECK(bytes.ok());
  return *bytes;
}

class TupleOrder : public testing::TestWithParam<uint64_t> {};

TEST_P(TupleOrder, OfPackedBytesIsTheOrderOfValues) {
  constexpr size_t kTuples = 400;
  Numbers numbers(GetParam());
  std::vector<Tuple> tuples;
  std::vector<Bytes> keys;
  for (size_t i = 0; i < kTuples; ++i) {
    tuples.push_back(random_tuple(numbers, 0));
    keys.push_back(packed(tuples.back()));
  }
  for (size_t a = 0; a < kTuples; ++a) {
    for (size_t b = 0; b < kTuples; ++b) {
      ASSERT_TRUE(compare(tuples[a], tuples[b]) == (keys[a] <=> keys[b]))
          << base::to_hex(keys[a]) << " and " << base::to_hex(keys[b]);
    }
  }
}

// A big integer may have come with leading zeros or as one that is small: its value is what stays.
TEST_P(TupleOrder, IsThatOfWhatUnpackingReturns) {
  Numbers numbers(GetParam());
  for (size_t i = 0; i < 2'000; ++i) {
    const Tuple tuple = random_tuple(numbers, 0);
    const auto back = unpack_tuple(packed(tuple));
    ASSERT_TRUE(back.ok()) << base::to_hex(packed(tuple)) << ": " << back.error().to_string();
    EXPECT_TRUE(compare(tuple, *back) == std::strong_ordering::equal);
    EXPECT_EQ(packed(*back), packed(tuple));
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, TupleOrder, testing::Values(1, 2, 3, 5, 8, 13, 21, 34));

}  // namespace
}  // namespace kelpie::codec
