// Tuples as keys whose byte order is the order of their fields.
// Source: FoundationDB's tuple layer specification (design/tuple.md): null 00, bytes 01, string 02,
// integers 0c..1c, versionstamp 33.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace kelpie::codec {

// Ten bytes of a transaction's versionstamp and two of the writer's own order.
inline constexpr size_t kTupleVersionstampBytes = 12;

// Packs elements one after the other:
//   Bytes key = std::move(TuplePacker().string("agents").integer(7)).take();
class TuplePacker {
 public:
  TuplePacker& null();
  TuplePacker& bytes(ByteView value);
  // The bytes as they are: UTF-8 by convention, not checked here.
  TuplePacker& string(ByteView value);
  TuplePacker& integer(int64_t value);
  // Exactly kTupleVersionstampBytes.
  TuplePacker& versionstamp(ByteView value);

  [[nodiscard]] size_t size() const { return packed_.size(); }
  Bytes take() && { return std::move(packed_); }

 private:
  void escaped(ByteView value);
  Bytes packed_;
};

struct TupleElement {
  enum class Kind : uint8_t { kNull, kBytes, kString, kInteger, kVersionstamp };
  Kind kind = Kind::kNull;
  Bytes bytes;         // of kBytes, kString, kVersionstamp
  int64_t number = 0;  // of kInteger

  [[nodiscard]] bool is_null() const { return kind == Kind::kNull; }
  [[nodiscard]] bool is_bytes() const { return kind == Kind::kBytes; }
  [[nodiscard]] bool is_string() const { return kind == Kind::kString; }
  [[nodiscard]] bool is_integer() const { return kind == Kind::kInteger; }
  [[nodiscard]] bool is_versionstamp() const { return kind == Kind::kVersionstamp; }
  // Of a string; of an integer. Ask which before.
  [[nodiscard]] const Bytes& as_string() const;
  [[nodiscard]] int64_t as_integer() const;

  bool operator==(const TupleElement&) const = default;
};

// Takes apart what TuplePacker built. invalid_argument, with the offset, for bytes that no
// TuplePacker makes: unknown types, cut elements, integers that are not in their shortest form.
Result<std::vector<TupleElement>> unpack_tuple(ByteView packed);

}  // namespace kelpie::codec
