// WrittenKeys: the keys that one batch writes, asked for by range.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "store/types.h"

namespace kelpie::store {

// Pure. Adding is cheap, since most batches are never asked: what was added is brought in order
// when a range is, and even then only once there is enough of it. The keys lie one behind the
// other in one piece of memory: a window holds hundreds of thousands of them.
class WrittenKeys {
 public:
  // All keys together have less than 4 GB.
  void add(ByteView key);
  // Whether a key of the range was added.
  [[nodiscard]] bool any_in(const KeyRange& range) const;
  // base::hash64 of each key that was added.
  [[nodiscard]] const std::vector<uint64_t>& hashes() const { return hashes_; }
  // With repetitions.
  [[nodiscard]] size_t size() const { return hashes_.size(); }

 private:
  struct Place {
    uint32_t start;  // in bytes_
    uint32_t size;
  };
  [[nodiscard]] ByteView key_at(Place place) const {
    return ByteView(bytes_).substr(place.start, place.size);
  }
  void bring_in_order() const;

  std::vector<uint64_t> hashes_;
  Bytes bytes_;
  mutable std::vector<Place> places_;
  mutable size_t in_order_ = 0;  // so many of the first keys ascend
};

}  // namespace kelpie::store
