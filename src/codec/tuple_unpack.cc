// Unpacking of tuples. The bytes may be anyone's, so each length is held against what is left.
#include <string>
#include <utility>

#include "base/check.h"
#include "codec/tuple.h"
#include "codec/tuple_codes.h"

namespace kelpie::codec {
namespace {

using Kind = TupleElement::Kind;

std::string hex(unsigned char code) { return base::to_hex(Bytes(1, static_cast<char>(code))); }

// What the specification says of a code that has no form here.
std::string why_not(unsigned char code) {
  const std::string name = "type " + hex(code) + " is ";
  if (code == 0x03 || code == 0x04) {
    return name + "the deprecated nested tuple; expected 05";
  }
  if (code == 0x0a || code == 0x1e) {
    return name + "reserved for integers, without a specified form; expected 0b to 1d";
  }
  if (code == 0x23 || code == 0x24) {
    return name + "a decimal, of which the specification does not fix the bytes";
  }
  if (code == 0x25) {
    return name + "the deprecated true; expected 27";
  }
  if (code >= 0x40 && code <= 0x4f) {
    return name + "a user type, whose form its users define and the specification does not";
  }
  if (code == 0xf0) {
    return name + "the end of a tuple before a key encoding of its own; unpack what is before it";
  }
  return name + "not one of the specification";
}

class Reader {
 public:
  Reader(ByteView packed, size_t start) : packed_(packed), at_(start) {}

  [[nodiscard]] bool at_end() const { return at_ == packed_.size(); }

  // Not at the end. `at_` moves behind the element.
  Result<TupleElement> next(size_t depth);

 private:
  [[nodiscard]] Error bad(const std::string& what, size_t offset) const {
    return base::invalid_argument("not a packed tuple: " + what + " at offset " +
                                  std::to_string(offset));
  }
  [[nodiscard]] Error bad(const std::string& what) const { return bad(what, at_); }
  [[nodiscard]] unsigned char byte(size_t at) const {
    return static_cast<unsigned char>(packed_[at]);
  }

  // `count` bytes after `skip`, which counts from the element's code; moves behind them.
  Result<ByteView> body(size_t skip, size_t count);
  Result<TupleElement> fixed(Kind kind, size_t count);
  Result<TupleElement> text(Kind kind);
  Result<TupleElement> nested(size_t depth);
  Result<TupleElement> integer(int signed_bytes);
  Result<TupleElement> big_integer(TupleSign sign);
  Result<TupleElement> ieee(Kind kind, size_t count);
  Result<TupleElement> prefixed(size_t length_bytes);
  TupleElement empty(TupleElement element) {
    ++at_;
    return element;
  }

