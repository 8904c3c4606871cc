#include "agent/page.h"

#include <algorithm>

namespace kelpie::agent {

using store::Order;

PageWalk walk_of(PageRequest page) {
  PageWalk walk{std::move(page), false};
  if (walk.page.before.has_value() && !walk.page.after.has_value()) {
    walk.turned = true;
    walk.page.after = std::exchange(walk.page.before, std::nullopt);
    walk.page.order = walk.page.order == Order::kForward ? Order::kReverse : Order::kForward;
  }
  return walk;
}

void narrow(store::KeyRange& range, const std::optional<Bytes>& after,
            const std::optional<Bytes>& before, Order order) {
  const bool forward = order == Order::kForward;
  const std::optional<Bytes>& low = forward ? after : before;
  const std::optional<Bytes>& high = forward ? before : after;
  if (low.has_value()) {
    range.begin = std::max(range.begin, *low + '\x00');
  }
  if (high.has_value()) {
    range.end = std::min(range.end, *high);
  }
}

}  // namespace kelpie::agent
