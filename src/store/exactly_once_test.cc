#include "store/exactly_once.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>

#include "async/manual_loop.h"
#include "store/local_database.h"
#include "store/memory/memory_backend.h"
#include "store/testing/forwarding_transaction.h"
#include "store/testing/test_world.h"

namespace kelpie::store {
namespace {

// What becomes of a commit whose outcome its client is not told.
enum class Fate : uint8_t { kClean, kLost, kLanded, kLandsLater };

// A database that tells some commits' clients nothing. A commit that lands later does so before the
// next commit but one, unless something refuses it by then.
class VagueDatabase final : public Database {
 public:
  explicit VagueDatabase(Database& inner) : inner_(inner) {}
  using Database::begin;
  std::unique_ptr<Transaction> begin(TransactionOptions options) override;
  [[nodiscard]] std::string_view engine_name() const override { return inner_.engine_name(); }

  std::deque<Fate> fates;  // of the next commits
  int landed_late = 0;
  int refused_late = 0;

 private:
  class Vague;
  Task<Version> commit(std::shared_ptr<Transaction> transaction);
  Task<void> land_one();

  Database& inner_;
  struct Late {
    std::shared_ptr<Transaction> transaction;
    int commits_left;
  };
  std::deque<Late> late_;
};

class VagueDatabase::Vague final : public testing::ForwardingTransaction {
 public:
  Vague(VagueDatabase& database, Database& inner, TransactionOptions options)
      : ForwardingTransaction(inner.begin(options)), database_(database), again_(inner, options) {}
  Task<Version> commit() override {
    return database_.commit(std::shared_ptr<Transaction>(std::move(inner_)));
  }
  Task<void> on_error(Error error) override {
    if (error.code != Code::kAborted) {
      co_return std::move(error);
    }
    inner_ = again_.first.begin(again_.second);
    co_return kOk;
  }

 private:
  VagueDatabase& database_;
  std::pair<Database&, TransactionOptions> again_;
};

std::unique_ptr<Transaction> VagueDatabase::begin(TransactionOptions options) {
  return std::make_unique<Vague>(*this, inner_, options);
}

Task<Version> VagueDatabase::commit(std::shared_ptr<Transaction> transaction) {
  const Fate fate = fates.empty() ? Fate::kClean : fates.front();
  if (!fates.empty()) {
    fates.pop_front();
  }
  // Its reads are fixed now, whenever it lands.
  co_await transaction->read_version();
  if (fate == Fate::kLandsLater) {
    late_.push_back({transaction, 2});
    co_return base::unknown("the client was not told");
  }
  auto done =
      fate == Fate::kLost ? Result<Version>(kNoVersion) : co_await transaction->commit().result();
  co_await land_one();
  if (fate == Fate::kLost || (fate == Fate::kLanded && done.ok())) {
    co_return base::unknown("the client was not told");
  }
  co_return std::move(done);
}

Task<void> VagueDatabase::land_one() {
  if (late_.empty() || --late_.front().commits_left > 0) {
    co_return kOk;
  }
  const Late late = std::move(late_.front());
  late_.pop_front();
  const bool landed = (co_await late.transaction->commit().result()).ok();
  ++(landed ? landed_late : refused_late);
  co_return kOk;
}

class ExactlyOnceTest : public ::testing::Test {
 protected:
  // A blind effect, as of a turn: it reads nothing of what it writes.
  static Task<void> add_one(Transaction& transaction) {
    transaction.atomic(AtomicOp::kAdd, "sum", Bytes("\1\0\0\0\0\0\0\0", 8));
    co_return kOk;
  }
  // The sum after this many additions, each acknowledged, under the fates that a number spells.
  int sum_after(int additions, unsigned spelled) {
    async::ManualLoop loop;
    testing::TestWorld test(loop);
    test.faults.planted = planted_;
    MemoryBackend backend;
    LocalDatabase inner(test.world, backend);
    VagueDatabase database(inner);
    world::Rng nonces(7);
    for (; spelled > 0; spelled /= 4) {
      database.fates.push_back(static_cast<Fate>(spelled % 4));
    }
    for (int i = 0; i < additions; ++i) {
      const auto done = loop.run(run_exactly_once(test.world, database, nonces, "head", add_one));
      EXPECT_TRUE(done.ok()) << done.error().to_string();
    }
    landed_late_ += database.landed_late;
    refused_late_ += database.refused_late;
    const auto sum = loop.run(inner.begin()->get("sum")).value().value_or("\0");
    return static_cast<unsigned char>(sum[0]);
  }
  // How many of all fates of five commits in a row lose or double an effect.
  int wrong_sums() {
    constexpr int kAdditions = 4;
    int wrong = 0;
    for (unsigned spelled = 0; spelled < 1'024; ++spelled) {
      wrong += sum_after(kAdditions, spelled) == kAdditions ? 0 : 1;
    }
    return wrong;
  }
  std::set<std::string> planted_;
  int landed_late_ = 0;
  int refused_late_ = 0;
};

TEST_F(ExactlyOnceTest, NeitherLosesNorDoublesAnEffectWhateverBecomesOfItsCommits) {
  EXPECT_EQ(wrong_sums(), 0);
  EXPECT_GT(refused_late_, 0);
}

TEST_F(ExactlyOnceTest, FindsTheBlindRetry) {
  planted_ = {"M9"};
  EXPECT_GT(wrong_sums(), 0);
}

TEST_F(ExactlyOnceTest, FindsTheRewriteOfTheHead) {
  planted_ = {"M34"};
  EXPECT_GT(wrong_sums(), 0);
  EXPECT_GT(landed_late_, 0);
}

}  // namespace
}  // namespace kelpie::store
