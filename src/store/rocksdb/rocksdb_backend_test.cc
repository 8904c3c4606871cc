#include "store/rocksdb/rocksdb_backend.h"

#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/conformance.h"
#include "store/local_database.h"
#include "store/rocksdb/testing/lossy_file_system.h"
#include "store/rocksdb/testing/temporary_directory.h"
#include "store/rocksdb/testing/thread_loop.h"
#include "store/testing/test_world.h"
#include "world/rng.h"

namespace kelpie::store {
namespace {

using testing::TemporaryDirectory;
using testing::ThreadLoop;

std::unique_ptr<RocksdbBackend> opened(ThreadLoop& loop, RocksdbOptions options) {
  auto backend = RocksdbBackend::open(loop, std::move(options));
  EXPECT_TRUE(backend.ok()) << backend.error().to_string();
  return std::move(backend).value();
}

Task<Version> put(Database& database, Bytes key, Bytes value) {
  const auto transaction = database.begin();
  transaction->set(std::move(key), std::move(value));
  co_return co_await transaction->commit();
}

Task<std::optional<Bytes>> value_of(Database& database, Bytes key) {
  const auto transaction = database.begin();
  co_return co_await transaction->get(std::move(key));
}

std::vector<ConformanceCase> all_cases() {
  std::vector<ConformanceCase> cases(read_conformance().begin(), read_conformance().end());
  cases.insert(cases.end(), commit_conformance().begin(), commit_conformance().end());
  return cases;
}

class RocksdbEngine : public ::testing::TestWithParam<ConformanceCase> {};

TEST_P(RocksdbEngine, Conforms) {
  TemporaryDirectory directory;
  ThreadLoop loop;
  testing::TestWorld test(loop);
  const auto backend = opened(loop, {.directory = directory.path() + "/store"});
  LocalDatabase database(test.world, *backend);
  const Result<void> result = loop.run(GetParam().body(database, loop));
  EXPECT_TRUE(result.ok()) << result.error().to_string();
}

INSTANTIATE_TEST_SUITE_P(Conformance, RocksdbEngine, ::testing::ValuesIn(all_cases()),
                         [](const auto& info) { return std::string(info.param.name); });

// One incarnation of a process on a directory.
struct Process {
  explicit Process(RocksdbOptions options) : backend(opened(loop, std::move(options))) {}
  ThreadLoop loop;
  testing::TestWorld test{loop};
  std::unique_ptr<RocksdbBackend> backend;
  LocalDatabase database{test.world, *backend};
};

TEST(RocksdbBackend, KeepsCommitsAndGrowingVersionsOverARestart) {
  TemporaryDirectory directory;
  const RocksdbOptions options{.directory = directory.path() + "/a/b/store"};
  Version last(0);
  for (int i = 0; i < 3; ++i) {
    Process process(options);
    if (i > 0) {
      EXPECT_EQ(process.loop.run(value_of(process.database, "k")).value(), std::to_string(i - 1));
    }
    const auto version = process.loop.run(put(process.database, "k", std::to_string(i)));
    ASSERT_TRUE(version.ok());
    EXPECT_GT(*version, Version(last.get() + (i > 0 ? 1 : 0)));
    last = *version;
  }
}

// Keys of one batch are written in their order; what is done to one key keeps its own.
TEST(RocksdbBackend, LeavesWhatTheLastMutationOfAKeyInABatchSays) {
  TemporaryDirectory directory;
  Process process({.directory = directory.path()});
  CommitBatch batch{.version = Version(1'000'000)};
  std::map<Bytes, std::optional<Bytes>> expected;
  world::Rng rng(7);
  for (int i = 0; i < 2'000; ++i) {
    const Bytes key = "key " + std::to_string(rng.below(200));
    if (rng.chance(1, 4)) {
      batch.mutations.push_back({Mutation::Kind::kClear, key, {}});
      expected[key] = std::nullopt;
    } else {
      batch.mutations.push_back({Mutation::Kind::kSet, key, std::to_string(i)});
      expected[key] = std::to_string(i);
    }
  }
  ASSERT_TRUE(process.loop.run(process.backend->apply(std::move(batch))).ok());
  const auto snapshot = process.backend->latest();
  for (const auto& [key, value] : expected) {
    EXPECT_EQ(process.loop.run(snapshot->get(key)).value(), value) << key;
  }
}

TEST(RocksdbBackend, AnswersFromTheStateOfASnapshotHoweverOftenItIsAsked) {
  TemporaryDirectory directory;
  Process process({.directory = directory.path()});
  ASSERT_TRUE(process.loop.run(put(process.database, "epoch", "1")).ok());
  const auto before = process.backend->latest();
  EXPECT_EQ(process.loop.run(before->get("epoch")).value(), "1");
  EXPECT_EQ(process.loop.run(before->get("absent")).value(), std::nullopt);
  ASSERT_TRUE(process.loop.run(put(process.database, "epoch", "2")).ok());
  ASSERT_TRUE(process.loop.run(put(process.database, "absent", "here")).ok());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(process.loop.run(before->get("epoch")).value(), "1");
    EXPECT_EQ(process.loop.run(before->get("absent")).value(), std::nullopt);
    EXPECT_EQ(process.loop.run(process.backend->latest()->get("epoch")).value(), "2");
    EXPECT_EQ(process.loop.run(process.backend->latest()->get("absent")).value(), "here");
  }
}

TEST(RocksdbBackend, RefusesADirectoryThatAnotherHolds) {
  TemporaryDirectory directory;
  Process first({.directory = directory.path()});
  ThreadLoop loop;
  const auto second = RocksdbBackend::open(loop, {.directory = directory.path()});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Code::kFailedPrecondition) << second.error().to_string();
  EXPECT_NE(second.error().message.find(std::to_string(::getpid())), std::string::npos)
      << second.error().message;
  EXPECT_NE(second.error().message.find("LOCK"), std::string::npos);
}

