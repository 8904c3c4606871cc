#include "store/database.h"

#include <utility>

namespace kelpie::store {

Task<RangePage> Transaction::get_range(KeySelector begin, KeySelector end, RangeRead read) {
  const Isolation isolation = read.isolation;
  Bytes first = co_await get_key(std::move(begin), isolation);
  Bytes last = co_await get_key(std::move(end), isolation);
  read.range = KeyRange{std::move(first), std::move(last)};
  co_return co_await get_range(std::move(read));
}

}  // namespace kelpie::store
