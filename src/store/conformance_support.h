// Helpers that the conformance cases share. Test support.
#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/database.h"

// In a coroutine that returns a Task: ends it with the text of what does not hold.
#define CONFORM(condition)                                                                  \
  if (!(condition))                                                                         \
  co_return ::kelpie::base::internal(std::string(__FILE__ ":") + std::to_string(__LINE__) + \
                                     ": " #condition)

namespace kelpie::store::conformance {

using Rows = std::vector<KeyValue>;

inline Task<Version> put(Database& database, std::vector<KeyValue> rows) {
  const std::unique_ptr<Transaction> transaction = database.begin();
  for (KeyValue& row : rows) {
    transaction->set(std::move(row.key), std::move(row.value));
  }
  co_return co_await transaction->commit();
}

inline Task<std::optional<Bytes>> value_of(Database& database, Bytes key) {
  const std::unique_ptr<Transaction> transaction = database.begin();
  co_return co_await transaction->get(std::move(key));
}

// All rows of a range, following the continuation, at most `rows_max` at a time.
inline Task<Rows> all_rows(Transaction& transaction, KeyRange range, Order order, size_t rows_max) {
  Rows rows;
  RangeRead read{.range = std::move(range), .rows_max = rows_max, .order = order};
  for (bool more = true; more;) {
    RangePage page = co_await transaction.get_range(read);
    CONFORM(page.rows.size() <= rows_max);
    CONFORM(!page.more || !page.rows.empty());
    std::move(page.rows.begin(), page.rows.end(), std::back_inserter(rows));
    more = page.more;
    read.range = std::move(page.next);
  }
  co_return std::move(rows);
}

template <class T>
bool failed_with(const Result<T>& result, Code code) {
  return !result.ok() && result.error().code == code;
}

inline Bytes little_endian(uint64_t number) {
  Bytes bytes;
  for (int i = 0; i < 8; ++i) {
    bytes += static_cast<char>(number >> (8 * i));
  }
  return bytes;
}

}  // namespace kelpie::store::conformance