TEST(RocksdbBackend, RefusesADirectoryOfAnotherKind) {
  TemporaryDirectory directory;
  std::ofstream(directory.path() + "/thesis.tex") << "precious";
  ThreadLoop loop;
  const auto refused = RocksdbBackend::open(loop, {.directory = directory.path()});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kFailedPrecondition);
  EXPECT_NE(refused.error().message.find("thesis.tex"), std::string::npos);
}

rocksdb::DB* open_raw(const std::string& path) {
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* db = nullptr;
  CHECK(rocksdb::DB::Open(options, path, &db).ok());
  return db;
}

TEST(RocksdbBackend, RefusesADatabaseThatIsNotOurs) {
  TemporaryDirectory directory;
  {
    const std::unique_ptr<rocksdb::DB> db(open_raw(directory.path()));
    CHECK(db->Put(rocksdb::WriteOptions(), "somebody", "else").ok());
  }
  ThreadLoop loop;
  const auto refused = RocksdbBackend::open(loop, {.directory = directory.path()});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kFailedPrecondition);
  EXPECT_NE(refused.error().message.find("not Kelpie's"), std::string::npos);
}

TEST(RocksdbBackend, RefusesANewerFormat) {
  TemporaryDirectory directory;
  {
    const Process process({.directory = directory.path()});
  }
  {
    const std::unique_ptr<rocksdb::DB> db(open_raw(directory.path()));
    CHECK(db->Put(rocksdb::WriteOptions(), "\xff/kelpie/format", "7").ok());
  }
  ThreadLoop loop;
  const auto refused = RocksdbBackend::open(loop, {.directory = directory.path()});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kFailedPrecondition);
  EXPECT_NE(refused.error().message.find("format 7"), std::string::npos);
}

