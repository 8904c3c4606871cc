// Subspace: all keys that begin with one prefix, as tuples below it.
//   const Subspace users = TRY(Subspace().nested({TupleElement::of_string("users")}));
//   Bytes key = std::move(users.packer().string("ann").integer(7)).take();
//   Tuple back = TRY(users.unpack(key));  // ("ann", 7)
// A value; any number of threads may read one.
#pragma once

#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "codec/tuple.h"

namespace kelpie::codec {

// [begin, end): begin is in, end is out.
struct SubspaceRange {
  Bytes begin;
  Bytes end;
  bool operator==(const SubspaceRange&) const = default;
};

class Subspace {
 public:
  // Every key.
  Subspace() = default;
  // Any bytes; those that are not packed elements are kept out of what `unpack` returns as well.
  explicit Subspace(Bytes prefix) : prefix_(std::move(prefix)) {}

  [[nodiscard]] const Bytes& prefix() const [[clang::lifetimebound]] { return prefix_; }

  // The subspace of the tuples below this one that begin with `elements`. invalid_argument as
  // `pack_tuple`.
  [[nodiscard]] Result<Subspace> nested(const Tuple& elements) const;

  // A packer that has the prefix already: for keys whose elements the caller knows.
  [[nodiscard]] TuplePacker packer() const { return TuplePacker(prefix_); }
  // As `pack_tuple` and `pack_versionstamped_tuple`; the offset counts from the key's beginning.
  [[nodiscard]] Result<Bytes> pack(const Tuple& tuple) const;
  [[nodiscard]] Result<VersionstampedKey> pack_versionstamped(const Tuple& tuple) const;

  // The elements after the prefix. invalid_argument for a key outside, and as `unpack_tuple`, with
  // offsets that count from the key's beginning.
  [[nodiscard]] Result<Tuple> unpack(ByteView key) const;

  // The prefix itself is inside: the key of the empty tuple.
  [[nodiscard]] bool contains(ByteView key) const { return key.starts_with(prefix_); }

  // The keys of all tuples below that have at least one element: not the prefix itself, and no key
  // that goes on with a byte ff, which is no element's.
  [[nodiscard]] SubspaceRange range() const;
  // Those that begin with `tuple` and have at least one element more.
  [[nodiscard]] Result<SubspaceRange> range(const Tuple& tuple) const;

  bool operator==(const Subspace&) const = default;

 private:
  Bytes prefix_;
};

}  // namespace kelpie::codec
