// What packing and unpacking of tuples share: the type codes and the transformations that are their
// own kind of inverse. Internal to this floor.
// Source: FoundationDB's design/tuple.md.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace kelpie::codec::tuple_code {

inline constexpr unsigned char kNull = 0x00;
inline constexpr unsigned char kBytes = 0x01;
inline constexpr unsigned char kString = 0x02;
inline constexpr unsigned char kNested = 0x05;
inline constexpr unsigned char kBigNegative = 0x0b;
// The code of an integer is this plus the number of its bytes, minus it for negative ones.
inline constexpr unsigned char kZero = 0x14;
inline constexpr unsigned char kBigPositive = 0x1d;
inline constexpr unsigned char kFloat32 = 0x20;
inline constexpr unsigned char kFloat64 = 0x21;
inline constexpr unsigned char kFloat80 = 0x22;
inline constexpr unsigned char kFalse = 0x26;
inline constexpr unsigned char kTrue = 0x27;
inline constexpr unsigned char kUuid = 0x30;
inline constexpr unsigned char kIdentifier = 0x31;
inline constexpr unsigned char kTransactionVersionstamp = 0x32;
inline constexpr unsigned char kVersionstamp = 0x33;
inline constexpr unsigned char kPrefixed8 = 0x34;
inline constexpr unsigned char kPrefixed16 = 0x35;
// After a zero byte it means: that zero was a value. So it is no element's code.
inline constexpr unsigned char kEscape = 0xff;

// Integers of more bytes have a length byte.
inline constexpr int kShortIntegerBytesMax = 8;
static_assert(kZero - kShortIntegerBytesMax == kBigNegative + 1);
static_assert(kZero + kShortIntegerBytesMax == kBigPositive - 1);
inline constexpr size_t kPrefixed8BytesMax = 255;

// The low `bytes` bytes.
constexpr uint64_t mask_of(int bytes) {
  return bytes == 8 ? ~uint64_t{0} : (uint64_t{1} << (8 * bytes)) - 1;
}

// Of `magnitude` without leading zeros: 0 to 8.
constexpr int bytes_needed(uint64_t magnitude) {
  int bytes = 0;
  while (bytes < kShortIntegerBytesMax && magnitude > mask_of(bytes)) {
    ++bytes;
  }
  return bytes;
}

// Big-endian, of at most 8 bytes.
constexpr uint64_t read_number(ByteView bytes) {
  uint64_t value = 0;
  for (char c : bytes) {
    value = (value << 8) | static_cast<unsigned char>(c);
  }
  return value;
}

// Smaller negative magnitudes come later: every bit of a negative number is flipped.
inline void flip(Bytes& bytes) {
  for (char& c : bytes) {
    c = static_cast<char>(~c);
  }
}

// Big-endian IEEE bytes to bytes whose order is the numbers' order: all bits of a negative number
// flip, of a positive one the sign alone.
inline void order_float(Bytes& bytes) {
  if ((static_cast<unsigned char>(bytes[0]) & 0x80) != 0) {
    flip(bytes);
  } else {
    bytes[0] = static_cast<char>(bytes[0] ^ 0x80);
  }
}

// The inverse of order_float.
inline void restore_float(Bytes& bytes) {
  if ((static_cast<unsigned char>(bytes[0]) & 0x80) == 0) {
    flip(bytes);
  } else {
    bytes[0] = static_cast<char>(bytes[0] ^ 0x80);
  }
}

}  // namespace kelpie::codec::tuple_code
