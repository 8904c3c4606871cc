// Generated histories: valid ones are accepted, and on small ones the verdict is that of trying
// every place for every transaction that has none.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "sim/check/testing/records.h"
#include "sim/check/witness.h"
#include "world/rng.h"

namespace kelpie::sim {
namespace {

using namespace check_testing;  // NOLINT

using Map = std::map<Bytes, Bytes>;

struct Shape {
  uint32_t transactions = 6;
  uint32_t clients = 3;
  uint32_t keys = 3;
  uint64_t unknown_percent = 0;
};

// Does a step on a map; false if a read saw something else.
bool do_step(const TransactionStep& step, Map& map) {
  if (const auto* read = std::get_if<ReadStep>(&step)) {
    const auto found = map.find(read->key);
    return found == map.end() ? !read->seen : read->seen == found->second;
  }
  if (const auto* range = std::get_if<RangeStep>(&step)) {
    std::vector<store::KeyValue> rows;
    for (const auto& [key, value] : map) {
      if (range->range.contains(key)) {
        rows.push_back({key, value});
      }
    }
    return rows == range->rows;
  }
  if (const auto* set = std::get_if<SetStep>(&step)) {
    map[set->key] = set->value;
  } else if (const auto* append = std::get_if<AppendStep>(&step)) {
    map[append->key] += append->element + ",";
  } else {
    const auto& clear = std::get<ClearStep>(step);
    std::erase_if(map, [&](const auto& entry) { return clear.range.contains(entry.first); });
  }
  return true;
}

bool do_all(const TransactionRecord& record, Map& map) {
  return std::ranges::all_of(record.steps, [&](const auto& step) { return do_step(step, map); });
}

// A store that commits in batches and refuses what conflicts, and its clients.
class Generator {
 public:
  Generator(world::Rng& rng, const Shape& shape) : rng_(rng), shape_(shape) {}

  Records run() {
    std::vector<std::pair<int64_t, uint32_t>> effects;
    std::vector<int64_t> free_at(shape_.clients, 0);
    for (uint32_t i = 0; i < shape_.transactions; ++i) {
      const uint32_t client = i % shape_.clients;
      const int64_t called = free_at[client] + rng_.between(0, 20);
      const int64_t effect = called + rng_.between(0, 50);
      free_at[client] = effect + rng_.between(0, 50);
      effects.emplace_back(effect, i);
      records_.push_back(
          by(fmt::format("c{}", client), done(fmt::format("T{}", i), called, free_at[client], {})));
      ++free_at[client];
    }
    std::ranges::sort(effects);
    for (const auto& [at_ns, i] : effects) {
      take_effect(records_[i]);
    }
    return records_;
  }

 private:
  void take_effect(TransactionRecord& record) {
    if (rng_.chance(2, 3) || closed_ || last_return_in_batch_ < record.called_ns) {
      before_batch_ = now_;
      read_version_ = version_;
      version_ += rng_.between(1, 5);
      order_ = 0;
      closed_ = false;
      last_return_in_batch_ = kNever;
    }
    const bool only_reads = rng_.chance(1, 3);
    Map seen = only_reads ? now_ : before_batch_;
    for (uint64_t steps = 1 + rng_.below(4); steps > 0; --steps) {
      record.steps.push_back(random_step(seen, only_reads));
    }
    record.read_version = store::Version(only_reads ? version_ : read_version_);
    if (only_reads) {
      closed_ = true;
      return;
    }
    if (!record.writes()) {
      return;
    }
    Map after = now_;
    if (!do_all(record, after)) {
      record = failed(record);
      return;
    }
    const bool is_open = rng_.chance(shape_.unknown_percent, 100);
    if (!is_open || rng_.chance(1, 2)) {
      now_ = std::move(after);
      record.commit_version = store::Version(version_);
      record.order = order_++;
      last_return_in_batch_ =
          std::min(last_return_in_batch_, is_open ? kNever : record.returned_ns);
    }
    if (is_open) {
      record = unknown(record);
      record.commit_version.reset();
      record.order.reset();
    }
  }