TEST(RocksdbBackend, RefusesCommitsOnAFullDiskAndGoesOnWhenThereIsSpace) {
  TemporaryDirectory directory;
  const auto files = std::make_shared<testing::LossyFileSystem>(directory.path() + "/trash");
  Process process({.directory = directory.path() + "/store", .file_system = files});
  ASSERT_TRUE(process.loop.run(put(process.database, "k", "before")).ok());
  files->set_free_bytes(1'000);
  const auto full = process.loop.run(put(process.database, "k", "full"));
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().code, Code::kResourceExhausted);
  EXPECT_EQ(process.loop.run(value_of(process.database, "k")).value(), "before");
  files->set_free_bytes(1'000'000'000);
  ASSERT_TRUE(process.loop.run(put(process.database, "k", "after")).ok());
  EXPECT_EQ(process.loop.run(value_of(process.database, "k")).value(), "after");
}

TEST(RocksdbBackend, StopsAfterAFailedSyncAndRecoversWhatWasAcknowledged) {
  TemporaryDirectory directory;
  const auto files = std::make_shared<testing::LossyFileSystem>(directory.path() + "/trash");
  const RocksdbOptions options{.directory = directory.path() + "/store", .file_system = files};
  {
    Process process(options);
    ASSERT_TRUE(process.loop.run(put(process.database, "acknowledged", "1")).ok());
    files->cut_power();
    const auto undecided = process.loop.run(put(process.database, "undecided", "1"));
    ASSERT_FALSE(undecided.ok());
    EXPECT_EQ(undecided.error().code, Code::kUnknown);
    const auto later = process.loop.run(put(process.database, "later", "1"));
    ASSERT_FALSE(later.ok());
    EXPECT_EQ(later.error().code, Code::kUnavailable);
    EXPECT_EQ(process.loop.run(value_of(process.database, "acknowledged")).error().code,
              Code::kUnavailable);
  }
  files->restore_power();
  Process process(options);
  EXPECT_EQ(process.loop.run(value_of(process.database, "acknowledged")).value(), "1");
  EXPECT_FALSE(process.loop.run(value_of(process.database, "later")).value().has_value());
}

std::filesystem::path newest_log_of(const std::string& directory) {
  std::filesystem::path newest;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() == ".log" && entry.file_size() > 0 && entry.path() > newest) {
      newest = entry.path();
    }
  }
  return newest;
}

// Flips a bit of the byte so many bytes before the end of a file.
void damage(const std::filesystem::path& path, uint64_t before_the_end) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const auto at = static_cast<std::streamoff>(std::filesystem::file_size(path) - before_the_end);
  file.seekg(at);
  const int byte = file.get();
  file.seekp(at);
  file.put(static_cast<char>(byte ^ 0x40));
  ASSERT_TRUE(file.good()) << path;
}

enum class Tail : uint8_t { kCut, kGarbled };

// A store that was closed after so many commits, and whose log's last record is bad.
void leave_with_a_bad_tail(const RocksdbOptions& options, int commits, Tail tail) {
  {
    Process process(options);
    for (int i = 0; i < commits; ++i) {
      ASSERT_TRUE(process.loop.run(put(process.database, std::to_string(i), "value")).ok());
    }
  }
  const std::filesystem::path log = newest_log_of(options.directory);
  if (tail == Tail::kCut) {
    std::filesystem::resize_file(log, std::filesystem::file_size(log) - 3);
  } else {
    damage(log, 3);
  }
}

TEST(RocksdbBackend, DropsATornLastWriteAloneAndGoesOn) {
  constexpr int kCommits = 20;
  for (const Tail tail : {Tail::kCut, Tail::kGarbled}) {
    TemporaryDirectory directory;
    const RocksdbOptions options{.directory = directory.path() + "/store"};
    leave_with_a_bad_tail(options, kCommits, tail);
    Process process(options);
    for (int i = 0; i < kCommits - 1; ++i) {
      EXPECT_EQ(process.loop.run(value_of(process.database, std::to_string(i))).value(), "value");
    }
    const std::string torn = std::to_string(kCommits - 1);
    EXPECT_EQ(process.loop.run(value_of(process.database, torn)).value(), std::nullopt);
    ASSERT_TRUE(process.loop.run(put(process.database, torn, "again")).ok());
    EXPECT_EQ(process.loop.run(value_of(process.database, torn)).value(), "again");
  }
}

