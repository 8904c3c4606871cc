#include "store/atomic_op.h"

#include <algorithm>

#include "base/check.h"
#include "base/limits.h"

namespace kelpie::store {
namespace {

// Cut or zero-extended to `size` bytes, as a little-endian number would be.
Bytes resized(ByteView value, size_t size) {
  Bytes out(value.substr(0, size));
  out.resize(size, '\0');
  return out;
}

Bytes add(ByteView existing, ByteView operand) {
  Bytes sum = resized(existing, operand.size());
  unsigned carry = 0;
  for (size_t i = 0; i < sum.size(); ++i) {
    const unsigned digit =
        static_cast<unsigned char>(sum[i]) + static_cast<unsigned char>(operand[i]) + carry;
    sum[i] = static_cast<char>(digit & 0xff);
    carry = digit >> 8;
  }
  return sum;
}

template <class Combine>
Bytes bitwise(ByteView existing, ByteView operand, Combine combine) {
  Bytes out = resized(existing, operand.size());
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<char>(
        combine(static_cast<unsigned char>(out[i]), static_cast<unsigned char>(operand[i])));
  }
  return out;
}

// Both of one length, little endian.
bool little_endian_less(ByteView a, ByteView b) {
  CHECK(a.size() == b.size());
  const auto byte_less = [](char x, char y) {
    return static_cast<unsigned char>(x) < static_cast<unsigned char>(y);
  };
  return std::lexicographical_compare(a.rbegin(), a.rend(), b.rbegin(), b.rend(), byte_less);
}

Bytes append_if_fits(ByteView existing, ByteView operand) {
  Bytes joined(existing);
  if (existing.size() + operand.size() <= base::kValueBytesMax) {
    joined += operand;
  }
  return joined;
}

}  // namespace

std::optional<Bytes> apply_atomic(AtomicOp op, const std::optional<Bytes>& existing,
                                  ByteView operand) {
  if (op == AtomicOp::kCompareAndClear) {
    return !existing || *existing == operand ? std::nullopt : existing;
  }
  if (!existing) {
    return Bytes(operand);
  }
  const ByteView old = *existing;
  switch (op) {
    case AtomicOp::kAdd:
      return add(old, operand);
    case AtomicOp::kBitAnd:
      return bitwise(old, operand, [](unsigned a, unsigned b) { return a & b; });
    case AtomicOp::kBitOr:
      return bitwise(old, operand, [](unsigned a, unsigned b) { return a | b; });
    case AtomicOp::kBitXor:
      return bitwise(old, operand, [](unsigned a, unsigned b) { return a ^ b; });
    case AtomicOp::kMax: {
      Bytes number = resized(old, operand.size());
      return little_endian_less(number, operand) ? Bytes(operand) : number;
    }
    case AtomicOp::kMin: {
      Bytes number = resized(old, operand.size());
      return little_endian_less(number, operand) ? number : Bytes(operand);
    }
    case AtomicOp::kByteMax:
      return std::max(old, operand) == old ? existing : Bytes(operand);
    case AtomicOp::kByteMin:
      return std::min(old, operand) == old ? existing : Bytes(operand);
    case AtomicOp::kAppendIfFits:
      return append_if_fits(old, operand);
    case AtomicOp::kCompareAndClear:
      break;
  }
  CHECK(false);
  return std::nullopt;
}

}  // namespace kelpie::store