  TransactionStep random_step(Map& map, bool only_reads) {
    const Bytes key = fmt::format("k{}", rng_.below(shape_.keys));
    const uint64_t what = rng_.below(only_reads ? 3 : 6);
    TransactionStep step = clear(key, "l");
    if (what < 2) {
      const auto found = map.find(key);
      step = ReadStep{key, found == map.end() ? std::nullopt : std::optional(found->second), {}};
    } else if (what == 2) {
      std::vector<store::KeyValue> rows;
      for (auto at = map.lower_bound(key); at != map.end(); ++at) {
        rows.push_back({at->first, at->second});
      }
      step = range(key, "l", std::move(rows));
    } else if (what == 3) {
      step = set(key, std::to_string(rng_.below(3)));
    } else if (what == 4) {
      step = append(key, std::to_string(rng_.below(3)));
    }
    do_step(step, map);
    return step;
  }

  world::Rng& rng_;
  Shape shape_;
  Records records_;
  Map now_;
  Map before_batch_;
  int64_t version_ = 0;
  int64_t read_version_ = 0;
  uint16_t order_ = 0;
  bool closed_ = true;                     // the version was read: no commit may join it
  int64_t last_return_in_batch_ = kNever;  // the first return among its commits
};

// The definition, word by word: one order of all that happened, by version, such that every read is
// right; what has no version comes in anywhere after what had returned before its call.
class EveryPlace {
 public:
  explicit EveryPlace(const Records& records) : records_(records), used_(records.size(), false) {}

  bool holds() {
    for (uint32_t i = 0; i < records_.size(); ++i) {
      if (records_[i].fate == Fate::kOk && !records_[i].steps.empty()) {
        order_.push_back(i);
      }
    }
    std::ranges::sort(order_, {}, [&](uint32_t i) {
      const TransactionRecord& record = records_[i];
      return std::tuple(version(record), !record.writes(), record.order.value_or(0), i);
    });
    return versions_can_be() && goes_on(0, {});
  }

 private:
  static int64_t version(const TransactionRecord& record) {
    return (record.writes() ? record.commit_version : record.read_version)->get();
  }

  [[nodiscard]] bool versions_can_be() const {
    for (const uint32_t b : order_) {
      const TransactionRecord& after = records_[b];
      if (after.writes() && *after.read_version >= *after.commit_version) {
        return false;
      }
      for (const uint32_t a : order_) {
        const TransactionRecord& before = records_[a];
        const bool same_place = a != b && before.writes() && after.writes() &&
                                version(before) == version(after) && before.order == after.order;
        const bool returned = before.returned_ns < after.called_ns;
        const bool too_early = after.read_version->get() < version(before) ||
                               (after.writes() && version(after) <= version(before));
        if (same_place || (returned && too_early)) {
          return false;
        }
      }
    }
    return true;
  }

  // Whether it may come before order_[next].
  [[nodiscard]] bool may_come(const TransactionRecord& open, size_t next) const {
    if (next < order_.size() && next > 0) {
      const TransactionRecord& a = records_[order_[next - 1]];
      const TransactionRecord& b = records_[order_[next]];
      if (!a.writes() && !b.writes() && version(a) == version(b)) {
        return false;
      }
    }
    for (size_t i = next; i < order_.size(); ++i) {
      const TransactionRecord& later = records_[order_[i]];
      if (version(later) <= open.read_version->get()) {
        return false;
      }
      for (const uint32_t j : order_) {
        if (records_[j].returned_ns < open.called_ns && version(records_[j]) >= version(later)) {
          return false;
        }
      }
    }
    return true;
  }

  bool goes_on(size_t next, const Map& map) {
    if (next == order_.size()) {
      return true;
    }
    Map after = map;
    if (do_all(records_[order_[next]], after) && goes_on(next + 1, after)) {
      return true;
    }
    for (uint32_t i = 0; i < records_.size(); ++i) {
      if (used_[i] || records_[i].fate != Fate::kUnknown || !may_come(records_[i], next)) {
        continue;
      }
      Map with = map;
      if (!do_all(records_[i], with)) {
        continue;
      }
      used_[i] = true;
      if (goes_on(next, with)) {
        return true;
      }
      used_[i] = false;
    }
    return false;
  }

