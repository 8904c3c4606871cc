#include "codec/tuple.h"

#include <string>
#include <utility>

#include "base/check.h"

namespace kelpie::codec {
namespace {

constexpr unsigned char kNullType = 0x00;
constexpr unsigned char kBytesType = 0x01;
constexpr unsigned char kStringType = 0x02;
// The type of an integer is this plus the number of its bytes, minus it for negative ones.
constexpr unsigned char kZeroType = 0x14;
constexpr unsigned char kVersionstampType = 0x33;
constexpr int kIntegerBytesMax = 8;

constexpr uint64_t mask_of(int bytes) {
  return bytes == kIntegerBytesMax ? ~uint64_t{0} : (uint64_t{1} << (8 * bytes)) - 1;
}

int bytes_needed(uint64_t magnitude) {
  int bytes = 0;
  while (bytes < kIntegerBytesMax && magnitude > mask_of(bytes)) {
    ++bytes;
  }
  return bytes;
}

class Reader {
 public:
  explicit Reader(ByteView packed) : packed_(packed) {}

  [[nodiscard]] bool at_end() const { return at_ == packed_.size(); }

  Result<TupleElement> next() {
    const auto type = static_cast<unsigned char>(packed_[at_]);
    if (type == kNullType) {
      ++at_;
      return TupleElement{};
    }
    if (type == kBytesType || type == kStringType) {
      return text(type == kBytesType ? TupleElement::Kind::kBytes : TupleElement::Kind::kString);
    }
    if (type >= kZeroType - kIntegerBytesMax && type <= kZeroType + kIntegerBytesMax) {
      return integer(static_cast<int>(type) - kZeroType);
    }
    if (type == kVersionstampType) {
      if (packed_.size() - at_ - 1 < kTupleVersionstampBytes) {
        return bad("the versionstamp is cut");
      }
      TupleElement element{TupleElement::Kind::kVersionstamp,
                           Bytes(packed_.substr(at_ + 1, kTupleVersionstampBytes)), 0};
      at_ += 1 + kTupleVersionstampBytes;
      return element;
    }
    return bad("unknown element type " + std::to_string(type));
  }

 private:
  [[nodiscard]] Error bad(const std::string& what) const {
    return base::invalid_argument("not a packed tuple: " + what + " at offset " +
                                  std::to_string(at_));
  }

  Result<TupleElement> text(TupleElement::Kind kind) {
    TupleElement element{kind, {}, 0};
    for (size_t i = at_ + 1; i < packed_.size(); ++i) {
      if (packed_[i] != '\0') {
        element.bytes += packed_[i];
      } else if (i + 1 < packed_.size() && packed_[i + 1] == '\xff') {
        element.bytes += '\0';
        ++i;
      } else {
        at_ = i + 1;
        return element;
      }
    }
    return bad("bytes or string without an end");
  }

  Result<TupleElement> integer(int signed_bytes) {
    const int bytes = signed_bytes < 0 ? -signed_bytes : signed_bytes;
    if (packed_.size() - at_ - 1 < static_cast<size_t>(bytes)) {
      return bad("the integer is cut");
    }
    uint64_t raw = 0;
    for (int i = 1; i <= bytes; ++i) {
      raw = (raw << 8) | static_cast<unsigned char>(packed_[at_ + static_cast<size_t>(i)]);
    }
    const bool negative = signed_bytes < 0;
    const uint64_t magnitude = negative ? mask_of(bytes) - raw : raw;
    if (bytes_needed(magnitude) != bytes) {
      return bad("an integer that is not in its shortest form");
    }
    const uint64_t limit = (uint64_t{1} << 63) - (negative ? 0 : 1);
    if (magnitude > limit) {
      return bad("an integer of more than 64 bits with its sign");
    }
    at_ += 1 + static_cast<size_t>(bytes);
    const uint64_t two_complement = negative ? ~magnitude + 1 : magnitude;
    return TupleElement{TupleElement::Kind::kInteger, {}, static_cast<int64_t>(two_complement)};
  }

  ByteView packed_;
  size_t at_ = 0;
};

}  // namespace

TuplePacker& TuplePacker::null() {
  packed_ += static_cast<char>(kNullType);
  return *this;
}

TuplePacker& TuplePacker::bytes(ByteView value) {
  packed_ += static_cast<char>(kBytesType);
  escaped(value);
  return *this;
}

TuplePacker& TuplePacker::string(ByteView value) {
  packed_ += static_cast<char>(kStringType);
  escaped(value);
  return *this;
}

TuplePacker& TuplePacker::integer(int64_t value) {
  const bool negative = value < 0;
  const auto two_complement = static_cast<uint64_t>(value);
  const uint64_t magnitude = negative ? ~two_complement + 1 : two_complement;
  const int bytes = bytes_needed(magnitude);
  // Negative numbers are stored as ones' complement, so that smaller ones come first.
  const uint64_t raw = negative ? mask_of(bytes) - magnitude : magnitude;
  packed_ += static_cast<char>(negative ? kZeroType - bytes : kZeroType + bytes);
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    packed_ += static_cast<char>(raw >> shift);
  }
  return *this;
}

TuplePacker& TuplePacker::versionstamp(ByteView value) {
  CHECK(value.size() == kTupleVersionstampBytes);
  packed_ += static_cast<char>(kVersionstampType);
  packed_ += value;
  return *this;
}

void TuplePacker::escaped(ByteView value) {
  for (char c : value) {
    packed_ += c;
    if (c == '\0') {
      packed_ += '\xff';
    }
  }
  packed_ += '\0';
}

const Bytes& TupleElement::as_string() const {
  CHECK(is_string());
  return bytes;
}

int64_t TupleElement::as_integer() const {
  CHECK(is_integer());
  return number;
}

Result<std::vector<TupleElement>> unpack_tuple(ByteView packed) {
  std::vector<TupleElement> elements;
  Reader reader(packed);
  while (!reader.at_end()) {
    elements.push_back(TRY(reader.next()));
  }
  return elements;
}

}  // namespace kelpie::codec
