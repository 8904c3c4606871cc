#include "codec/subspace.h"

#include <string>

namespace kelpie::codec {
namespace {

// Keys have up to 10 kB; their beginnings say which is which.
constexpr size_t kShownBytesMax = 64;

std::string shown(ByteView key) {
  return base::to_hex(key.substr(0, kShownBytesMax)) + (key.size() > kShownBytesMax ? "..." : "");
}

}  // namespace

Result<Subspace> Subspace::nested(const Tuple& elements) const {
  return Subspace(TRY(pack(elements)));
}

Result<Bytes> Subspace::pack(const Tuple& tuple) const { return pack_tuple(tuple, prefix_); }

Result<VersionstampedKey> Subspace::pack_versionstamped(const Tuple& tuple) const {
  return pack_versionstamped_tuple(tuple, prefix_);
}

Result<Tuple> Subspace::unpack(ByteView key) const {
  if (!contains(key)) {
    return base::invalid_argument("the key is outside the subspace: expected it to begin with " +
                                  shown(prefix_) + ", came " + shown(key));
  }
  return unpack_tuple(key, prefix_.size());
}

SubspaceRange Subspace::range() const { return SubspaceRange{prefix_ + '\x00', prefix_ + '\xff'}; }

Result<SubspaceRange> Subspace::range(const Tuple& tuple) const {
  return TRY(nested(tuple)).range();
}

}  // namespace kelpie::codec
