#include "store/differential.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "store/conformance_support.h"
#include "world/rng.h"

namespace kelpie::store {
namespace {

using Verdict = ModelTransaction::Verdict;

constexpr size_t kOpenTransactions = 4;

struct Pair {
  std::unique_ptr<Transaction> real;
  std::unique_ptr<ModelTransaction> model;
};

// In hexadecimal digits, in quotes.
std::string printable(const Bytes& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "\"";
  for (const char byte : bytes) {
    const auto number = static_cast<unsigned char>(byte);
    text += kDigits[number / 16];
    text += kDigits[number % 16];
  }
  return text + "\"";
}

// Everything that is stored, however often the database asks to try again.
Task<Model::Map> stored_map(Database& database) {
  const auto reader = database.begin();
  for (;;) {
    auto rows =
        co_await conformance::all_rows(*reader, {"", "\xff"}, Order::kForward, 1'000).result();
    if (rows.ok()) {
      Model::Map map;
      for (KeyValue& row : *rows) {
        map.emplace(std::move(row.key), std::move(row.value));
      }
      co_return std::move(map);
    }
    co_await reader->on_error(std::move(rows).error());
  }
}

class Differential {
 public:
  Differential(Database& database, Model& model, const DifferentialOptions& options,
               DifferentialCounts& counts)
      : database_(database),
        model_(model),
        exact_(options.strictness == Strictness::kExact),
        rng_(options.seed),
        counts_(counts) {}

  Task<void> step() {
    if (open_.size() < kOpenTransactions) {
      open_.push_back(begin());
    }
    const size_t which = rng_.below(open_.size());
    Pair& pair = open_[which];
    const uint64_t dice = rng_.below(100);
    auto done = Result<void>(kOk);
    bool ends = false;
    if (dice < 40) {
      write(pair);
    } else if (dice < 85 && pair.model->readable()) {
      done = co_await read(pair, dice).result();
    } else if (dice < 97) {
      ends = true;
      done = co_await commit(pair).result();
    } else {
      ends = true;  // abandoned
    }
    if (!done.ok() && !exact_ && may_fail(done.error())) {
      ++counts_.failed_reads;
      ends = true;
      done = kOk;
    }
    if (ends) {
      open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(which));
    }
    co_return std::move(done);
  }

 private:
  static bool may_fail(const Error& error) {
    return error.code == Code::kAborted || error.code == Code::kUnavailable ||
           error.code == Code::kResourceExhausted || error.code == Code::kDeadlineExceeded;
  }

  Pair begin() {
    const auto own = rng_.chance(1, 10) ? ReadYourWrites::kOff : ReadYourWrites::kOn;
    Pair pair{database_.begin({.read_your_writes = own}),
              std::make_unique<ModelTransaction>(model_, own)};
    if (!model_.pasts().empty() && rng_.chance(1, 6)) {
      const Model::Past& past = model_.pasts()[rng_.below(model_.pasts().size())];
      pair.real->set_read_version(past.version);
      pair.model->read_at(past);
    }
    return pair;
  }

  Bytes random_key() {
    constexpr char kAlphabet[] = {'\0', 'a', 'b', '\xfe'};
    Bytes key;
    for (uint64_t i = rng_.below(3); i > 0; --i) {
      key += kAlphabet[rng_.below(4)];
    }
    return key;
  }
  KeyRange random_range() {
    KeyRange range{random_key(), rng_.chance(1, 4) ? "\xff" : random_key()};
    if (range.end < range.begin && rng_.chance(9, 10)) {
      std::swap(range.begin, range.end);
    }
    return range;
  }
  Bytes random_value() { return Bytes(rng_.below(5), static_cast<char>(rng_.below(256))); }
  Isolation random_isolation() {
    return rng_.chance(1, 3) ? Isolation::kSnapshot : Isolation::kSerializable;
  }
  Order random_order() { return rng_.chance(1, 2) ? Order::kForward : Order::kReverse; }

  void write(Pair& pair) {
    using Kind = ModelWrite::Kind;
    const uint64_t dice = rng_.below(24);
    if (dice == 1 || (dice == 0 && pair.model->readable())) {
      const KeyRange range = random_range();
      dice == 0 ? pair.real->add_read_conflict(range) : pair.real->add_write_conflict(range);
      dice == 0 ? pair.model->add_read_conflict(range) : pair.model->add_write_conflict(range);
      return;
    }
    ModelWrite write{Kind::kSet, random_key(), random_value()};
    if (dice < 9) {
      pair.real->set(write.key, write.value);
    } else if (dice < 11) {
      write = {Kind::kClear, write.key, ""};
      pair.real->clear(write.key);
    } else if (dice < 13) {
      const KeyRange range = random_range();
      write = {Kind::kClearRange, range.begin, range.end};
      pair.real->clear_range(range);
    } else if (dice < 22) {
      write.kind = Kind::kAtomic;
      write.op = static_cast<AtomicOp>(rng_.below(10));
      pair.real->atomic(write.op, write.key, write.value);
    } else if (dice == 22) {
      write.kind = Kind::kStampedKey;
      write.offset = write.key.size();
      write.key += Bytes(Versionstamp::kBytes, '\0') + random_key();
      pair.real->set_versionstamped_key(write.key, write.offset, write.value);
    } else {
      write.kind = Kind::kStampedValue;
      write.offset = write.value.size();
      write.value += Bytes(Versionstamp::kBytes, '\0');
      pair.real->set_versionstamped_value(write.key, write.value, write.offset);
    }
    pair.model->write(std::move(write));
  }

  Task<void> read(Pair& pair, uint64_t dice) {
    if (!exact_) {
      // A cluster's client takes the read version when it first needs the database, which it does
      // not for what the transaction wrote itself; so both take it here.
      co_await pair.real->read_version();
      pair.model->take_read_version();
    }
    if (dice < 60) {
      co_return co_await get(pair).result();
    }
    co_return co_await (dice < 68 ? get_key(pair) : get_range(pair)).result();
  }
  Task<void> get(Pair& pair) {
    const Bytes key = random_key();
    const Isolation isolation = random_isolation();
    const std::optional<Bytes> real = co_await pair.real->get(key, isolation);
    CONFORM(real == pair.model->get(key, isolation));
    co_return kOk;
  }
  Task<void> get_key(Pair& pair) {
    const KeySelector selector{random_key(),
                               rng_.chance(1, 2) ? OrEqual::kIncluded : OrEqual::kExcluded,
                               static_cast<int32_t>(rng_.between(-4, 5))};
    const Isolation isolation = random_isolation();
    const Bytes real = co_await pair.real->get_key(selector, isolation);
    const Bytes expected = pair.model->get_key(selector, isolation);
    if (real != expected) {
      co_return base::internal("the selector (" + printable(selector.key) + ", " +
                               std::to_string(static_cast<int>(selector.or_equal)) + ", " +
                               std::to_string(selector.offset) + ") names " + printable(real) +
                               ", expected " + printable(expected));
    }
    co_return kOk;
  }
  // Reads page after page until it has so many rows, or all.
  Task<void> get_range(Pair& pair) {
    const size_t rows_max = 1 + rng_.below(8);
    const RangeRead first{.range = random_range(),
                          .rows_max = rows_max,
                          .order = random_order(),
                          .isolation = random_isolation()};
    RangeRead read = first;
    std::vector<KeyValue> rows;
    bool more = true;
    while (more && rows.size() < rows_max) {
      read.rows_max = rows_max - rows.size();
      RangePage page = co_await pair.real->get_range(read);
      CONFORM(page.rows.size() <= read.rows_max);
      CONFORM(!page.more || !page.rows.empty());
      std::ranges::move(page.rows, std::back_inserter(rows));
      more = page.more;
      read.range = std::move(page.next);
    }
    if (first.range.empty()) {
      // Nothing was asked, so no read version was taken.
      CONFORM(rows.empty() && !more);
      co_return kOk;
    }
    std::vector<KeyValue> expected = pair.model->rows(first.range, first.order);
    CONFORM(more || expected.size() <= rows_max);
    CONFORM(!exact_ || more == (expected.size() > rows_max));
    expected.resize(std::min(expected.size(), rows_max));
    CONFORM(rows == expected);
    KeyRange covered = first.range;
    if (more) {
      const Bytes& last = rows.back().key;
      covered = first.order == Order::kForward ? KeyRange{covered.begin, last + '\0'}
                                               : KeyRange{last, covered.end};
    }
    pair.model->note_range_read(covered, first.isolation);
    co_return kOk;
  }

  Task<void> commit(Pair& pair) {
    const Verdict expected = pair.model->verdict();
    const Result<Version> real = co_await pair.real->commit().result();
    if (expected == Verdict::kNothing) {
      CONFORM(real.ok() && *real == kNoVersion);
      co_return kOk;
    }
    if (real.ok()) {
      CONFORM(expected != Verdict::kConflicts);
      ++counts_.commits;
      auto [after, writes] = pair.model->outcome(pair.real->versionstamp().bytes);
      CONFORM(pair.real->versionstamp().version() == *real);
      model_.commit(std::move(after), {std::move(writes)}, *real);
      co_return kOk;
    }
    if (!exact_ && real.error().code == Code::kUnknown) {
      co_return co_await settle_by_looking(pair).result();
    }
    if (real.error().code != Code::kAborted) {
      co_return real.error();
    }
    ++counts_.conflicts;
    if (expected == Verdict::kCommits) {
      ++counts_.false_conflicts;
      CONFORM(!exact_);
    }
    co_return kOk;
  }

  // What is stored says whether the undecided commit happened, unless it would change nothing.
  Task<void> settle_by_looking(Pair& pair) {
    ++counts_.undecided;
    Model::Map now = co_await stored_map(database_);
    // With a stamp that nobody was told, the state of after is not known, but that it is another.
    const bool stamped = !pair.model->readable();
    auto [after, writes] = pair.model->outcome(Bytes(Versionstamp::kBytes, '\0'));
    if (now == model_.state()) {
      const bool shows_nothing = !stamped && after == model_.state();
      if (shows_nothing) {
        model_.commit(std::move(now), {std::move(writes), false}, std::nullopt);
      }
      co_return kOk;
    }
    CONFORM(stamped || now == after);
    // With a stamp, the keys that it wrote are not all known.
    model_.commit(std::move(now), {std::move(writes), !stamped}, std::nullopt);
    co_return kOk;
  }

  Database& database_;
  Model& model_;
  bool exact_;
  world::Rng rng_;
  DifferentialCounts& counts_;
  std::vector<Pair> open_;
};

}  // namespace

Task<void> run_differential(Database& database, Model& model, DifferentialOptions options,
                            DifferentialCounts& counts) {
  Differential differential(database, model, options, counts);
  for (int64_t i = 0; i < options.operations; ++i) {
    auto done = co_await differential.step().result();
    if (!done.ok()) {
      co_return std::move(done).error().with_context("seed " + std::to_string(options.seed) +
                                                     ", operation " + std::to_string(i));
    }
    ++counts.operations;
  }
  co_return kOk;
}

Task<void> expect_contents(Database& database, const Model& model) {
  CONFORM((co_await stored_map(database)) == model.state());
  co_return kOk;
}

}  // namespace kelpie::store
