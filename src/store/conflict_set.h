// ConflictSet: what a transaction read, or wrote, as far as conflicts are concerned.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "store/types.h"

namespace kelpie::store {

// Points are kept apart from ranges: most turns of an actor have nothing but points, and a
// point is checked with one hash look-up.
struct ConflictSet {
  std::vector<Bytes> points;
  std::vector<KeyRange> ranges;

  void add_point(Bytes key) { points.push_back(std::move(key)); }
  // An empty range adds nothing; the range of exactly one key is that point.
  void add_range(KeyRange range) {
    if (range.empty()) {
      return;
    }
    const bool one_key = range.end.size() == range.begin.size() + 1 && range.end.back() == '\0' &&
                         range.end.starts_with(range.begin);
    if (one_key) {
      points.push_back(std::move(range.begin));
    } else {
      ranges.push_back(std::move(range));
    }
  }
  [[nodiscard]] bool empty() const { return points.empty() && ranges.empty(); }
};

}  // namespace kelpie::store
