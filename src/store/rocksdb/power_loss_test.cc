// Power loss under concurrent committers: every acknowledged commit is there after the crash, and
// no commit is there by half. KELPIE_POWER_ROUNDS says how many rounds.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "async/scope.h"
#include "store/local_database.h"
#include "store/rocksdb/rocksdb_backend.h"
#include "store/rocksdb/testing/lossy_file_system.h"
#include "store/rocksdb/testing/paired_commits.h"
#include "store/rocksdb/testing/rounds.h"
#include "store/rocksdb/testing/sleepless_clock.h"
#include "store/rocksdb/testing/temporary_directory.h"
#include "store/rocksdb/testing/thread_loop.h"
#include "store/testing/test_world.h"

namespace kelpie::store {
namespace {

constexpr int kClients = 8;
// --gtest_random_seed=N asks for other rounds.
constexpr uint64_t kFirstSeed = 20'261'120;

int rounds() { return testing::rounds_asked_for("KELPIE_POWER_ROUNDS", 100); }

uint64_t seed() {
  return kFirstSeed + static_cast<uint64_t>(::testing::UnitTest::GetInstance()->random_seed());
}

class PowerLoss {
 public:
  PowerLoss(Durability durability, uint64_t seed)
      : rng_(seed),
        options_{.directory = directory_.path() + "/store",
                 .file_system = files_,
                 .clock = std::make_shared<testing::SleeplessClock>(),
                 .write_buffer_bytes = 256'000,
                 .durability = durability} {
    for (int i = 0; i < kClients; ++i) {
      clients_[static_cast<size_t>(i)].id = i;
    }
  }

  // Runs the clients until the power is cut, then crashes, reopens and verifies.
  Result<void> round() {
    files_->cut_power_after(1 + rng_.below(600));
    run_clients();
    files_->cut_power();
    const auto losses = files_->crash(rng_);
    losses_.files_dropped += losses.files_dropped;
    losses_.files_torn += losses.files_torn;
    losses_.files_garbled += losses.files_garbled;
    losses_.entries_undone += losses.entries_undone;
    return verify_clients();
  }

  [[nodiscard]] int acknowledged() const {
    int sum = 0;
    for (const testing::PairedClient& client : clients_) {
      sum += client.acknowledged;
    }
    return sum;
  }
  [[nodiscard]] const testing::LossyFileSystem::Losses& losses() const { return losses_; }

 private:
  void run_clients() {
    testing::ThreadLoop loop;
    testing::TestWorld test(loop);
    auto backend = RocksdbBackend::open(loop, options_);
    if (!backend.ok()) {
      EXPECT_TRUE(files_->power_is_cut()) << backend.error().to_string();
      return;
    }
    LocalDatabase database(test.world, **backend);
    const testing::OnAcknowledged nothing_more = [](const testing::PairedClient&) {};
    Scope scope(loop, {});
    for (testing::PairedClient& client : clients_) {
      scope.spawn(commit_until_it_fails(database, client, nothing_more));
    }
    EXPECT_TRUE(loop.run(scope.drain()).ok());
  }

  Result<void> verify_clients() {
    testing::ThreadLoop loop;
    testing::TestWorld test(loop);
    auto backend = RocksdbBackend::open(loop, options_);
    if (!backend.ok()) {
      return std::move(backend).error().with_context("reopening after the crash");
    }
    const Version version = (*backend)->latest()->version();
    if (version < last_version_) {
      return base::internal("the store's version went back");
    }
    last_version_ = version;
    LocalDatabase database(test.world, **backend);
    for (testing::PairedClient& client : clients_) {
      TRY(loop.run(verify(database, client)));
    }
    return kOk;
  }

  world::Rng rng_;
  testing::TemporaryDirectory directory_;
  std::shared_ptr<testing::LossyFileSystem> files_ =
      std::make_shared<testing::LossyFileSystem>(directory_.path() + "/trash");
  RocksdbOptions options_;
  std::array<testing::PairedClient, kClients> clients_;
  testing::LossyFileSystem::Losses losses_;
  Version last_version_{0};
};

TEST(PowerLoss, KeepsEveryAcknowledgedCommitAndNoHalfCommit) {
  std::cout << "seed " << ::testing::UnitTest::GetInstance()->random_seed() << "\n";
  PowerLoss power_loss(Durability::kSynced, seed());
  for (int i = 0; i < rounds(); ++i) {
    const Result<void> result = power_loss.round();
    ASSERT_TRUE(result.ok()) << "round " << i << ": " << result.error().to_string();
  }
  const auto& losses = power_loss.losses();
  std::cout << rounds() << " rounds, " << power_loss.acknowledged() << " commits; "
            << losses.files_dropped << " dropped, " << losses.files_torn << " torn, "
            << losses.files_garbled << " garbled, " << losses.entries_undone << " entries undone\n";
  // The test attacked something.
  EXPECT_GT(power_loss.acknowledged(), 0);
  EXPECT_GT(losses.files_dropped + losses.files_torn + losses.files_garbled, 0);
  EXPECT_GT(losses.entries_undone, 0);
}

// The planted bug M31: a batch that is acknowledged without a sync. The same rounds must find it.
TEST(PowerLoss, FindsAnEngineThatAcknowledgesUnsyncedBatches) {
  PowerLoss power_loss(Durability::kUnsynced, seed());
  for (int i = 0; i < rounds(); ++i) {
    if (!power_loss.round().ok()) {
      SUCCEED() << "found in round " << i;
      return;
    }
  }
  FAIL() << "no loss was seen in " << rounds() << " rounds";
}

}  // namespace
}  // namespace kelpie::store
