#include "store/written_keys.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "base/hash.h"

namespace kelpie::store {
namespace {

// So many keys behind those in order are looked through one by one. Bringing them in order moves
// all keys, so it waits until they are a fair part of them.
constexpr size_t kLooseKeysMax = 64;
constexpr size_t kLooseShare = 8;

}  // namespace

void WrittenKeys::add(ByteView key) {
  CHECK(bytes_.size() + key.size() < std::numeric_limits<uint32_t>::max());
  hashes_.push_back(base::hash64(key));
  places_.push_back({static_cast<uint32_t>(bytes_.size()), static_cast<uint32_t>(key.size())});
  bytes_ += key;
}

bool WrittenKeys::any_in(const KeyRange& range) const {
  if (places_.size() - in_order_ > kLooseKeysMax + in_order_ / kLooseShare) {
    bring_in_order();
  }
  const auto key = [this](Place place) { return key_at(place); };
  const auto loose = places_.begin() + static_cast<std::ptrdiff_t>(in_order_);
  const auto first =
      std::ranges::lower_bound(places_.begin(), loose, ByteView(range.begin), {}, key);
  return (first != loose && key_at(*first) < range.end) ||
         std::any_of(loose, places_.end(),
                     [&](Place place) { return range.contains(key_at(place)); });
}

void WrittenKeys::bring_in_order() const {
  std::ranges::sort(places_, {}, [this](Place place) { return key_at(place); });
  in_order_ = places_.size();
}

}  // namespace kelpie::store
