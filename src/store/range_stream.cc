#include "store/range_stream.h"

namespace kelpie::store {

Task<std::optional<KeyValue>> RangeStream::next() {
  // A page may be empty although more follows.
  while (at_ == page_.rows.size()) {
    if (first_page_read_) {
      if (!page_.more) {
        co_return std::optional<KeyValue>();
      }
      read_.range = std::move(page_.next);
    }
    first_page_read_ = true;
    page_ = co_await transaction_.get_range(read_);
    at_ = 0;
  }
  co_return std::optional<KeyValue>(std::move(page_.rows[at_++]));
}

}  // namespace kelpie::store
