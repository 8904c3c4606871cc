#include "store/selector_walk.h"

#include <algorithm>
#include <utility>

namespace kelpie::store {

Task<Bytes> walk_to_key(Transaction& transaction, KeySelector selector, Isolation isolation) {
  constexpr int64_t kKeysPerPage = 1'000;
  Bytes start = std::move(selector.key);
  if (selector.or_equal == OrEqual::kIncluded && start < kKeysEnd) {
    start += '\0';
  }
  const bool forward = selector.offset > 0;
  // In 64 bits: the offset may be the smallest number there is.
  int64_t left = forward ? int64_t{selector.offset} : 1 - int64_t{selector.offset};
  RangeRead read{.range = forward ? KeyRange{start, Bytes(kKeysEnd)} : KeyRange{"", start},
                 .order = forward ? Order::kForward : Order::kReverse,
                 .isolation = isolation};
  while (!read.range.empty()) {
    read.rows_max = static_cast<size_t>(std::min(left, kKeysPerPage));
    RangePage page = co_await transaction.get_range(read);
    left -= static_cast<int64_t>(page.rows.size());
    if (left == 0) {
      co_return std::move(page.rows.back().key);
    }
    if (!page.more) {
      break;
    }
    read.range = std::move(page.next);
  }
  co_return forward ? Bytes(kKeysEnd) : Bytes();
}

}  // namespace kelpie::store