  const Records& records_;
  std::vector<bool> used_;
  std::vector<uint32_t> order_;
};

void change_something(world::Rng& rng, Records& records) {
  TransactionRecord& changed = records[rng.below(records.size())];
  const uint64_t what = rng.below(8);
  if (what == 0) {
    records.erase(records.begin() + static_cast<int64_t>(rng.below(records.size())));
  } else if (what == 1) {
    changed.called_ns += 40;
    changed.returned_ns += changed.returned_ns == kNever ? 0 : 40;
  } else if (what == 2 && changed.commit_version) {
    changed.commit_version = store::Version(changed.commit_version->get() + rng.between(-3, 3));
    changed.commit_version = std::max(*changed.commit_version, store::Version(0));
  } else if (what == 3 && changed.order) {
    changed.order = static_cast<uint16_t>(rng.below(3));
  } else if (what == 4) {
    changed.read_version = store::Version(changed.read_version->get() + rng.between(0, 4));
  } else if (!changed.steps.empty()) {
    TransactionStep& step = changed.steps[rng.below(changed.steps.size())];
    if (auto* read = std::get_if<ReadStep>(&step)) {
      read->seen = rng.chance(1, 3) ? std::nullopt : std::optional(std::to_string(rng.below(3)));
    } else if (auto* range = std::get_if<RangeStep>(&step)) {
      if (!range->rows.empty()) {
        range->rows.pop_back();
      }
    } else if (auto* set = std::get_if<SetStep>(&step)) {
      set->value = std::to_string(rng.below(3));
    }
  }
}

TEST(WitnessGenerated, ValidHistoriesAreAccepted) {
  for (uint64_t seed = 0; seed < 400; ++seed) {
    world::Rng rng(seed);
    const Shape shape = {.transactions = 100,
                         .clients = 1 + static_cast<uint32_t>(seed % 7),
                         .keys = 5,
                         .unknown_percent = seed % 2 == 0 ? 0U : 3U};
    const Records records = Generator(rng, shape).run();
    const CheckResult result = check_witness(records);
    ASSERT_EQ(result.verdict, HistoryVerdict::kHolds) << "seed " << seed << result.to_string();
  }
}

TEST(WitnessGenerated, TheVerdictIsThatOfTryingEveryPlace) {
  int good = 0;
  int bad = 0;
  int searched = 0;
  for (uint64_t seed = 0; seed < 8'000; ++seed) {
    world::Rng rng(seed);
    const Shape shape = {
        .transactions = 2 + static_cast<uint32_t>(rng.below(5)), .keys = 2, .unknown_percent = 30};
    Records records = Generator(rng, shape).run();
    for (uint64_t changes = rng.below(3); changes > 0 && !records.empty(); --changes) {
      change_something(rng, records);
    }
    const bool expected = EveryPlace(records).holds();
    const CheckResult result = check_witness(records);
    ASSERT_EQ(result.verdict, expected ? HistoryVerdict::kHolds : HistoryVerdict::kViolation)
        << "seed " << seed << " " << result.to_string() << show(records);
    ++(expected ? good : bad);
    searched += std::ranges::any_of(records,
                                    [](const TransactionRecord& record) {
                                      return record.fate == Fate::kUnknown && record.writes();
                                    })
                    ? 1
                    : 0;
  }
  EXPECT_GT(good, 2'000);
  EXPECT_GT(bad, 1'000);
  EXPECT_GT(searched, 2'000);
}

TEST(WitnessGenerated, ValidHistoriesAreAcceptedWithoutTheOrderInTheirBatches) {
  uint64_t searched = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    world::Rng rng(seed);
    Records records = Generator(rng, {.transactions = 60, .clients = 5, .keys = 5}).run();
    for (TransactionRecord& record : records) {
      record.order.reset();
    }
    const CheckResult result = check_witness(records);
    ASSERT_EQ(result.verdict, HistoryVerdict::kHolds) << "seed " << seed << result.to_string();
    searched += result.states > records.size() ? 1 : 0;
  }
  EXPECT_GT(searched, 20);
}

TEST(WitnessGenerated, ALogDecidesWithoutASearch) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    world::Rng rng(seed);
    Records records = Generator(rng, {.transactions = 100, .keys = 5}).run();
    WitnessOptions options;
    options.log.emplace();
    for (TransactionRecord& record : records) {
      if (record.fate == Fate::kOk && record.writes()) {
        options.log->push_back({*record.commit_version, record.order, record.id});
        if (rng.chance(1, 4)) {
          record = unknown(record);
          record.commit_version.reset();
          record.order.reset();
        }
      }
    }
    const CheckResult whole = check_witness(records, options);
    ASSERT_EQ(whole.verdict, HistoryVerdict::kHolds) << "seed " << seed << whole.to_string();
    EXPECT_LE(whole.states, 2 * records.size());
  }
}

}  // namespace
}  // namespace kelpie::sim
