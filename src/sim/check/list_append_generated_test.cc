// Generated histories: valid ones are accepted, and on small ones the verdict is that of trying
// every order.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "sim/check/list_append.h"
#include "sim/check/testing/records.h"
#include "world/rng.h"

namespace kelpie::sim {
namespace {

using namespace check_testing;  // NOLINT

struct Shape {
  uint32_t transactions = 6;
  uint32_t clients = 3;
  uint32_t keys = 2;
  uint32_t steps_max = 4;
  uint64_t unknown_percent = 0;
  uint64_t failed_percent = 0;
};

using Lists = std::map<Bytes, Bytes>;

Bytes key_named(uint64_t number) { return fmt::format("k{}", number); }

TransactionStep random_step(world::Rng& rng, const Shape& shape, Lists& lists, int& elements) {
  const Bytes key = key_named(rng.below(shape.keys));
  if (rng.chance(1, 2)) {
    Bytes element = std::to_string(elements++);
    lists[key] += element + ",";
    return append(key, std::move(element));
  }
  if (rng.chance(3, 4)) {
    const auto found = lists.find(key);
    return read(key, found == lists.end() ? "" : found->second);
  }
  std::vector<store::KeyValue> rows;
  for (auto at = lists.lower_bound(key); at != lists.end(); ++at) {
    rows.push_back({at->first, at->second});
  }
  return range(key, "l", std::move(rows));
}

// Transactions that take effect one after the other, each inside its interval.
Records random_history(world::Rng& rng, const Shape& shape) {
  std::vector<std::pair<int64_t, uint32_t>> effects;
  std::vector<int64_t> free_at(shape.clients, 0);
  Records records;
  for (uint32_t i = 0; i < shape.transactions; ++i) {
    const uint32_t client = i % shape.clients;
    const int64_t called = free_at[client] + rng.between(0, 20);
    const int64_t effect = called + rng.between(0, 50);
    free_at[client] = effect + rng.between(0, 50);
    effects.emplace_back(effect, i);
    records.push_back(
        by(fmt::format("c{}", client), done(fmt::format("T{}", i), called, free_at[client], {})));
  }
  std::ranges::sort(effects);
  Lists lists;
  int elements = 0;
  for (const auto& [at_ns, i] : effects) {
    Lists after = lists;
    for (uint64_t steps = rng.below(shape.steps_max + 1); steps > 0; --steps) {
      records[i].steps.push_back(random_step(rng, shape, after, elements));
    }
    const bool fails = rng.chance(shape.failed_percent, 100);
    const bool is_open = !fails && rng.chance(shape.unknown_percent, 100);
    if (!fails && (!is_open || rng.chance(1, 2))) {
      lists = after;
    }
    if (fails || is_open) {
      records[i] = fails ? failed(records[i]) : unknown(records[i]);
    }
  }
  return records;
}

// The definition, word by word.
class EveryOrder {
 public:
  explicit EveryOrder(const Records& records) : records_(records), used_(records.size(), false) {}
  bool holds() { return continues({}); }

 private:
  bool continues(const Lists& lists) {
    bool all = true;
    for (size_t i = 0; i < records_.size(); ++i) {
      all = all && (used_[i] || records_[i].fate != Fate::kOk);
    }
    if (all) {
      return true;
    }
    for (size_t i = 0; i < records_.size(); ++i) {
      if (used_[i] || records_[i].fate == Fate::kFailed || must_wait(i)) {
        continue;
      }
      const auto after = apply(records_[i], lists);
      if (!after) {
        continue;
      }
      used_[i] = true;
      if (continues(*after)) {
        return true;
      }
      used_[i] = false;
    }
    return false;
  }

  // Some other had returned before it was called. Of one client's the same moment is enough.
  [[nodiscard]] bool must_wait(size_t i) const {
    for (size_t j = 0; j < records_.size(); ++j) {
      const TransactionRecord& before = records_[j];
      const TransactionRecord& after = records_[i];
      if (used_[j] || before.fate != Fate::kOk || i == j) {
        continue;
      }
      const bool same_client = before.client == after.client && j < i;
      if (before.returned_ns < after.called_ns ||
          (same_client && before.returned_ns == after.called_ns)) {
        return true;
      }
    }
    return false;
  }

  static std::optional<Lists> apply(const TransactionRecord& record, Lists lists) {
    for (const TransactionStep& step : record.steps) {
      if (const auto* append = std::get_if<AppendStep>(&step)) {
        lists[append->key] += append->element + ",";
      } else if (const auto* read = std::get_if<ReadStep>(&step)) {
        const auto found = lists.find(read->key);
        if ((found == lists.end() ? "" : found->second) != read->seen.value_or("")) {
          return std::nullopt;
        }
      } else {
        const auto& range = std::get<RangeStep>(step);
        std::vector<store::KeyValue> rows;
        for (auto at = lists.lower_bound(range.range.begin); at != lists.end(); ++at) {
          rows.push_back({at->first, at->second});
        }
        auto seen = range.rows;
        std::erase_if(seen, [](const store::KeyValue& row) { return row.value.empty(); });
        if (rows != seen) {
          return std::nullopt;
        }
      }
    }
    return lists;
  }

