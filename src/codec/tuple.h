// Tuples as keys whose byte order is the order of their elements.
// Source: FoundationDB's tuple layer specification (design/tuple.md). Every type code to which it
// gives an exact form is here; `unpack_tuple` names the others in its error.
//
// Between types the order is that of the type codes: null, bytes, string, nested, integers (of
// every size, by value), float32, float64, float80, false, true, uuid, identifier, transaction
// versionstamp, versionstamp, prefixed bytes. Within: bytes and strings by their bytes, nested
// tuples element by element with a prefix before its extensions, floats in IEEE 754's total order
// (-0.0 before 0.0, NaN at both ends), prefixed bytes by length and then by their bytes.
//
// Values without identity: no object here is shared between threads by itself.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace kelpie::codec {

// Ten bytes of a transaction's versionstamp and two of the writer's own order.
inline constexpr size_t kTupleVersionstampBytes = 12;
// What the commit fills in: eight bytes of the version, two of the order inside its batch.
inline constexpr size_t kTupleTransactionVersionBytes = 10;
inline constexpr size_t kTupleUuidBytes = 16;
inline constexpr size_t kTupleFloat80Bytes = 10;
// Of an integer's magnitude: its length has one byte.
inline constexpr size_t kTupleIntegerBytesMax = 255;
inline constexpr size_t kTuplePrefixedBytesMax = 65'535;
// Tuples inside tuples: unpacking uses stack for each level, and the bytes may be anyone's.
inline constexpr size_t kTupleDepthMax = 64;

enum class TupleSign : uint8_t { kPositive, kNegative };

struct TupleElement;
using Tuple = std::vector<TupleElement>;

// A key with room for the versionstamp of the commit that writes it:
//   transaction.set_versionstamped_key(std::move(made.key), made.offset, value);
struct VersionstampedKey {
  Bytes key;
  size_t offset = 0;  // of kTupleTransactionVersionBytes placeholder bytes in `key`
  bool operator==(const VersionstampedKey&) const = default;
};

// Packs elements one after the other:
//   Bytes key = std::move(TuplePacker().string("agents").integer(7)).take();
// For code that knows what it packs: a wrong size is a CHECK. Values that came from elsewhere go
// through `pack_tuple`, which returns an error.
class TuplePacker {
 public:
  TuplePacker() = default;
  // The elements follow these bytes; versionstamp offsets count from their beginning.
  explicit TuplePacker(Bytes prefix) : packed_(std::move(prefix)) {}

  TuplePacker& null();
  TuplePacker& bytes(ByteView value);
  // The bytes as they are: UTF-8 by convention, not checked here.
  TuplePacker& string(ByteView value);
  // What is packed until `end_nested` is one element. At most kTupleDepthMax open at once.
  TuplePacker& begin_nested();
  TuplePacker& end_nested();

  TuplePacker& integer(int64_t value);
  TuplePacker& unsigned_integer(uint64_t value);
  // Big-endian `magnitude`, in at most kTupleIntegerBytesMax bytes after leading zeros. Packed like
  // `integer` where that has the value.
  TuplePacker& big_integer(TupleSign sign, ByteView magnitude);

  // Every bit is kept, also a NaN's.
  TuplePacker& float32(float value);
  TuplePacker& float64(double value);
  // Exactly kTupleFloat80Bytes: the x87 extended format, big-endian.
  TuplePacker& float80(ByteView value);
  TuplePacker& boolean(bool value);

  // Exactly kTupleUuidBytes, in network order.
  TuplePacker& uuid(ByteView value);
  // Code 31: a 64-bit number that is a name and not a quantity.
  TuplePacker& identifier(uint64_t value);
  // Code 32, exactly kTupleTransactionVersionBytes.
  TuplePacker& transaction_versionstamp(ByteView value);
  // Code 33, exactly kTupleVersionstampBytes.
  TuplePacker& versionstamp(ByteView value);
  // A versionstamp that the commit completes; `user_version` orders the keys of one transaction.
  // Once per key, because a commit fills one place; then only `take_versionstamped` ends it.
  TuplePacker& incomplete_versionstamp(uint16_t user_version);
  // Codes 34 and 35 (the latter for more than 255 bytes). At most kTuplePrefixedBytesMax. Ordered
  // by length first: not for range reads over a common beginning.
  TuplePacker& prefixed_bytes(ByteView value);

  // Bytes so far, with the prefix.
  [[nodiscard]] size_t size() const { return packed_.size(); }
  // Every nested tuple is closed, no versionstamp is incomplete.
  [[nodiscard]] Bytes take() &&;
  // Every nested tuple is closed, one versionstamp is incomplete.
  [[nodiscard]] VersionstampedKey take_versionstamped() &&;

 private:
  TuplePacker& text(unsigned char code, ByteView value);
  TuplePacker& fixed(unsigned char code, ByteView value);
  TuplePacker& number(unsigned char code, uint64_t value, int bytes);
  TuplePacker& append(ByteView value);

  Bytes packed_;
  size_t depth_ = 0;
  std::optional<size_t> placeholder_;  // where the commit's versionstamp goes
};