  ByteView packed_;
  size_t at_;
};

Result<TupleElement> Reader::next(size_t depth) {
  CHECK(!at_end());
  const unsigned char code = byte(at_);
  if (code > tuple_code::kBigNegative && code < tuple_code::kBigPositive) {
    return integer(static_cast<int>(code) - tuple_code::kZero);
  }
  switch (code) {
    case tuple_code::kNull:
      return empty(TupleElement::of_null());
    case tuple_code::kBytes:
      return text(Kind::kBytes);
    case tuple_code::kString:
      return text(Kind::kString);
    case tuple_code::kNested:
      return nested(depth);
    case tuple_code::kBigNegative:
      return big_integer(TupleSign::kNegative);
    case tuple_code::kBigPositive:
      return big_integer(TupleSign::kPositive);
    case tuple_code::kFloat32:
      return ieee(Kind::kFloat32, 4);
    case tuple_code::kFloat64:
      return ieee(Kind::kFloat64, 8);
    case tuple_code::kFloat80:
      return ieee(Kind::kFloat80, kTupleFloat80Bytes);
    case tuple_code::kFalse:
      return empty(TupleElement::of_boolean(false));
    case tuple_code::kTrue:
      return empty(TupleElement::of_boolean(true));
    case tuple_code::kUuid:
      return fixed(Kind::kUuid, kTupleUuidBytes);
    case tuple_code::kIdentifier:
      return TupleElement::of_identifier(tuple_code::read_number(TRY(body(1, 8))));
    case tuple_code::kTransactionVersionstamp:
      return fixed(Kind::kTransactionVersionstamp, kTupleTransactionVersionBytes);
    case tuple_code::kVersionstamp:
      return fixed(Kind::kVersionstamp, kTupleVersionstampBytes);
    case tuple_code::kPrefixed8:
      return prefixed(1);
    case tuple_code::kPrefixed16:
      return prefixed(2);
    default:
      return bad(why_not(code));
  }
}

Result<ByteView> Reader::body(size_t skip, size_t count) {
  const size_t left = packed_.size() - at_;
  if (left < skip || left - skip < count) {
    return bad("type " + hex(byte(at_)) + " needs " + std::to_string(skip + count) +
               " bytes and has " + std::to_string(left));
  }
  const ByteView found = packed_.substr(at_ + skip, count);
  at_ += skip + count;
  return found;
}

Result<TupleElement> Reader::fixed(Kind kind, size_t count) {
  return TupleElement{kind, Bytes(TRY(body(1, count)))};
}

Result<TupleElement> Reader::text(Kind kind) {
  TupleElement element{kind};
  size_t from = at_ + 1;
  while (true) {
    const size_t zero = packed_.find('\0', from);
    if (zero == ByteView::npos) {
      return bad("bytes or string without an end");
    }
    element.bytes += packed_.substr(from, zero - from);
    if (zero + 1 == packed_.size() || byte(zero + 1) != tuple_code::kEscape) {
      at_ = zero + 1;
      return element;
    }
    element.bytes += '\0';
    from = zero + 2;
  }
}

Result<TupleElement> Reader::nested(size_t depth) {
  const size_t begin = at_;
  if (depth == kTupleDepthMax) {
    return bad("tuples nested more than " + std::to_string(kTupleDepthMax) + " deep");
  }
  TupleElement element{Kind::kNested};
  ++at_;
  while (!at_end()) {
    if (byte(at_) != tuple_code::kNull) {
      element.elements.push_back(TRY(next(depth + 1)));
    } else if (at_ + 1 < packed_.size() && byte(at_ + 1) == tuple_code::kEscape) {
      element.elements.emplace_back();
      at_ += 2;
    } else {
      ++at_;
      return element;
    }
  }
  return bad("nested tuple without an end", begin);
}

Result<TupleElement> Reader::integer(int signed_bytes) {
  const size_t begin = at_;
  const bool negative = signed_bytes < 0;
  const int bytes = negative ? -signed_bytes : signed_bytes;
  Bytes raw(TRY(body(1, static_cast<size_t>(bytes))));
  if (negative) {
    tuple_code::flip(raw);
  }
  if (!raw.empty() && raw[0] == '\0') {
    return bad("an integer that is not in its shortest form", begin);
  }
  const uint64_t magnitude = tuple_code::read_number(raw);
  constexpr uint64_t kNegativeMax = uint64_t{1} << 63;
  if (!negative) {
    return magnitude < kNegativeMax ? TupleElement::of_integer(static_cast<int64_t>(magnitude))
                                    : TupleElement::of_unsigned(magnitude);
  }
  return magnitude <= kNegativeMax ? TupleElement::of_integer(static_cast<int64_t>(~magnitude + 1))
                                   : TupleElement::of_big_integer(TupleSign::kNegative, raw);
}

Result<TupleElement> Reader::big_integer(TupleSign sign) {
  const size_t begin = at_;
  const bool negative = sign == TupleSign::kNegative;
  if (packed_.size() - at_ < 2) {
    return bad("an integer without its length");
  }
  const size_t bytes = byte(at_ + 1) ^ (negative ? 0xffU : 0U);
  Bytes raw(TRY(body(2, bytes)));
  if (negative) {
    tuple_code::flip(raw);
  }
  if (bytes <= tuple_code::kShortIntegerBytesMax || raw[0] == '\0') {
    return bad("an integer that is not in its shortest form", begin);
  }
  return TupleElement::of_big_integer(sign, raw);
}

Result<TupleElement> Reader::ieee(Kind kind, size_t count) {
  Bytes raw(TRY(body(1, count)));
  tuple_code::restore_float(raw);
  if (kind == Kind::kFloat80) {
    return TupleElement::of_float80(raw);
  }
  return TupleElement{kind, {}, 0, tuple_code::read_number(raw)};
}

Result<TupleElement> Reader::prefixed(size_t length_bytes) {
  const size_t begin = at_;
  if (packed_.size() - at_ < 1 + length_bytes) {
    return bad("bytes without their length");
  }
  const size_t count = tuple_code::read_number(packed_.substr(at_ + 1, length_bytes));
  const ByteView value = TRY(body(1 + length_bytes, count));
  if (length_bytes == 2 && count <= tuple_code::kPrefixed8BytesMax) {
    return bad("a length that is not in its shortest form", begin);
  }
  return TupleElement::of_prefixed_bytes(value);
}

}  // namespace

Result<Tuple> unpack_tuple(ByteView packed, size_t start) {
  CHECK(start <= packed.size());
  Tuple elements;
  Reader reader(packed, start);
  while (!reader.at_end()) {
    elements.push_back(TRY(reader.next(0)));
  }
  return elements;
}

}  // namespace kelpie::codec
