// Packing of values that may be anyone's: what TuplePacker takes for granted is asked here first.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "codec/tuple.h"

namespace kelpie::codec {
namespace {

class ValuePacker {
 public:
  explicit ValuePacker(ByteView prefix) : packer_(Bytes(prefix)) {}

  Result<void> all(const Tuple& tuple, size_t depth) {
    for (size_t i = 0; i < tuple.size(); ++i) {
      const size_t place_bytes = place_.size();
      place_ += "[" + std::to_string(i) + "]";
      TRY(element(tuple[i], depth));
      place_.resize(place_bytes);
    }
    return kOk;
  }

  [[nodiscard]] bool has_incomplete() const { return has_incomplete_; }
  Bytes take() && { return std::move(packer_).take(); }
  VersionstampedKey take_versionstamped() && { return std::move(packer_).take_versionstamped(); }

 private:
  [[nodiscard]] Error bad(const std::string& what) const {
    return base::invalid_argument("cannot pack element " + place_ + " of the tuple: " + what);
  }

  [[nodiscard]] Result<void> sized(std::string_view what, ByteView value, size_t bytes) const {
    if (value.size() != bytes) {
      return bad(std::string(what) + " has " + std::to_string(bytes) + " bytes, not " +
                 std::to_string(value.size()));
    }
    return kOk;
  }

  Result<void> element(const TupleElement& value, size_t depth);
  Result<void> nested(const Tuple& elements, size_t depth);
  Result<void> big_integer(const TupleElement& value);
  Result<void> incomplete(const TupleElement& value);
  Result<void> prefixed(const TupleElement& value);

  TuplePacker packer_;
  std::string place_;
  bool has_incomplete_ = false;
};

Result<void> ValuePacker::element(const TupleElement& value, size_t depth) {
  using Kind = TupleElement::Kind;
  switch (value.kind) {
    case Kind::kNull:
      packer_.null();
      return kOk;
    case Kind::kBytes:
      packer_.bytes(value.bytes);
      return kOk;
    case Kind::kString:
      packer_.string(value.bytes);
      return kOk;
    case Kind::kNested:
      return nested(value.elements, depth);
    case Kind::kInteger:
      packer_.integer(value.number);
      return kOk;
    case Kind::kUnsigned:
      packer_.unsigned_integer(value.bits);
      return kOk;
    case Kind::kBigInteger:
      return big_integer(value);
    case Kind::kFloat32:
      packer_.float32(value.as_float32());
      return kOk;
    case Kind::kFloat64:
      packer_.float64(value.as_float64());
      return kOk;
    case Kind::kFloat80:
      TRY(sized("a float80", value.bytes, kTupleFloat80Bytes));
      packer_.float80(value.bytes);
      return kOk;
    case Kind::kBoolean:
      packer_.boolean(value.as_boolean());
      return kOk;
    case Kind::kUuid:
      TRY(sized("a uuid", value.bytes, kTupleUuidBytes));
      packer_.uuid(value.bytes);
      return kOk;
    case Kind::kIdentifier:
      packer_.identifier(value.bits);
      return kOk;
    case Kind::kTransactionVersionstamp:
      TRY(sized("a transaction versionstamp", value.bytes, kTupleTransactionVersionBytes));
      packer_.transaction_versionstamp(value.bytes);
      return kOk;
    case Kind::kVersionstamp:
      TRY(sized("a versionstamp", value.bytes, kTupleVersionstampBytes));
      packer_.versionstamp(value.bytes);
      return kOk;
    case Kind::kIncompleteVersionstamp:
      return incomplete(value);
    case Kind::kPrefixedBytes:
      return prefixed(value);
  }
  return bad("unknown kind " + std::to_string(static_cast<int>(value.kind)));
}

Result<void> ValuePacker::nested(const Tuple& elements, size_t depth) {
  if (depth == kTupleDepthMax) {
    return bad("tuples are nested more than " + std::to_string(kTupleDepthMax) + " deep");
  }
  packer_.begin_nested();
  TRY(all(elements, depth + 1));
  packer_.end_nested();
  return kOk;
}

Result<void> ValuePacker::big_integer(const TupleElement& value) {
  const size_t leading = std::min(value.bytes.find_first_not_of('\0'), value.bytes.size());
  const size_t bytes = value.bytes.size() - leading;
  if (bytes > kTupleIntegerBytesMax) {
    return bad("an integer has at most " + std::to_string(kTupleIntegerBytesMax) + " bytes, not " +
               std::to_string(bytes));
  }
  packer_.big_integer(value.number < 0 ? TupleSign::kNegative : TupleSign::kPositive, value.bytes);
  return kOk;
}

Result<void> ValuePacker::incomplete(const TupleElement& value) {
  if (has_incomplete_) {
    return bad("a commit completes one versionstamp of a key, and this is the second");
  }
  if (value.bits > 0xffff) {
    return bad("a versionstamp's user version is at most 65535, not " + std::to_string(value.bits));
  }
  has_incomplete_ = true;
  packer_.incomplete_versionstamp(static_cast<uint16_t>(value.bits));
  return kOk;
}

Result<void> ValuePacker::prefixed(const TupleElement& value) {
  if (value.bytes.size() > kTuplePrefixedBytesMax) {
    return bad("length-prefixed bytes are at most " + std::to_string(kTuplePrefixedBytesMax) +
               ", not " + std::to_string(value.bytes.size()) + "; use bytes");
  }
  packer_.prefixed_bytes(value.bytes);
  return kOk;
}

}  // namespace

Result<Bytes> pack_tuple(const Tuple& tuple, ByteView prefix) {
  ValuePacker packer(prefix);
  TRY(packer.all(tuple, 0));
  if (packer.has_incomplete()) {
    return base::invalid_argument(
        "cannot pack the tuple: it has an incomplete versionstamp; pack it for "
        "set_versionstamped_key");
  }
  return std::move(packer).take();
}

Result<VersionstampedKey> pack_versionstamped_tuple(const Tuple& tuple, ByteView prefix) {
  ValuePacker packer(prefix);
  TRY(packer.all(tuple, 0));
  if (!packer.has_incomplete()) {
    return base::invalid_argument(
        "cannot pack the tuple for set_versionstamped_key: it has no incomplete versionstamp");
  }
  return std::move(packer).take_versionstamped();
}

}  // namespace kelpie::codec