struct TupleElement {
  enum class Kind : uint8_t {
    kNull,
    kBytes,
    kString,
    kNested,
    kInteger,     // has an int64_t
    kUnsigned,    // more than int64_t has, up to 2^64 - 1
    kBigInteger,  // every other integer
    kFloat32,
    kFloat64,
    kFloat80,
    kBoolean,
    kUuid,
    kIdentifier,
    kTransactionVersionstamp,
    kVersionstamp,
    // For packing only: its bytes are those of a kVersionstamp, so unpacking returns that.
    kIncompleteVersionstamp,
    kPrefixedBytes,
  };
  Kind kind = Kind::kNull;
  // Of kBytes, kString, kPrefixedBytes, kUuid, both complete versionstamps; of kFloat80 its
  // big-endian bytes; of kBigInteger its big-endian magnitude (unpacked: without leading zeros).
  Bytes bytes;
  // Of kInteger; of kBoolean 0 or 1; of kBigInteger -1 or 1, its sign.
  int64_t number = 0;
  // Of kUnsigned and kIdentifier; of kFloat32 and kFloat64 their IEEE bits; of
  // kIncompleteVersionstamp the user version. Bits, so that equal means the same element: two NaNs
  // may be equal, and 0.0 is not -0.0.
  uint64_t bits = 0;
  Tuple elements;  // of kNested

  static TupleElement of_null() { return {}; }
  static TupleElement of_bytes(ByteView value) { return {Kind::kBytes, Bytes(value)}; }
  static TupleElement of_string(ByteView value) { return {Kind::kString, Bytes(value)}; }
  static TupleElement of_nested(Tuple value);
  static TupleElement of_integer(int64_t value) { return {Kind::kInteger, {}, value}; }
  static TupleElement of_unsigned(uint64_t value) { return {Kind::kUnsigned, {}, 0, value}; }
  static TupleElement of_big_integer(TupleSign sign, ByteView magnitude) {
    return {Kind::kBigInteger, Bytes(magnitude), sign == TupleSign::kNegative ? -1 : 1};
  }
  static TupleElement of_float32(float value) {
    return {Kind::kFloat32, {}, 0, std::bit_cast<uint32_t>(value)};
  }
  static TupleElement of_float64(double value) {
    return {Kind::kFloat64, {}, 0, std::bit_cast<uint64_t>(value)};
  }
  static TupleElement of_float80(ByteView value) { return {Kind::kFloat80, Bytes(value)}; }
  static TupleElement of_boolean(bool value) { return {Kind::kBoolean, {}, value ? 1 : 0}; }
  static TupleElement of_uuid(ByteView value) { return {Kind::kUuid, Bytes(value)}; }
  static TupleElement of_identifier(uint64_t value) { return {Kind::kIdentifier, {}, 0, value}; }
  static TupleElement of_transaction_versionstamp(ByteView value) {
    return {Kind::kTransactionVersionstamp, Bytes(value)};
  }
  static TupleElement of_versionstamp(ByteView value) {
    return {Kind::kVersionstamp, Bytes(value)};
  }
  static TupleElement of_incomplete_versionstamp(uint16_t user_version) {
    return {Kind::kIncompleteVersionstamp, {}, 0, user_version};
  }
  static TupleElement of_prefixed_bytes(ByteView value) {
    return {Kind::kPrefixedBytes, Bytes(value)};
  }

  [[nodiscard]] bool is_null() const { return kind == Kind::kNull; }
  [[nodiscard]] bool is_bytes() const { return kind == Kind::kBytes; }
  [[nodiscard]] bool is_string() const { return kind == Kind::kString; }
  [[nodiscard]] bool is_nested() const { return kind == Kind::kNested; }
  [[nodiscard]] bool is_integer() const { return kind == Kind::kInteger; }
  [[nodiscard]] bool is_float32() const { return kind == Kind::kFloat32; }
  [[nodiscard]] bool is_float64() const { return kind == Kind::kFloat64; }
  [[nodiscard]] bool is_boolean() const { return kind == Kind::kBoolean; }
  [[nodiscard]] bool is_versionstamp() const { return kind == Kind::kVersionstamp; }
  // Ask which it is before.
  [[nodiscard]] const Bytes& as_string() const;
  [[nodiscard]] int64_t as_integer() const;
  [[nodiscard]] float as_float32() const;
  [[nodiscard]] double as_float64() const;
  [[nodiscard]] bool as_boolean() const;

  bool operator==(const TupleElement&) const;
};

// The elements after `prefix`. invalid_argument for an element that has no packed form (a size that
// its type does not have, too deep, too long) or an incomplete versionstamp; the message has the
// element's place in the tuple.
Result<Bytes> pack_tuple(const Tuple& tuple, ByteView prefix = {});

// The same for a tuple with exactly one incomplete versionstamp; invalid_argument for none or more.
Result<VersionstampedKey> pack_versionstamped_tuple(const Tuple& tuple, ByteView prefix = {});

// Takes apart what TuplePacker built, from byte `start` (at most the size) to the end.
// invalid_argument, with the offset in `packed`, for bytes that no TuplePacker makes: types without
// a form, cut elements, lengths and integers that are not in their shortest form, more than
// kTupleDepthMax nested tuples. What it returns packs to the same bytes.
Result<Tuple> unpack_tuple(ByteView packed, size_t start = 0);

}  // namespace kelpie::codec
