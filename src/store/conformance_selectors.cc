#include <algorithm>
#include <array>

#include "store/conformance.h"
#include "store/conformance_support.h"
#include "store/range_stream.h"

namespace kelpie::store {
namespace {

using namespace conformance;  // NOLINT: the kit's own helpers

const KeyRange kAll{"", "\xff"};

// The definition, on a list of keys: the last key below (or at) the selector's, and `offset` on.
Bytes key_named_by(const std::vector<Bytes>& keys, const KeySelector& selector) {
  const auto below = [&](const Bytes& key) {
    return selector.or_equal == OrEqual::kIncluded ? key <= selector.key : key < selector.key;
  };
  const auto count = static_cast<int64_t>(std::ranges::count_if(keys, below));
  const int64_t place = count - 1 + selector.offset;
  if (place < 0) {
    return "";
  }
  const auto size = static_cast<int64_t>(keys.size());
  return place < size ? keys[static_cast<size_t>(place)] : Bytes(kKeysEnd);
}

Task<void> expect_selectors(Transaction& transaction, std::vector<Bytes> keys) {
  for (const char* key : {"", "a", "b", "c", "d", "e", "ea", "g", "z", "\xff"}) {
    for (OrEqual or_equal : {OrEqual::kExcluded, OrEqual::kIncluded}) {
      for (int32_t offset = -5; offset <= 6; ++offset) {
        const KeySelector selector{key, or_equal, offset};
        CONFORM(co_await transaction.get_key(selector) == key_named_by(keys, selector));
      }
    }
  }
  co_return kOk;
}

Task<void> finds_keys_by_selector(Database& database, Loop&) {
  co_await expect_selectors(*database.begin(), {});
  co_await put(database, {{"b", "1"}, {"d", "2"}, {"e", "3"}, {"g", "4"}});
  const auto reader = database.begin();
  co_await expect_selectors(*reader, {"b", "d", "e", "g"});
  CONFORM(co_await reader->get_key(KeySelector::last_less_than("d")) == "b");
  CONFORM(co_await reader->get_key(KeySelector::last_less_or_equal("d")) == "d");
  CONFORM(co_await reader->get_key(KeySelector::first_greater_than("d")) == "e");
  CONFORM(co_await reader->get_key(KeySelector::first_greater_or_equal("d")) == "d");
  CONFORM(co_await reader->get_key(KeySelector::first_greater_or_equal("b").plus(2)) == "e");
  co_return kOk;
}

Task<void> finds_its_own_writes_by_selector(Database& database, Loop&) {
  co_await put(database, {{"b", "1"}, {"d", "2"}, {"e", "3"}, {"g", "4"}});
  const auto transaction = database.begin();
  transaction->clear("d");
  transaction->set("ea", "new");
  transaction->atomic(AtomicOp::kAdd, "a", little_endian(1));
  transaction->clear_range({"f", "h"});
  co_await expect_selectors(*transaction, {"a", "b", "e", "ea"});
  // These leave no key there, or none is there anyway.
  transaction->atomic(AtomicOp::kCompareAndClear, "b", "1");
  transaction->atomic(AtomicOp::kCompareAndClear, "c", "1");
  co_await expect_selectors(*transaction, {"a", "e", "ea"});
  const RangePage page = co_await transaction->get_range(KeySelector::first_greater_than("a"),
                                                         KeySelector::first_greater_than("e"), {});
  CONFORM((page.rows == Rows{{"e", "3"}}));
  co_return kOk;
}

Task<void> reads_a_range_between_selectors(Database& database, Loop&) {
  co_await put(database, {{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}, {"e", "5"}});
  const auto reader = database.begin();
  const RangePage page = co_await reader->get_range(KeySelector::first_greater_than("a"),
                                                    KeySelector::last_less_than("e").plus(1), {});
  CONFORM((page.rows == Rows{{"b", "2"}, {"c", "3"}, {"d", "4"}}));
  RangePage last = co_await reader->get_range(KeySelector::first_greater_or_equal("b"),
                                              KeySelector::first_greater_or_equal("zz"),
                                              {.rows_max = 3, .order = Order::kReverse});
  CONFORM((last.rows == Rows{{"e", "5"}, {"d", "4"}, {"c", "3"}}));
  CONFORM(last.more);
  last = co_await reader->get_range({.range = last.next, .order = Order::kReverse});
  CONFORM((last.rows == Rows{{"b", "2"}}));
  const RangePage none = co_await reader->get_range(KeySelector::first_greater_or_equal("d"),
                                                    KeySelector::first_greater_or_equal("b"), {});
  CONFORM(none.rows.empty() && !none.more);
  co_return kOk;
}

// Commits a write of `key` between the selector's read and its transaction's commit.
Task<Result<Version>> commit_against(Database& database, KeySelector selector, Bytes key,
                                     Isolation isolation = Isolation::kSerializable) {
  const auto reader = database.begin();
  co_await reader->get_key(std::move(selector), isolation);
  reader->set("result", "");
  co_await put(database, {{std::move(key), "changed"}});
  co_return co_await reader->commit().result();
}

Task<void> conflicts_over_what_a_selector_passed(Database& database, Loop&) {
  co_await put(database, {{"b", ""}, {"d", ""}, {"f", ""}});
  const KeySelector forward = KeySelector::first_greater_than("b");  // d
  const KeySelector back = KeySelector::last_less_than("f");         // d
  CONFORM(failed_with(co_await commit_against(database, forward, "d"), Code::kAborted));
  CONFORM(failed_with(co_await commit_against(database, back, "d"), Code::kAborted));
  CONFORM((co_await commit_against(database, forward, "b")).ok());
  CONFORM((co_await commit_against(database, forward, "e")).ok());
  CONFORM((co_await commit_against(database, back, "c")).ok());
  CONFORM((co_await commit_against(database, forward, "d", Isolation::kSnapshot)).ok());
  CONFORM(failed_with(co_await commit_against(database, forward, "bb"), Code::kAborted));
  CONFORM(failed_with(co_await commit_against(database, back, "ee"), Code::kAborted));
  co_return kOk;
}

Task<void> reads_the_state_at_a_version_that_was_set(Database& database, Loop&) {
  const Version first = co_await put(database, {{"a", "1"}, {"b", "1"}});
  const Version second = co_await put(database, {{"a", "2"}});
  const auto clearing = database.begin();
  clearing->clear_range({"a", "z"});
  co_await clearing->commit();
  const auto at_first = database.begin();
  at_first->set_read_version(first);
  CONFORM(co_await at_first->read_version() == first);
  CONFORM((co_await all_rows(*at_first, kAll, Order::kForward, 1) == Rows{{"a", "1"}, {"b", "1"}}));
  const auto at_second = database.begin();
  at_second->set_read_version(second);
  CONFORM(co_await at_second->get("a") == "2");
  const auto now = database.begin();
  CONFORM(!(co_await now->get("a")).has_value());
  co_return kOk;
}

// What a transaction wrote itself it does not depend on: neither by reading nor by an added
// conflict.
Task<void> depends_on_nothing_that_it_wrote_itself(Database& database, Loop&) {
  co_await put(database, {{"a", "1"}, {"b", "1"}, {"c", "1"}});
  const auto transaction = database.begin();
  co_await transaction->read_version();
  transaction->set("a", "own");
  transaction->clear_range({"b", "c"});
  CONFORM(co_await transaction->get("a") == "own");
  transaction->add_read_conflict(KeyRange::single("a"));
  CONFORM((co_await all_rows(*transaction, {"a", "c"}, Order::kForward, 10)).size() == 1);
  co_await put(database, {{"a", "other"}, {"b", "other"}});
  co_await transaction->commit();

  const auto partly = database.begin();
  co_await partly->read_version();
  partly->set("b", "own");
  co_await all_rows(*partly, {"a", "d"}, Order::kForward, 10);
  co_await put(database, {{"c", "other"}});
  CONFORM(failed_with(co_await partly->commit().result(), Code::kAborted));

  const auto before = database.begin();
  co_await before->read_version();
  before->add_read_conflict(KeyRange::single("a"));
  before->set("a", "own");
  co_await put(database, {{"a", "other"}});
  CONFORM(failed_with(co_await before->commit().result(), Code::kAborted));
  co_return kOk;
}

Task<void> streams_a_range_over_its_pages(Database& database, Loop&) {
  Rows rows;
  for (int i = 0; i < 100; ++i) {
    rows.push_back({"k" + std::to_string(100 + i), Bytes(20, 'v')});
  }
  co_await put(database, rows);
  for (Order order : {Order::kForward, Order::kReverse}) {
    const auto reader = database.begin();
    RangeStream stream(*reader, {.range = kAll, .rows_max = 7, .bytes_max = 100, .order = order});
    Rows read;
    for (;;) {
      std::optional<KeyValue> row = co_await stream.next();
      if (!row) {
        break;
      }
      read.push_back(std::move(*row));
    }
    if (order == Order::kReverse) {
      std::ranges::reverse(read);
    }
    CONFORM(read == rows);
    CONFORM(!(co_await stream.next()).has_value());
  }
  co_return kOk;
}

constexpr std::array kCases = {
    ConformanceCase{"FindsKeysBySelector", finds_keys_by_selector},
    ConformanceCase{"FindsItsOwnWritesBySelector", finds_its_own_writes_by_selector},
    ConformanceCase{"ReadsARangeBetweenSelectors", reads_a_range_between_selectors},
    ConformanceCase{"ConflictsOverWhatASelectorPassed", conflicts_over_what_a_selector_passed},
    ConformanceCase{"ReadsTheStateAtAVersionThatWasSet", reads_the_state_at_a_version_that_was_set},
    ConformanceCase{"DependsOnNothingThatItWroteItself", depends_on_nothing_that_it_wrote_itself},
    ConformanceCase{"StreamsARangeOverItsPages", streams_a_range_over_its_pages},
};

}  // namespace

std::span<const ConformanceCase> selector_conformance() { return kCases; }

std::vector<ConformanceCase> whole_conformance() {
  std::vector<ConformanceCase> cases;
  for (const auto part :
       {read_conformance(), commit_conformance(), selector_conformance(), option_conformance()}) {
    cases.insert(cases.end(), part.begin(), part.end());
  }
  return cases;
}

}  // namespace kelpie::store
