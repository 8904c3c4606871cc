#include "store/atomic_op.h"

#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"

namespace kelpie::store {
namespace {

using namespace std::string_literals;  // NOLINT: operands contain zero bytes
using Value = std::optional<Bytes>;

TEST(AtomicOp, StoresTheOperandWhereNothingWas) {
  for (AtomicOp op :
       {AtomicOp::kAdd, AtomicOp::kBitAnd, AtomicOp::kBitOr, AtomicOp::kBitXor, AtomicOp::kMax,
        AtomicOp::kMin, AtomicOp::kByteMax, AtomicOp::kByteMin, AtomicOp::kAppendIfFits}) {
    EXPECT_EQ(apply_atomic(op, std::nullopt, "\x05"), Value("\x05"));
  }
}

TEST(AtomicOp, AddsLittleEndianNumbersOfTheOperandsLength) {
  EXPECT_EQ(apply_atomic(AtomicOp::kAdd, "\xff\x00"s, "\x01\x00"s), Value("\x00\x01"s));
  EXPECT_EQ(apply_atomic(AtomicOp::kAdd, "\xff\xff"s, "\x01\x00"s), Value("\x00\x00"s));
  EXPECT_EQ(apply_atomic(AtomicOp::kAdd, "\x01"s, "\xff\x01"s), Value("\x00\x02"s));
  EXPECT_EQ(apply_atomic(AtomicOp::kAdd, "\x01\x02\x03"s, "\x01"s), Value("\x02"s));
  EXPECT_EQ(apply_atomic(AtomicOp::kAdd, "\x01"s, ""), Value(""));
}

TEST(AtomicOp, CombinesBits) {
  EXPECT_EQ(apply_atomic(AtomicOp::kBitAnd, "\x0f\x0f"s, "\x3c"s), Value("\x0c"s));
  EXPECT_EQ(apply_atomic(AtomicOp::kBitAnd, "\x0f"s, "\x3c\x3c"s), Value("\x0c\x00"s));
  EXPECT_EQ(apply_atomic(AtomicOp::kBitOr, "\x0f"s, "\x30\x30"s), Value("\x3f\x30"s));
  EXPECT_EQ(apply_atomic(AtomicOp::kBitXor, "\x0f"s, "\x3c"s), Value("\x33"s));
}

TEST(AtomicOp, ComparesLittleEndianNumbers) {
  EXPECT_EQ(apply_atomic(AtomicOp::kMax, "\xff\x00"s, "\x00\x01"s), Value("\x00\x01"s));
  EXPECT_EQ(apply_atomic(AtomicOp::kMax, "\x00\x02"s, "\xff\x01"s), Value("\x00\x02"s));
  EXPECT_EQ(apply_atomic(AtomicOp::kMin, "\xff\x00"s, "\x00\x01"s), Value("\xff\x00"s));
  EXPECT_EQ(apply_atomic(AtomicOp::kMin, "\x05"s, "\x07\x00"s), Value("\x05\x00"s));
  EXPECT_EQ(apply_atomic(AtomicOp::kMax, "\x07\x09"s, "\x05"s), Value("\x07"s));
}

TEST(AtomicOp, ComparesBytesAsStrings) {
  EXPECT_EQ(apply_atomic(AtomicOp::kByteMax, "abc", "abd"), Value("abd"));
  EXPECT_EQ(apply_atomic(AtomicOp::kByteMax, "\xff", "abd"), Value("\xff"));
  EXPECT_EQ(apply_atomic(AtomicOp::kByteMin, "abc", "ab"), Value("ab"));
}

TEST(AtomicOp, AppendsOnlyWhatFitsIntoAValue) {
  EXPECT_EQ(apply_atomic(AtomicOp::kAppendIfFits, "ab", "cd"), Value("abcd"));
  const Bytes full(base::kValueBytesMax, 'x');
  EXPECT_EQ(apply_atomic(AtomicOp::kAppendIfFits, full, "y"), Value(full));
}

TEST(AtomicOp, ClearsOnlyAnEqualValue) {
  EXPECT_EQ(apply_atomic(AtomicOp::kCompareAndClear, "a", "a"), std::nullopt);
  EXPECT_EQ(apply_atomic(AtomicOp::kCompareAndClear, "a", "b"), Value("a"));
  EXPECT_EQ(apply_atomic(AtomicOp::kCompareAndClear, std::nullopt, "b"), std::nullopt);
}

}  // namespace
}  // namespace kelpie::store
