// Random transactions, several open at a time, on an engine and on a simple model; every answer is
// compared: values, pages, continuations, conflicts.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "async/manual_loop.h"
#include "store/atomic_op.h"
#include "store/local_database.h"
#include "store/memory/memory_backend.h"
#include "store/rocksdb/rocksdb_backend.h"
#include "store/rocksdb/testing/temporary_directory.h"
#include "store/rocksdb/testing/thread_loop.h"
#include "store/testing/test_world.h"

namespace kelpie::store {
namespace {

constexpr int kOperations = 20'000;
// --gtest_random_seed=N asks for other rounds.
constexpr uint64_t kFirstSeed = 20'261'121;

uint64_t seed() {
  return kFirstSeed + static_cast<uint64_t>(::testing::UnitTest::GetInstance()->random_seed());
}
constexpr size_t kOpenTransactions = 4;

using Map = std::map<Bytes, Bytes>;

struct Operation {
  enum class Kind : uint8_t { kSet, kClear, kClearRange, kAtomic };
  Kind kind;
  Bytes key;
  Bytes value;  // the range's end for kClearRange
  AtomicOp op = AtomicOp::kAdd;
};

void apply_to(Map& map, const Operation& operation) {
  switch (operation.kind) {
    case Operation::Kind::kSet:
      map[operation.key] = operation.value;
      return;
    case Operation::Kind::kClear:
      map.erase(operation.key);
      return;
    case Operation::Kind::kClearRange:
      if (operation.key < operation.value) {
        map.erase(map.lower_bound(operation.key), map.lower_bound(operation.value));
      }
      return;
    case Operation::Kind::kAtomic: {
      const auto found = map.find(operation.key);
      const std::optional<Bytes> old =
          found == map.end() ? std::nullopt : std::optional<Bytes>(found->second);
      if (const auto value = apply_atomic(operation.op, old, operation.value)) {
        map[operation.key] = *value;
      } else {
        map.erase(operation.key);
      }
    }
  }
}

bool overlap(const KeyRange& a, const KeyRange& b) { return a.begin < b.end && b.begin < a.end; }

// The store as a map and a list of what each commit wrote.
struct Model {
  Map state;
  std::vector<std::vector<KeyRange>> commits;
};

class ModelTransaction {
 public:
  explicit ModelTransaction(Model& model) : model_(model) {}

  void write(Operation operation) {
    if (view_) {
      apply_to(*view_, operation);
    }
    const bool is_range = operation.kind == Operation::Kind::kClearRange;
    const KeyRange range =
        is_range ? KeyRange{operation.key, operation.value} : KeyRange::single(operation.key);
    if (!range.empty()) {
      if (operation.kind != Operation::Kind::kAtomic) {
        known_.push_back(range);
      }
      writes_.push_back(range);
    }
    wrote_ = wrote_ || !range.empty();
    operations_.push_back(std::move(operation));
  }
  std::optional<Bytes> get(const Bytes& key, Isolation isolation) {
    const Map& map = view();
    const bool is_known =
        std::ranges::any_of(known_, [&](const KeyRange& range) { return range.contains(key); });
    if (!is_known && isolation == Isolation::kSerializable) {
      reads_.push_back(KeyRange::single(key));
    }
    const auto found = map.find(key);
    return found == map.end() ? std::nullopt : std::optional<Bytes>(found->second);
  }
  RangePage get_range(const RangeRead& read) {
    RangePage page;
    if (read.range.empty()) {
      return page;
    }
    const Map& map = view();
    std::vector<KeyValue> rows;
    for (auto row = map.lower_bound(read.range.begin);
         row != map.end() && row->first < read.range.end; ++row) {
      rows.push_back({row->first, row->second});
    }
    const bool forward = read.order == Order::kForward;
    if (!forward) {
      std::ranges::reverse(rows);
    }
    page.more = rows.size() > read.rows_max;
    rows.resize(std::min(rows.size(), read.rows_max));
    KeyRange covered = read.range;
    if (page.more) {
      const Bytes& last = rows.back().key;
      covered = forward ? KeyRange{read.range.begin, last + '\0'} : KeyRange{last, read.range.end};
      page.next =
          forward ? KeyRange{last + '\0', read.range.end} : KeyRange{read.range.begin, last};
    }
    if (read.isolation == Isolation::kSerializable) {
      reads_.push_back(covered);
    }
    page.rows = std::move(rows);
    return page;
  }
  // Whether it commits; nullopt when there was nothing to commit.
  std::optional<bool> commit() {
    if (!wrote_) {
      return std::nullopt;
    }
    if (view_) {
      for (size_t i = read_at_; i < model_.commits.size(); ++i) {
        for (const KeyRange& write : model_.commits[i]) {
          if (std::ranges::any_of(reads_, [&](const KeyRange& r) { return overlap(r, write); })) {
            return false;
          }
        }
      }
    }
    for (const Operation& operation : operations_) {
      apply_to(model_.state, operation);
    }
    model_.commits.push_back(writes_);
    return true;
  }

 private:
  const Map& view() {
    if (!view_) {
      view_ = model_.state;
      read_at_ = model_.commits.size();
      for (const Operation& operation : operations_) {
        apply_to(*view_, operation);
      }
    }
    return *view_;
  }

  Model& model_;
  std::optional<Map> view_;
  size_t read_at_ = 0;
  std::vector<Operation> operations_;
  std::vector<KeyRange> known_;
  std::vector<KeyRange> writes_;
  std::vector<KeyRange> reads_;
  bool wrote_ = false;
};

struct Pair {
  std::unique_ptr<Transaction> real;
  std::unique_ptr<ModelTransaction> model;
};

template <class AnyLoop>
class Differential {
 public:
  Differential(AnyLoop& loop, Database& database, Model& model, uint64_t seed)
      : loop_(loop), database_(database), model_(model), rng_(seed) {}

