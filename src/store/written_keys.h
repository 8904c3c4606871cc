// WrittenKeys: the keys that one batch writes, asked for by range.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "store/types.h"

namespace kelpie::store {

// Pure. Adding is cheap, since most batches are never asked: what was added is brought in order
// when a range is, and even then only once there is enough of it.
class WrittenKeys {
 public:
  void add(Bytes key);
  // Whether a key of the range was added.
  [[nodiscard]] bool any_in(const KeyRange& range) const;
  // base::hash64 of each key that was added.
  [[nodiscard]] const std::vector<uint64_t>& hashes() const { return hashes_; }
  // With repetitions.
  [[nodiscard]] size_t size() const { return keys_.size(); }

 private:
  void bring_in_order() const;

  std::vector<uint64_t> hashes_;
  mutable std::vector<Bytes> keys_;
  mutable size_t in_order_ = 0;  // so many of the first keys ascend
};

}  // namespace kelpie::store
