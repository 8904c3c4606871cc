#include <algorithm>
#include <array>

#include "store/conformance.h"
#include "store/conformance_support.h"

namespace kelpie::store {
namespace {

using namespace conformance;  // NOLINT: the kit's own helpers

const KeyRange kAll{"", "\xff"};

Task<void> reads_what_was_committed(Database& database, Loop&) {
  const Version version = co_await put(database, {{"a", "1"}, {"", "empty key"}, {"z", ""}});
  CONFORM(version > Version(0));
  CONFORM(co_await value_of(database, "a") == "1");
  CONFORM(co_await value_of(database, "") == "empty key");
  CONFORM(co_await value_of(database, "z") == "");
  CONFORM(!(co_await value_of(database, "b")).has_value());
  co_return kOk;
}

Task<void> reads_its_own_writes(Database& database, Loop&) {
  co_await put(database, {{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}});
  const auto transaction = database.begin();
  transaction->set("a", "new");
  transaction->clear("b");
  transaction->clear_range({"c", "e"});
  transaction->set("d", "again");
  transaction->set("e", "5");
  CONFORM(co_await transaction->get("a") == "new");
  CONFORM(!(co_await transaction->get("b")).has_value());
  CONFORM(!(co_await transaction->get("c")).has_value());
  CONFORM(co_await transaction->get("d") == "again");
  Rows expected = {{"a", "new"}, {"d", "again"}, {"e", "5"}};
  for (size_t rows_max : {1, 2, 3, 100}) {
    CONFORM(co_await all_rows(*transaction, kAll, Order::kForward, rows_max) == expected);
    Rows reversed = co_await all_rows(*transaction, kAll, Order::kReverse, rows_max);
    std::ranges::reverse(reversed);
    CONFORM(reversed == expected);
  }
  co_await transaction->commit();
  const auto after = database.begin();
  CONFORM(co_await all_rows(*after, kAll, Order::kForward, 100) == expected);
  co_return kOk;
}

Task<void> reads_its_own_atomic_operations(Database& database, Loop&) {
  co_await put(database, {{"n", little_endian(40)}});
  const auto transaction = database.begin();
  transaction->atomic(AtomicOp::kAdd, "n", little_endian(1));
  transaction->atomic(AtomicOp::kAdd, "n", little_endian(1));
  transaction->atomic(AtomicOp::kAdd, "new", little_endian(7));
  transaction->set("set", little_endian(1));
  transaction->atomic(AtomicOp::kAdd, "set", little_endian(2));
  transaction->clear("cleared");
  transaction->atomic(AtomicOp::kMax, "cleared", little_endian(9));
  CONFORM(co_await transaction->get("n") == little_endian(42));
  CONFORM(co_await transaction->get("new") == little_endian(7));
  const Rows expected = {{"cleared", little_endian(9)},
                         {"n", little_endian(42)},
                         {"new", little_endian(7)},
                         {"set", little_endian(3)}};
  CONFORM(co_await all_rows(*transaction, kAll, Order::kForward, 2) == expected);
  co_await transaction->commit();
  const auto after = database.begin();
  CONFORM(co_await all_rows(*after, kAll, Order::kForward, 100) == expected);
  co_return kOk;
}

Task<void> pages_a_range_in_both_orders(Database& database, Loop&) {
  Rows rows;
  for (int i = 0; i < 50; ++i) {
    rows.push_back({"k" + std::to_string(100 + i), std::string(static_cast<size_t>(i), 'x')});
  }
  co_await put(database, rows);
  const auto transaction = database.begin();
  for (size_t rows_max : {1, 7, 49, 50, 51}) {
    CONFORM(co_await all_rows(*transaction, kAll, Order::kForward, rows_max) == rows);
    Rows reversed = co_await all_rows(*transaction, kAll, Order::kReverse, rows_max);
    std::ranges::reverse(reversed);
    CONFORM(reversed == rows);
  }
  CONFORM((co_await all_rows(*transaction, {"k110", "k120"}, Order::kForward, 3)).size() == 10);
  CONFORM((co_await all_rows(*transaction, {"k120", "k110"}, Order::kForward, 3)).empty());
  co_return kOk;
}

Task<void> bounds_a_page_by_bytes_but_returns_a_row(Database& database, Loop&) {
  co_await put(database, {{"a", Bytes(100, 'x')}, {"b", Bytes(100, 'x')}, {"c", Bytes(100, 'x')}});
  const auto transaction = database.begin();
  const RangePage two = co_await transaction->get_range({.range = kAll, .bytes_max = 205});
  CONFORM(two.rows.size() == 2 && two.more);
  const RangePage one = co_await transaction->get_range({.range = kAll, .bytes_max = 1});
  CONFORM(one.rows.size() == 1 && one.more);
  // An engine may count something of its own to a row's bytes, so a page may be shorter, but the
  // pages together are the range.
  size_t rows = 1;
  KeyRange rest = one.next;
  for (bool more = true; more;) {
    const RangePage page = co_await transaction->get_range({.range = rest, .bytes_max = 202});
    CONFORM(page.rows.size() <= 2);
    rows += page.rows.size();
    more = page.more;
    rest = page.next;
  }
  CONFORM(rows == 3);
  co_return kOk;
}

Task<void> sees_one_version_throughout(Database& database, Loop&) {
  co_await put(database, {{"a", "1"}, {"b", "1"}});
  const auto transaction = database.begin();
  CONFORM(co_await transaction->get("a", Isolation::kSnapshot) == "1");
  co_await put(database, {{"a", "2"}, {"b", "2"}, {"c", "2"}});
  CONFORM(co_await transaction->get("b", Isolation::kSnapshot) == "1");
  CONFORM(!(co_await transaction->get("c", Isolation::kSnapshot)).has_value());
  const Rows old = {{"a", "1"}, {"b", "1"}};
  CONFORM(co_await all_rows(*transaction, kAll, Order::kForward, 1) == old);
  CONFORM(co_await value_of(database, "b") == "2");
  co_return kOk;
}

Task<void> orders_keys_as_unsigned_bytes(Database& database, Loop&) {
  const Rows rows = {{std::string("\0", 1), ""}, {"\x7f", ""}, {"\x80", ""}, {"\xfe\xff", ""}};
  co_await put(database, rows);
  const auto transaction = database.begin();
  CONFORM(co_await all_rows(*transaction, kAll, Order::kForward, 10) == rows);
  co_return kOk;
}

Task<void> clears_a_range_of_many_keys(Database& database, Loop&) {
  Rows rows;
  for (int i = 0; i < 1'000; ++i) {
    rows.push_back({"k" + std::to_string(1'000 + i), "v"});
  }
  co_await put(database, rows);
  const auto transaction = database.begin();
  transaction->set("k1500", "kept?");
  transaction->clear_range({"k1001", "k1999"});
  transaction->set("k1600", "new");
  co_await transaction->commit();
  const auto after = database.begin();
  const Rows expected = {{"k1000", "v"}, {"k1600", "new"}, {"k1999", "v"}};
  CONFORM(co_await all_rows(*after, kAll, Order::kForward, 10) == expected);
  co_return kOk;
}

constexpr std::array kCases = {
    ConformanceCase{"ReadsWhatWasCommitted", reads_what_was_committed},
    ConformanceCase{"ReadsItsOwnWrites", reads_its_own_writes},
    ConformanceCase{"ReadsItsOwnAtomicOperations", reads_its_own_atomic_operations},
    ConformanceCase{"PagesARangeInBothOrders", pages_a_range_in_both_orders},
    ConformanceCase{"BoundsAPageByBytesButReturnsARow", bounds_a_page_by_bytes_but_returns_a_row},
    ConformanceCase{"SeesOneVersionThroughout", sees_one_version_throughout},
    ConformanceCase{"OrdersKeysAsUnsignedBytes", orders_keys_as_unsigned_bytes},
    ConformanceCase{"ClearsARangeOfManyKeys", clears_a_range_of_many_keys},
};

}  // namespace

std::span<const ConformanceCase> read_conformance() { return kCases; }

}  // namespace kelpie::store