  const Records& records_;
  std::vector<bool> used_;
};

void cut_list(world::Rng& rng, Bytes& list) {
  auto elements = *decode_list(list);
  if (elements.empty()) {
    return;
  }
  const auto at = static_cast<int64_t>(rng.below(elements.size()));
  if (rng.chance(1, 2)) {
    elements.erase(elements.begin() + at);
  } else {
    std::swap(elements[static_cast<size_t>(at)], elements.back());
  }
  list = encode_list(elements);
}

void change_something(world::Rng& rng, Records& records) {
  TransactionRecord& changed = records[rng.below(records.size())];
  const uint64_t what = rng.below(6);
  if (what == 0) {
    records.erase(records.begin() + static_cast<int64_t>(rng.below(records.size())));
  } else if (what == 1) {
    changed.called_ns += 40;
    changed.returned_ns += changed.returned_ns == kNever ? 0 : 40;
  } else if (what == 2) {
    changed = failed(changed);
    changed.returned_ns = std::min(changed.returned_ns, changed.called_ns + 50);
  } else if (!changed.steps.empty()) {
    TransactionStep& step = changed.steps[rng.below(changed.steps.size())];
    if (auto* read = std::get_if<ReadStep>(&step); read != nullptr && read->seen) {
      cut_list(rng, *read->seen);
    } else if (auto* range = std::get_if<RangeStep>(&step)) {
      if (!range->rows.empty() && rng.chance(1, 2)) {
        range->rows.pop_back();
      } else if (!range->rows.empty()) {
        cut_list(rng, range->rows[rng.below(range->rows.size())].value);
      }
    } else if (std::holds_alternative<AppendStep>(step)) {
      changed.steps.erase(changed.steps.begin() + (&step - changed.steps.data()));
    }
  }
}

TEST(ListAppendGenerated, AcceptsGeneratedHistories) {
  for (uint64_t seed = 0; seed < 400; ++seed) {
    world::Rng rng(seed);
    const Records records = random_history(rng, {.transactions = 80,
                                                 .clients = 1 + static_cast<uint32_t>(seed % 7),
                                                 .keys = 4,
                                                 .unknown_percent = 5,
                                                 .failed_percent = 5});
    const CheckResult result = check_list_append(records);
    ASSERT_EQ(result.verdict, HistoryVerdict::kHolds) << "seed " << seed << result.to_string();
  }
}

TEST(ListAppendGenerated, AgreesWithEveryPermutationOfSmallHistories) {
  int good = 0;
  int bad = 0;
  for (uint64_t seed = 0; seed < 6'000; ++seed) {
    world::Rng rng(seed);
    const Shape shape = {.transactions = 2 + static_cast<uint32_t>(rng.below(5)),
                         .unknown_percent = 15,
                         .failed_percent = 5};
    Records records = random_history(rng, shape);
    for (uint64_t changes = rng.below(3); changes > 0 && !records.empty(); --changes) {
      change_something(rng, records);
    }
    const bool expected = EveryOrder(records).holds();
    const CheckResult result = check_list_append(records);
    ASSERT_EQ(result.verdict, expected ? HistoryVerdict::kHolds : HistoryVerdict::kViolation)
        << "seed " << seed << " " << result.to_string() << show(records);
    ++(expected ? good : bad);
  }
  EXPECT_GT(good, 2'000);
  EXPECT_GT(bad, 1'000);
}

TEST(ListAppendGenerated, FindsWhatIsMissingInLongHistories) {
  int changed = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    world::Rng rng(seed);
    Records records = random_history(rng, {.transactions = 100, .clients = 5, .keys = 3});
    // The last read of a list of some length loses its last element.
    for (auto record = records.rbegin(); record != records.rend(); ++record) {
      auto* read = record->steps.empty() ? nullptr : std::get_if<ReadStep>(&record->steps.front());
      if (read != nullptr && read->seen) {
        auto elements = *decode_list(*read->seen);
        elements.erase(elements.begin());
        read->seen = encode_list(elements);
        ++changed;
        EXPECT_EQ(check_list_append(records).verdict, HistoryVerdict::kViolation)
            << "seed " << seed;
        break;
      }
    }
  }
  EXPECT_GT(changed, 150);
}

}  // namespace
}  // namespace kelpie::sim