  void run(int operations) {
    for (int i = 0; i < operations && !::testing::Test::HasFatalFailure(); ++i) {
      SCOPED_TRACE("operation " + std::to_string(i));
      step();
    }
    open_.clear();
  }

 private:
  void step() {
    if (open_.size() < kOpenTransactions) {
      open_.push_back({database_.begin(), std::make_unique<ModelTransaction>(model_)});
    }
    const size_t which = rng_.below(open_.size());
    Pair& pair = open_[which];
    const uint64_t dice = rng_.below(100);
    if (dice < 40) {
      write(pair);
    } else if (dice < 65) {
      get(pair);
    } else if (dice < 85) {
      get_range(pair);
    } else {
      commit(pair);
      open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(which));
    }
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

  void write(Pair& pair) {
    using Kind = Operation::Kind;
    const uint64_t dice = rng_.below(10);
    Operation operation{Kind::kSet, random_key(), random_value()};
    if (dice < 4) {
      pair.real->set(operation.key, operation.value);
    } else if (dice < 5) {
      operation.kind = Kind::kClear;
      pair.real->clear(operation.key);
    } else if (dice < 6) {
      const KeyRange range = random_range();
      operation = {Kind::kClearRange, range.begin, range.end};
      pair.real->clear_range(range);
    } else {
      operation.kind = Kind::kAtomic;
      operation.op = static_cast<AtomicOp>(rng_.below(10));
      pair.real->atomic(operation.op, operation.key, operation.value);
    }
    pair.model->write(std::move(operation));
  }
  Isolation random_isolation() {
    return rng_.chance(1, 3) ? Isolation::kSnapshot : Isolation::kSerializable;
  }
  void get(Pair& pair) {
    const Bytes key = random_key();
    const Isolation isolation = random_isolation();
    const auto real = loop_.run(pair.real->get(key, isolation));
    ASSERT_TRUE(real.ok()) << real.error().to_string();
    ASSERT_EQ(*real, pair.model->get(key, isolation));
  }
  void get_range(Pair& pair) {
    const RangeRead read{.range = random_range(),
                         .rows_max = 1 + rng_.below(8),
                         .order = rng_.chance(1, 2) ? Order::kForward : Order::kReverse,
                         .isolation = random_isolation()};
    const auto real = loop_.run(pair.real->get_range(read));
    ASSERT_TRUE(real.ok()) << real.error().to_string();
    const RangePage expected = pair.model->get_range(read);
    ASSERT_EQ(real->rows, expected.rows);
    ASSERT_EQ(real->more, expected.more);
    ASSERT_EQ(real->next, expected.next);
  }
  void commit(Pair& pair) {
    const auto real = loop_.run(pair.real->commit());
    const std::optional<bool> expected = pair.model->commit();
    if (!expected.has_value()) {
      ASSERT_TRUE(real.ok());
      ASSERT_EQ(*real, kNoVersion);
    } else if (*expected) {
      ASSERT_TRUE(real.ok()) << real.error().to_string();
    } else {
      ASSERT_FALSE(real.ok());
      ASSERT_EQ(real.error().code, Code::kAborted) << real.error().to_string();
    }
  }

  AnyLoop& loop_;
  Database& database_;
  Model& model_;
  world::Rng rng_;
  std::vector<Pair> open_;
};

Task<Map> contents(Database& database) {
  const auto reader = database.begin();
  Map map;
  RangeRead read{.range = {"", "\xff"}, .rows_max = 3};
  for (bool more = true; more;) {
    RangePage page = co_await reader->get_range(read);
    for (KeyValue& row : page.rows) {
      map.emplace(std::move(row.key), std::move(row.value));
    }
    more = page.more;
    read.range = std::move(page.next);
  }
  co_return std::move(map);
}

TEST(Differential, MemoryAgreesWithTheModel) {
  std::cout << "seed " << ::testing::UnitTest::GetInstance()->random_seed() << "\n";
  async::ManualLoop loop;
  testing::TestWorld test(loop);
  MemoryBackend backend;
  LocalDatabase database(test.world, backend);
  Model model;
  Differential(loop, database, model, seed()).run(kOperations);
  EXPECT_EQ(loop.run(contents(database)).value(), model.state);
  EXPECT_GT(model.commits.size(), 100U);
}

TEST(Differential, RocksdbAgreesWithTheModelOverRestarts) {
  constexpr int kLives = 4;
  testing::TemporaryDirectory directory;
  // What reaches the disk in time is not the question here.
  const RocksdbOptions options{.directory = directory.path() + "/store",
                               .write_buffer_bytes = 64'000,
                               .durability = Durability::kUnsynced};
  Model model;
  for (uint64_t life = 0; life < kLives && !HasFatalFailure(); ++life) {
    testing::ThreadLoop loop;
    testing::TestWorld test(loop);
    auto backend = RocksdbBackend::open(loop, options);
    ASSERT_TRUE(backend.ok()) << backend.error().to_string();
    LocalDatabase database(test.world, **backend);
    EXPECT_EQ(loop.run(contents(database)).value(), model.state);
    Differential(loop, database, model, seed() + life).run(kOperations / kLives);
  }
  EXPECT_GT(model.commits.size(), 100U);
}

}  // namespace
}  // namespace kelpie::store