TEST(RocksdbBackend, ReportsADamagedLogInsteadOfDroppingCommits) {
  TemporaryDirectory directory;
  const RocksdbOptions options{.directory = directory.path() + "/store"};
  {
    Process process(options);
    for (int i = 0; i < 50; ++i) {
      ASSERT_TRUE(process.loop.run(put(process.database, std::to_string(i), "value")).ok());
    }
  }
  const std::filesystem::path log = newest_log_of(options.directory);
  damage(log, std::filesystem::file_size(log) / 2);
  ThreadLoop loop;
  const auto damaged = RocksdbBackend::open(loop, options);
  ASSERT_FALSE(damaged.ok());
  EXPECT_EQ(damaged.error().code, Code::kDataLoss) << damaged.error().to_string();
}

std::filesystem::path manifest_of(const std::string& directory) {
  std::string name;
  std::getline(std::ifstream(directory + "/CURRENT"), name);
  return directory + "/" + name;
}

TEST(RocksdbBackend, OpensAStoreWhoseManifestEndsInGarbage) {
  TemporaryDirectory directory;
  const RocksdbOptions options{.directory = directory.path() + "/store"};
  {
    Process process(options);
    ASSERT_TRUE(process.loop.run(put(process.database, "k", "v")).ok());
  }
  std::ofstream(manifest_of(options.directory), std::ios::app | std::ios::binary)
      << "half of an edit that the power loss garbled";
  Process process(options);
  EXPECT_EQ(process.loop.run(value_of(process.database, "k")).value(), "v");
}

// Whatever byte of the MANIFEST's end goes bad: either everything acknowledged is there, or an
// error.
TEST(RocksdbBackend, NeverLosesCommitsSilentlyToADamagedManifest) {
  constexpr int kCommits = 150;
  int refused = 0;
  for (int round = 0; round < 12; ++round) {
    TemporaryDirectory directory;
    const RocksdbOptions options{.directory = directory.path() + "/store",
                                 .write_buffer_bytes = 64'000};
    {
      Process process(options);
      for (int i = 0; i < kCommits; ++i) {
        const Bytes value(2'000, static_cast<char>('a' + i % 26));
        ASSERT_TRUE(process.loop.run(put(process.database, std::to_string(i), value)).ok());
      }
    }
    const std::filesystem::path manifest = manifest_of(options.directory);
    damage(manifest, 1 + static_cast<uint64_t>(round) * 17);
    ThreadLoop loop;
    auto backend = RocksdbBackend::open(loop, options);
    if (!backend.ok()) {
      EXPECT_EQ(backend.error().code, Code::kDataLoss) << backend.error().to_string();
      ++refused;
      continue;
    }
    testing::TestWorld test(loop);
    LocalDatabase database(test.world, **backend);
    for (int i = 0; i < kCommits; ++i) {
      ASSERT_TRUE(loop.run(value_of(database, std::to_string(i))).value().has_value())
          << "round " << round << ", commit " << i;
    }
  }
  EXPECT_GT(refused, 0);
}

TEST(RocksdbBackend, FinishesABatchWhoseCommitterAndDatabaseAreGone) {
  TemporaryDirectory directory;
  const RocksdbOptions options{.directory = directory.path() + "/store"};
  {
    ThreadLoop loop;
    testing::TestWorld test(loop);
    const auto backend = opened(loop, options);
    LocalDatabase database(test.world, *backend);
    Task<Version> commit = put(database, "k", "v");
    ASSERT_FALSE(commit.start([](void*) {}, nullptr));
    loop.run_ready();
  }
  Process process(options);
  EXPECT_EQ(process.loop.run(value_of(process.database, "k")).value(), "v");
}

}  // namespace
}  // namespace kelpie::store
