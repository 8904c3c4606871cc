// TransactionLimits: what one transaction may hold, the same on every engine and checked before
// anything is sent. FoundationDB's limits (base/limits.h); the count of bytes is FoundationDB's
// too: each write with its key as a write conflict, each conflict range with both ends.
#pragma once

#include <cstddef>
#include <optional>

#include "base/error.h"
#include "store/types.h"

namespace kelpie::store {

// Pure. The first violation stands and is what `commit` ends with.
class TransactionLimits {
 public:
  explicit TransactionLimits(size_t bytes_max) : bytes_max_(bytes_max) {}

  // Whether the transaction may hold the write (or range, or stamp): it broke no limit, and none
  // was broken before.
  bool write(ByteView key, ByteView value);
  bool clear_range(const KeyRange& range);
  bool conflict(const KeyRange& range);
  bool stamp(size_t offset, size_t size);
  // What a read adds to the transaction: its conflict.
  void read(ByteView key) { bytes_ += 2 * key.size() + 1; }
  void read(const KeyRange& range) { bytes_ += range.begin.size() + range.end.size(); }

  // The error that `commit` must end with, if any.
  [[nodiscard]] std::optional<Error> violation() const;
  [[nodiscard]] size_t bytes() const { return bytes_; }

  // Of a key to read; of a range or a selector's key, which may be kKeysEnd.
  static std::optional<Error> key_error(ByteView key);
  static std::optional<Error> bound_error(ByteView key);
  static std::optional<Error> range_error(const KeyRange& range);

 private:
  bool note(std::optional<Error> error);

  size_t bytes_max_;
  size_t bytes_ = 0;
  std::optional<Error> violation_;
};

}  // namespace kelpie::store
