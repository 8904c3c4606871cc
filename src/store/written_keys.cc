#include "store/written_keys.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"

namespace kelpie::store {
namespace {

// So many keys behind those in order are looked through one by one. Bringing them in order moves
// all keys, so it waits until they are a fair part of them.
constexpr size_t kLooseKeysMax = 64;
constexpr size_t kLooseShare = 8;

}  // namespace

void WrittenKeys::add(Bytes key) {
  hashes_.push_back(base::hash64(key));
  keys_.push_back(std::move(key));
}

bool WrittenKeys::any_in(const KeyRange& range) const {
  if (keys_.size() - in_order_ > kLooseKeysMax + in_order_ / kLooseShare) {
    bring_in_order();
  }
  const auto loose = keys_.begin() + static_cast<std::ptrdiff_t>(in_order_);
  const auto first = std::lower_bound(keys_.begin(), loose, range.begin);
  return (first != loose && *first < range.end) ||
         std::any_of(loose, keys_.end(), [&](const Bytes& key) { return range.contains(key); });
}

void WrittenKeys::bring_in_order() const {
  std::sort(keys_.begin(), keys_.end());
  in_order_ = keys_.size();
}

}  // namespace kelpie::store
