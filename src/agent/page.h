// Pages of lists, by cursor: how they are asked for, and which part of an index they are.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "async/task.h"
#include "store/types.h"

namespace kelpie::agent {

// A page of a list. `after` and `before` are ids, relative to the order of the list; an unknown
// cursor yields an empty page.
struct PageRequest {
  std::optional<std::string> after;
  std::optional<std::string> before;
  size_t limit = 100;
  store::Order order = store::Order::kReverse;
};

// How a page is read. A page that has only `before` holds what stands nearest before the cursor: it
// is read from the cursor backwards, as "after" it in the other order, and turned round.
struct PageWalk {
  PageRequest page;
  bool turned = false;
};
PageWalk walk_of(PageRequest page);

// Narrows `range` to what comes after and before these keys in the list's order.
void narrow(store::KeyRange& range, const std::optional<Bytes>& after,
            const std::optional<Bytes>& before, store::Order order);

// The part of an index that lies between the cursors of `page`, empty if one is unknown.
// `key_of(id)` is a Task of where an id stands in the index, or of nothing.
template <class KeyOf>
Task<store::KeyRange> cut(store::KeyRange index, PageRequest page, KeyOf key_of) {
  std::optional<Bytes> keys[2];
  const std::optional<std::string>* cursors[2] = {&page.after, &page.before};
  for (int i = 0; i < 2; ++i) {
    if (!cursors[i]->has_value()) {
      continue;
    }
    keys[i] = co_await key_of(**cursors[i]);
    if (!keys[i].has_value()) {
      co_return store::KeyRange();
    }
  }
  narrow(index, keys[0], keys[1], page.order);
  co_return std::move(index);
}

}  // namespace kelpie::agent
