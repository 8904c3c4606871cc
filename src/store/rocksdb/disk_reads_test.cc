// Reads of what is on the disk: away from the Loop, and with the same answers as from memory.
#include "store/rocksdb/disk_reads.h"

#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <fstream>
#include <latch>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "store/rocksdb/rocksdb_backend.h"
#include "store/rocksdb/testing/gated_file_system.h"
#include "store/rocksdb/testing/temporary_directory.h"
#include "store/rocksdb/testing/thread_loop.h"
#include "world/rng.h"

namespace kelpie::store {
namespace {

using testing::GatedFileSystem;
using testing::TemporaryDirectory;
using testing::ThreadLoop;

constexpr int kRows = 300;

Bytes key_of(int i) {
  const Bytes digits = std::to_string(i);
  return "row/" + Bytes(6 - digits.size(), '0') + digits;
}

// About a kilobyte, so that a few rows fill a block.
Bytes value_of(int i) { return key_of(i) + Bytes(1'000, static_cast<char>('a' + i % 26)); }

CommitBatch rows_at(Version version) {
  CommitBatch batch{.version = version};
  for (int i = 0; i < kRows; ++i) {
    batch.mutations.push_back({Mutation::Kind::kSet, key_of(i), value_of(i)});
  }
  return batch;
}

RangeRead rows_between(int begin, int end, Order order = Order::kForward) {
  return {.range = {key_of(begin), key_of(end)}, .order = order};
}

// One incarnation of an engine on a directory. What one has written, the next puts into tables when
// it opens, and has none of it in memory.
struct Engine {
  explicit Engine(RocksdbOptions options)
      : backend(std::move(RocksdbBackend::open(loop, std::move(options))).value()) {}

  void write(CommitBatch batch) { ASSERT_TRUE(loop.run(backend->apply(std::move(batch))).ok()); }
  Result<std::optional<Bytes>> get(Bytes key) {
    const auto snapshot = backend->latest();
    return loop.run(snapshot->get(std::move(key)));
  }
  Result<RangePage> range(RangeRead read) {
    const auto snapshot = backend->latest();
    return loop.run(snapshot->range(std::move(read)));
  }

  ThreadLoop loop;
  std::unique_ptr<RocksdbBackend> backend;
};

// With tables, not only a log.
void fill(const RocksdbOptions& options) {
  Engine(options).write(rows_at(Version(1)));
  const Engine flushes(options);
}

Task<void> wait(async::Event& event) {
  co_await event.wait();
  co_return kOk;
}

// A read that was begun and waits.
template <class T>
class Begun {
 public:
  Begun(ThreadLoop& loop, Task<T> task) : loop_(loop), done_(loop), task_(std::move(task)) {
    CHECK(!task_.start([](void* done) { static_cast<async::Event*>(done)->set(); }, &done_));
  }
  [[nodiscard]] bool done() const { return done_.is_set(); }
  void drop() { task_ = {}; }
  Result<T> finish() {
    CHECK(loop_.run(wait(done_)).ok());
    return task_.take();
  }

 private:
  ThreadLoop& loop_;
  async::Event done_;
  Task<T> task_;
};

TEST(RocksdbReads, AnswerFromMemoryOnTheLoopAndFromTheDiskOnAWorker) {
  TemporaryDirectory directory;
  const RocksdbOptions options{.directory = directory.path()};
  {
    Engine fresh(options);
    fresh.write(rows_at(Version(1)));
    EXPECT_EQ(fresh.get(key_of(7)).value(), value_of(7));
    EXPECT_EQ(fresh.get("nothing").value(), std::nullopt);
    EXPECT_EQ(fresh.range(rows_between(10, 20)).value().rows.size(), 10U);
    EXPECT_EQ(fresh.backend->read_counts().memory, 3U);
    EXPECT_EQ(fresh.backend->read_counts().disk, 0U);
  }
  Engine reopened(options);
  EXPECT_EQ(reopened.get(key_of(7)).value(), value_of(7));
  EXPECT_EQ(reopened.backend->read_counts().disk, 1U);
  EXPECT_EQ(reopened.get(key_of(7)).value(), value_of(7));
  EXPECT_EQ(reopened.backend->read_counts().memory, 1U);
  EXPECT_EQ(reopened.range(rows_between(100, 150)).value().rows.size(), 50U);
  EXPECT_EQ(reopened.backend->read_counts().disk, 2U);
  EXPECT_EQ(reopened.range(rows_between(100, 150)).value().rows.size(), 50U);
  EXPECT_EQ(reopened.backend->read_counts().memory, 2U);
  // A page that begins in the cache and goes on where it ends.
  const RangePage page = reopened.range(rows_between(100, 200, Order::kReverse)).value();
  ASSERT_EQ(page.rows.size(), 100U);
  EXPECT_EQ(page.rows.front().key, key_of(199));
  EXPECT_EQ(page.rows.back().value, value_of(100));
  EXPECT_EQ(reopened.backend->read_counts().disk, 3U);
}

TEST(RocksdbReads, WithoutWorkersTheLoopReads) {
  TemporaryDirectory directory;
  fill({.directory = directory.path()});
  Engine engine({.directory = directory.path(), .read_threads = 0});
  EXPECT_EQ(engine.get(key_of(7)).value(), value_of(7));
  EXPECT_EQ(engine.backend->read_counts().disk, 1U);
}

class RocksdbReadsBehindAGate : public ::testing::Test {
 protected:
  void SetUp() override {
    fill({.directory = directory_.path()});
    engine_ = std::make_unique<Engine>(
        RocksdbOptions{.directory = directory_.path(), .file_system = gate_});
    gate_->shut();
  }
  void TearDown() override {
    EXPECT_EQ(gate_->reads_on_the_shutting_thread(), 0);
    gate_->open();
  }

  TemporaryDirectory directory_;
  std::shared_ptr<GatedFileSystem> gate_ = std::make_shared<GatedFileSystem>();
  std::unique_ptr<Engine> engine_;
};

TEST_F(RocksdbReadsBehindAGate, LetTheLoopGoOnWithOtherWorkReadsAndCommits) {
  const auto snapshot = engine_->backend->latest();
  Begun get(engine_->loop, snapshot->get(key_of(7)));
  Begun range(engine_->loop, snapshot->range(rows_between(200, 210)));
  gate_->wait_for_waiting(2);

  bool ran = false;
  engine_->loop.post([&ran] { ran = true; });
  engine_->loop.run_ready();
  EXPECT_TRUE(ran);
  engine_->write({Version(2), {{Mutation::Kind::kSet, key_of(7), "new"}}});
  EXPECT_EQ(engine_->get(key_of(7)).value(), "new");
  EXPECT_FALSE(get.done());
  EXPECT_FALSE(range.done());

  gate_->open();
  EXPECT_EQ(get.finish().value(), value_of(7));
  const RangePage page = range.finish().value();
  ASSERT_EQ(page.rows.size(), 10U);
  EXPECT_EQ(page.rows.front().value, value_of(200));
  EXPECT_FALSE(page.more);
}

TEST_F(RocksdbReadsBehindAGate, MoreThanThereAreWorkersAreAllAnswered) {
  const auto snapshot = engine_->backend->latest();
  std::deque<Begun<std::optional<Bytes>>> reads;
  for (int i = 0; i < 50; ++i) {
    reads.emplace_back(engine_->loop, snapshot->get(key_of(i * 5)));
  }
  gate_->wait_for_waiting(1);
  gate_->open();
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(reads[static_cast<size_t>(i)].finish().value(), value_of(i * 5));
  }
}

TEST_F(RocksdbReadsBehindAGate, MayBeDroppedWithTheirSnapshotWhileTheyWait) {
  auto snapshot = engine_->backend->latest();
  Begun get(engine_->loop, snapshot->get(key_of(7)));
  Begun range(engine_->loop, snapshot->range(rows_between(200, 210)));
  gate_->wait_for_waiting(2);
  get.drop();
  range.drop();
  // The newest is another one then, so the read alone still holds what it reads from.
  engine_->write({Version(2), {{Mutation::Kind::kSet, key_of(7), "new"}}});
  snapshot.reset();
  gate_->open();
  EXPECT_EQ(engine_->get(key_of(8)).value(), value_of(8));
  engine_->loop.run_ready();
}

TEST_F(RocksdbReadsBehindAGate, AreAnsweredWhenTheBackendGoesMeanwhile) {
  const auto snapshot = engine_->backend->latest();
  Begun get(engine_->loop, snapshot->get(key_of(7)));
  gate_->wait_for_waiting(1);
  std::thread opener([this] { gate_->open(); });
  engine_->backend.reset();
  opener.join();
  EXPECT_EQ(get.finish().value(), value_of(7));
  // What is read from a snapshot that is left is read where it is asked for.
  EXPECT_EQ(engine_->loop.run(snapshot->get(key_of(290))).value(), value_of(290));
}

TEST_F(RocksdbReadsBehindAGate, MayOutliveEverythingThatAskedForThem) {
  {
    const auto snapshot = engine_->backend->latest();
    Begun get(engine_->loop, snapshot->get(key_of(7)));
    gate_->wait_for_waiting(1);
  }
  std::thread opener([this] { gate_->open(); });
  engine_.reset();
  opener.join();
  // Nothing holds the directory any more.
  Engine next({.directory = directory_.path()});
  EXPECT_EQ(next.get(key_of(7)).value(), value_of(7));
}

TEST(DiskReads, SkipsAReadWhoseCallerIsGoneBeforeItBegins) {
  ThreadLoop loop;
  DiskReads reads(loop, 1);
  std::latch release(1);
  bool skipped = true;
  Begun first(loop, reads.run<int>([&]() -> Result<int> {
    release.wait();
    return 1;
  }));
  Begun second(loop, reads.run<int>([&]() -> Result<int> {
    skipped = false;
    return 2;
  }));
  second.drop();
  release.count_down();
  EXPECT_EQ(first.finish().value(), 1);
  reads.close();
  EXPECT_TRUE(skipped);
}

// Flips a bit in the middle of each table's first half, where the rows are.
void damage_tables(const std::string& directory) {
  int damaged = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() != ".sst" || entry.file_size() < 4'000) {
      continue;
    }
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    const auto at = static_cast<std::streamoff>(entry.file_size() / 4);
    file.seekg(at);
    const int byte = file.get();
    file.seekp(at);
    file.put(static_cast<char>(byte ^ 0x01));
    ++damaged;
  }
  ASSERT_GT(damaged, 0);
}

TEST(RocksdbReads, ReportADamagedBlockAndNeverTakeItsRowsForAbsent) {
  TemporaryDirectory directory;
  fill({.directory = directory.path()});
  damage_tables(directory.path());
  Engine engine({.directory = directory.path()});
  int damaged = 0;
  // The second time, too: a block that failed its check must not be in the cache.
  for (int i = 0; i < 2 * kRows; ++i) {
    const auto read = engine.get(key_of(i % kRows));
    if (read.ok()) {
      EXPECT_EQ(*read, value_of(i % kRows));
    } else {
      EXPECT_EQ(read.error().code, Code::kDataLoss) << read.error().to_string();
      ++damaged;
    }
  }
  EXPECT_GT(damaged, 0);
  EXPECT_LT(damaged, kRows) << "one block of many is damaged";
  for (const Order order : {Order::kForward, Order::kReverse}) {
    const auto page = engine.range(rows_between(0, kRows, order));
    ASSERT_FALSE(page.ok());
    EXPECT_EQ(page.error().code, Code::kDataLoss) << page.error().to_string();
  }
}

// RocksDB keeps at most so many tables open, and opens only a few at its start. A read that finds
// one that is not open must not take the key for absent, or its value for empty.
TEST(RocksdbReads, FindRowsInTablesThatAreNotOpen) {
  constexpr int kTables = 60;
  TemporaryDirectory directory;
  fill({.directory = directory.path()});
  {
    rocksdb::Options options;
    options.level_compaction_dynamic_level_bytes = true;
    options.target_file_size_base = kRows * 1'000 / kTables;
    options.compression = rocksdb::kNoCompression;
    rocksdb::DB* opened = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(options, directory.path(), &opened).ok());
    const std::unique_ptr<rocksdb::DB> db(opened);
    rocksdb::CompactRangeOptions force;
    force.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
    ASSERT_TRUE(db->CompactRange(force, nullptr, nullptr).ok());
    std::vector<rocksdb::LiveFileMetaData> tables;
    db->GetLiveFilesMetaData(&tables);
    ASSERT_GT(tables.size(), kTables / 2);
  }
  Engine engine({.directory = directory.path()});
  for (int i = kRows - 1; i >= 0; --i) {
    EXPECT_EQ(engine.get(key_of(i)).value(), value_of(i)) << i;
    EXPECT_EQ(engine.get(key_of(i) + "x").value(), std::nullopt) << i;
  }
}

