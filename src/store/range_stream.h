// RangeStream: the rows of a range one by one, however many pages they take.
//
//   RangeStream rows(transaction, {.range = keys::agents_created()});
//   while (std::optional<KeyValue> row = co_await rows.next()) { ... }
#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include "async/task.h"
#include "store/database.h"

namespace kelpie::store {

// Holds one page at a time; `read.rows_max` and `read.bytes_max` bound a page, not the stream. The
// transaction outlives it, and its age limit holds for the whole walk.
class RangeStream {
 public:
  RangeStream(Transaction& transaction, RangeRead read)
      : transaction_(transaction), read_(std::move(read)) {}

  // nullopt after the last row. After an error it is of no further use.
  Task<std::optional<KeyValue>> next();

 private:
  Transaction& transaction_;
  RangeRead read_;
  RangePage page_;
  size_t at_ = 0;  // of the next row in the page
  bool first_page_read_ = false;
};

}  // namespace kelpie::store
