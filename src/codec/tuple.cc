#include "codec/tuple.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/check.h"
#include "codec/tuple_codes.h"

namespace kelpie::codec {
namespace {

Bytes big_endian(uint64_t value, int bytes) {
  Bytes out;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out += static_cast<char>(value >> shift);
  }
  return out;
}

}  // namespace

TuplePacker& TuplePacker::null() {
  packed_ += static_cast<char>(tuple_code::kNull);
  // A bare zero would end the nested tuple.
  if (depth_ > 0) {
    packed_ += static_cast<char>(tuple_code::kEscape);
  }
  return *this;
}

TuplePacker& TuplePacker::bytes(ByteView value) { return text(tuple_code::kBytes, value); }

TuplePacker& TuplePacker::string(ByteView value) { return text(tuple_code::kString, value); }

TuplePacker& TuplePacker::begin_nested() {
  CHECK(depth_ < kTupleDepthMax);
  ++depth_;
  packed_ += static_cast<char>(tuple_code::kNested);
  return *this;
}

TuplePacker& TuplePacker::end_nested() {
  CHECK(depth_ > 0);
  --depth_;
  packed_ += '\0';
  return *this;
}

TuplePacker& TuplePacker::integer(int64_t value) {
  if (value >= 0) {
    return unsigned_integer(static_cast<uint64_t>(value));
  }
  const uint64_t magnitude = ~static_cast<uint64_t>(value) + 1;
  const int bytes = tuple_code::bytes_needed(magnitude);
  return number(static_cast<unsigned char>(tuple_code::kZero - bytes), ~magnitude, bytes);
}

TuplePacker& TuplePacker::unsigned_integer(uint64_t value) {
  const int bytes = tuple_code::bytes_needed(value);
  return number(static_cast<unsigned char>(tuple_code::kZero + bytes), value, bytes);
}

TuplePacker& TuplePacker::big_integer(TupleSign sign, ByteView magnitude) {
  magnitude.remove_prefix(std::min(magnitude.find_first_not_of('\0'), magnitude.size()));
  CHECK(magnitude.size() <= kTupleIntegerBytesMax);
  const bool negative = sign == TupleSign::kNegative;
  const auto bytes = static_cast<int>(magnitude.size());
  if (bytes <= tuple_code::kShortIntegerBytesMax) {
    const uint64_t value = tuple_code::read_number(magnitude);
    return number(static_cast<unsigned char>(tuple_code::kZero + (negative ? -bytes : bytes)),
                  negative ? ~value : value, bytes);
  }
  // The length leads, and is flipped with the rest: of two negative numbers the longer comes first.
  Bytes tail = static_cast<char>(bytes) + Bytes(magnitude);
  if (negative) {
    tuple_code::flip(tail);
  }
  return fixed(negative ? tuple_code::kBigNegative : tuple_code::kBigPositive, tail);
}

TuplePacker& TuplePacker::float32(float value) {
  Bytes ieee = big_endian(std::bit_cast<uint32_t>(value), 4);
  tuple_code::order_float(ieee);
  return fixed(tuple_code::kFloat32, ieee);
}

TuplePacker& TuplePacker::float64(double value) {
  Bytes ieee = big_endian(std::bit_cast<uint64_t>(value), 8);
  tuple_code::order_float(ieee);
  return fixed(tuple_code::kFloat64, ieee);
}

TuplePacker& TuplePacker::float80(ByteView value) {
  CHECK(value.size() == kTupleFloat80Bytes);
  Bytes ieee(value);
  tuple_code::order_float(ieee);
  return fixed(tuple_code::kFloat80, ieee);
}

TuplePacker& TuplePacker::boolean(bool value) {
  return fixed(value ? tuple_code::kTrue : tuple_code::kFalse, {});
}

TuplePacker& TuplePacker::uuid(ByteView value) {
  CHECK(value.size() == kTupleUuidBytes);
  return fixed(tuple_code::kUuid, value);
}

TuplePacker& TuplePacker::identifier(uint64_t value) {
  return number(tuple_code::kIdentifier, value, 8);
}

TuplePacker& TuplePacker::transaction_versionstamp(ByteView value) {
  CHECK(value.size() == kTupleTransactionVersionBytes);
  return fixed(tuple_code::kTransactionVersionstamp, value);
}

TuplePacker& TuplePacker::versionstamp(ByteView value) {
  CHECK(value.size() == kTupleVersionstampBytes);
  return fixed(tuple_code::kVersionstamp, value);
}

TuplePacker& TuplePacker::incomplete_versionstamp(uint16_t user_version) {
  CHECK(!placeholder_.has_value());
  placeholder_ = packed_.size() + 1;
  return versionstamp(Bytes(kTupleTransactionVersionBytes, '\xff') + big_endian(user_version, 2));
}

TuplePacker& TuplePacker::prefixed_bytes(ByteView value) {
  CHECK(value.size() <= kTuplePrefixedBytesMax);
  if (value.size() <= tuple_code::kPrefixed8BytesMax) {
    return number(tuple_code::kPrefixed8, value.size(), 1).append(value);
  }
  return number(tuple_code::kPrefixed16, value.size(), 2).append(value);
}

Bytes TuplePacker::take() && {
  CHECK(depth_ == 0);
  CHECK(!placeholder_.has_value());
  return std::move(packed_);
}

VersionstampedKey TuplePacker::take_versionstamped() && {
  CHECK(depth_ == 0);
  CHECK(placeholder_.has_value());
  CHECK(*placeholder_ + kTupleVersionstampBytes <= packed_.size());
  return VersionstampedKey{std::move(packed_), *placeholder_};
}

TuplePacker& TuplePacker::text(unsigned char code, ByteView value) {
  packed_ += static_cast<char>(code);
  for (char c : value) {
    packed_ += c;
    if (c == '\0') {
      packed_ += static_cast<char>(tuple_code::kEscape);
    }
  }
  packed_ += '\0';
  return *this;
}

TuplePacker& TuplePacker::fixed(unsigned char code, ByteView value) {
  packed_ += static_cast<char>(code);
  return append(value);
}

TuplePacker& TuplePacker::number(unsigned char code, uint64_t value, int bytes) {
  return fixed(code, big_endian(value, bytes));
}

TuplePacker& TuplePacker::append(ByteView value) {
  packed_ += value;
  return *this;
}

TupleElement TupleElement::of_nested(Tuple value) {
  TupleElement element{Kind::kNested};
  element.elements = std::move(value);
  return element;
}

const Bytes& TupleElement::as_string() const {
  CHECK(is_string());
  return bytes;
}

int64_t TupleElement::as_integer() const {
  CHECK(is_integer());
  return number;
}

float TupleElement::as_float32() const {
  CHECK(is_float32());
  return std::bit_cast<float>(static_cast<uint32_t>(bits));
}

double TupleElement::as_float64() const {
  CHECK(is_float64());
  return std::bit_cast<double>(bits);
}

bool TupleElement::as_boolean() const {
  CHECK(is_boolean());
  return number != 0;
}

bool TupleElement::operator==(const TupleElement&) const = default;

}  // namespace kelpie::codec