// RocksDB 7.8 leaves rows out, without a word, when it skips what a range tombstone covers and some
// block is not in the cache.
TEST(RocksdbReads, RangesAreNotTakenFromTheCacheOnceAClearLeftATombstone) {
  TemporaryDirectory directory;
  for (int life = 0; life < 2; ++life) {
    Engine engine({.directory = directory.path(), .single_deletes_max = 256});
    if (life == 0) {
      engine.write(rows_at(Version(1)));
      EXPECT_EQ(engine.range(rows_between(0, kRows)).value().rows.size(), size_t{kRows});
      EXPECT_EQ(engine.backend->read_counts().disk, 0U);
      engine.write({Version(2), {{Mutation::Kind::kClearRange, key_of(10), key_of(kRows)}}});
    }
    const auto before = engine.backend->read_counts().disk;
    EXPECT_EQ(engine.range(rows_between(0, kRows)).value().rows.size(), 10U);
    EXPECT_EQ(engine.range(rows_between(0, kRows)).value().rows.size(), 10U);
    EXPECT_EQ(engine.backend->read_counts().disk, before + 2) << "life " << life;
  }
}

// A cache that holds a part of the rows, tables and memory together, clears of single keys and of
// ranges, empty values: each answer is that of a map.
TEST(RocksdbReads, GiveAMapsAnswersWhateverPartOfThemIsInMemory) {
  constexpr int kLives = 4;
  constexpr int kReads = 600;
  constexpr int kKeys = 3'000;
  TemporaryDirectory directory;
  world::Rng rng(static_cast<uint64_t>(::testing::UnitTest::GetInstance()->random_seed()));
  std::map<Bytes, Bytes> model;
  Version version(0);
  const auto random_key = [&] { return key_of(static_cast<int>(rng.below(kKeys))); };
  const auto change = [&](CommitBatch& batch) {
    const Bytes key = random_key();
    if (rng.chance(1, 40)) {
      const Bytes end = key_of(static_cast<int>(rng.below(kKeys)));
      if (key < end) {
        batch.mutations.push_back({Mutation::Kind::kClearRange, key, end});
        model.erase(model.lower_bound(key), model.lower_bound(end));
      }
      return;
    }
    const Bytes value(rng.below(5) == 0 ? 0 : rng.below(900), static_cast<char>(rng.below(256)));
    batch.mutations.push_back({Mutation::Kind::kSet, key, value});
    model[key] = value;
  };
  for (int life = 0; life < kLives; ++life) {
    Engine engine({.directory = directory.path(),
                   .block_cache_bytes = 60'000,
                   .write_buffer_bytes = 64'000,
                   .single_deletes_max = life % 2 == 0 ? size_t{10'000} : size_t{256}});
    for (int i = 0; i < kReads; ++i) {
      version = Version(version.get() + 1);
      CommitBatch batch{.version = version};
      for (int changes = 0; changes < 4; ++changes) {
        change(batch);
      }
      engine.write(std::move(batch));
      const Bytes key = random_key();
      const auto stored = model.find(key);
      EXPECT_EQ(engine.get(key).value(),
                stored == model.end() ? std::nullopt : std::optional(stored->second));
      const RangeRead read{.range = {key, random_key()},
                           .rows_max = 1 + rng.below(40),
                           .order = rng.chance(1, 2) ? Order::kForward : Order::kReverse};
      std::vector<KeyValue> expected;
      if (key < read.range.end) {
        for (auto row = model.lower_bound(key); row != model.lower_bound(read.range.end); ++row) {
          expected.push_back({row->first, row->second});
        }
      }
      if (read.order == Order::kReverse) {
        std::ranges::reverse(expected);
      }
      const bool more = expected.size() > read.rows_max;
      expected.resize(std::min(expected.size(), size_t{read.rows_max}));
      const RangePage page = engine.range(read).value();
      ASSERT_TRUE(page.rows == expected) << "life " << life << ", read " << i;
      EXPECT_EQ(page.more, more);
    }
    EXPECT_GT(engine.backend->read_counts().memory, 0U);
    EXPECT_GT(engine.backend->read_counts().disk, 0U);
  }
}

}  // namespace
}  // namespace kelpie::store
