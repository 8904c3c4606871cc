#include "store/schema.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "async/manual_loop.h"
#include "store/keys.h"
#include "store/local_database.h"
#include "store/memory/memory_backend.h"
#include "store/testing/forwarding_transaction.h"
#include "store/testing/test_world.h"

namespace kelpie::store {
namespace {

constexpr int kAgents = 7;
constexpr size_t kBatchRows = 2;

// Appends `mark` to every value of the agents' index, a few rows in each batch. Doing a row twice
// shows.
Task<std::optional<Bytes>> mark_rows(Transaction& transaction, Bytes cursor, std::string mark) {
  KeyRange range = keys::agents_created();
  if (!cursor.empty()) {
    range.begin = std::move(cursor);
  }
  RangePage page =
      co_await transaction.get_range(RangeRead{.range = std::move(range), .rows_max = kBatchRows});
  for (const KeyValue& row : page.rows) {
    transaction.set(row.key, row.value + mark);
  }
  co_return page.more ? std::optional<Bytes>(page.next.begin) : std::nullopt;
}
Task<std::optional<Bytes>> step_a(Transaction& transaction, Bytes cursor) {
  return mark_rows(transaction, std::move(cursor), "a");
}
Task<std::optional<Bytes>> step_b(Transaction& transaction, Bytes cursor) {
  return mark_rows(transaction, std::move(cursor), "b");
}
const std::array<UpgradeStep, 2> kSteps = {
    {{.from = 1, .to = 2, .name = "append a", .batch = step_a},
     {.from = 2, .to = 3, .name = "append b", .batch = step_b}}};

// A database whose commits a test disturbs: by their number, what happens to them.
class DisturbedDatabase final : public Database {
 public:
  enum class Fate : uint8_t { kCommit, kConflict, kUndecidedDone, kUndecidedNot, kGone };
  DisturbedDatabase(Database& inner, std::function<Fate(int commit)> fate)
      : inner_(inner), fate_(std::move(fate)) {}

  using Database::begin;
  [[nodiscard]] std::unique_ptr<Transaction> begin(TransactionOptions options) override {
    return std::make_unique<Disturbed>(inner_.begin(options), *this);
  }
  [[nodiscard]] std::string_view engine_name() const override { return inner_.engine_name(); }
  int commits = 0;

 private:
  class Disturbed final : public testing::ForwardingTransaction {
   public:
    Disturbed(std::unique_ptr<Transaction> inner, DisturbedDatabase& database)
        : ForwardingTransaction(std::move(inner)), database_(database) {}
    Task<Version> commit() override {
      switch (database_.fate_(database_.commits++)) {
        case Fate::kCommit:
          break;
        case Fate::kConflict:
          co_return base::aborted("a false conflict");
        case Fate::kUndecidedDone:
          co_await inner_->commit();
          co_return base::unknown("nobody knows, and it happened");
        case Fate::kUndecidedNot:
          co_return base::unknown("nobody knows, and it did not happen");
        case Fate::kGone:
          co_return base::unavailable("the process died here");
      }
      co_return co_await inner_->commit();
    }

   private:
    DisturbedDatabase& database_;
  };
  Database& inner_;
  std::function<Fate(int)> fate_;
};
using Fate = DisturbedDatabase::Fate;

class Schema : public ::testing::Test {
 protected:
  Result<SchemaInfo> open(Database& database, std::span<const UpgradeStep> steps) {
    return loop_.run(open_schema(database, test_.world, steps));
  }
  Result<SchemaInfo> open(std::span<const UpgradeStep> steps = {}) { return open(store_, steps); }

  void put(const Bytes& key, const Bytes& value) {
    auto transaction = store_.begin();
    transaction->set(key, value);
    ASSERT_TRUE(loop_.run(transaction->commit()).ok());
  }
  // What the first release left: agents, and no numbers.
  void put_old_data() {
    for (int i = 0; i < kAgents; ++i) {
      put(keys::agent_created(i, "agent"), std::to_string(i));
    }
  }
  std::vector<KeyValue> everything() {
    auto page = loop_.run(
        backend_.latest()->range(RangeRead{.range = keys::everything(), .rows_max = 10'000}));
    CHECK(page.ok() && !page->more);
    return page->rows;
  }
  std::string agents() {
    auto page = loop_.run(backend_.latest()->range(RangeRead{.range = keys::agents_created()}));
    std::string text;
    for (const KeyValue& row : page->rows) {
      text += row.value + " ";
    }
    return text;
  }

  async::ManualLoop loop_;
  testing::TestWorld test_{loop_};
  MemoryBackend backend_;
  LocalDatabase store_{test_.world, backend_};
};

TEST_F(Schema, AnEmptyStoreGetsTheBinarysNumbersAndAnIncarnation) {
  const auto opened = open(kSteps);
  ASSERT_TRUE(opened.ok()) << opened.error().to_string();
  EXPECT_EQ(opened->version, (SchemaVersion{.binary = kBinaryFormat, .schema = 3, .user = 0}));
  EXPECT_EQ(opened->incarnation.id.size(), 36u);
  EXPECT_EQ(opened->incarnation.created_micros, 1'700'000'000'000'000);
  EXPECT_FALSE(opened->upgraded_from.has_value());
  EXPECT_EQ(everything().size(), 2u);
}

TEST_F(Schema, AnIncarnationStaysAndAnotherStoreHasAnother) {
  const auto first = open();
  ASSERT_TRUE(first.ok());
  const auto again = open();
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->incarnation, first->incarnation);
  MemoryBackend other_backend;
  LocalDatabase other(test_.world, other_backend);
  EXPECT_NE(open(other, {})->incarnation.id, first->incarnation.id);
}

TEST_F(Schema, OpeningAgainWritesNothing) {
  ASSERT_TRUE(open(kSteps).ok());
  const Version before = backend_.latest()->version();
  ASSERT_TRUE(open(kSteps).ok());
  EXPECT_EQ(backend_.latest()->version(), before);
}

TEST_F(Schema, DataWithoutNumbersIsOfTheFirstSchema) {
  put_old_data();
  const auto opened = open();
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(opened->version.schema, kFirstSchema);
  EXPECT_FALSE(opened->upgraded_from.has_value());
  const auto upgraded = open(kSteps);
  ASSERT_TRUE(upgraded.ok());
  EXPECT_EQ(upgraded->upgraded_from, kFirstSchema);
}

TEST_F(Schema, OlderDataGoesThroughEveryStepOnce) {
  put_old_data();
  const auto opened = open(kSteps);
  ASSERT_TRUE(opened.ok()) << opened.error().to_string();
  EXPECT_EQ(opened->version.schema, 3);
  EXPECT_EQ(opened->upgraded_from, 1);
  EXPECT_EQ(agents(), "0ab 1ab 2ab 3ab 4ab 5ab 6ab ");
  // Nothing of the way there is left: the agents, the numbers, the incarnation.
  EXPECT_EQ(everything().size(), static_cast<size_t>(kAgents) + 2);
}

TEST_F(Schema, NewerDataIsRefusedByBothNumbersAndStaysAsItIs) {
  put_old_data();
  ASSERT_TRUE(open(kSteps).ok());
  const auto before = everything();
  const auto refused = open(std::span(kSteps).first(1));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kFailedPrecondition);
  EXPECT_NE(refused.error().message.find("schema 3"), std::string::npos);
  EXPECT_NE(refused.error().message.find("up to 2"), std::string::npos);
  EXPECT_EQ(everything(), before);
}

TEST_F(Schema, CanBeCheckedWithoutWritingAnything) {
  EXPECT_TRUE(loop_.run(check_schema(store_, kSteps)).ok());
  put_old_data();
  EXPECT_TRUE(loop_.run(check_schema(store_, kSteps)).ok());
  EXPECT_EQ(everything().size(), static_cast<size_t>(kAgents));
  ASSERT_TRUE(open(kSteps).ok());
  EXPECT_TRUE(loop_.run(check_schema(store_, kSteps)).ok());
  const auto refused = loop_.run(check_schema(store_, std::span(kSteps).first(1)));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kFailedPrecondition);
}

TEST_F(Schema, TheVersionOfANewerReleaseIsReadWhateverElseItHolds) {
  put(keys::schema_version(),
      R"({"format":9,"binary":12,"schema":40,"user":5,"more":{"of":"it"}})");
  const auto refused = open(kSteps);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("schema 40"), std::string::npos);
}

TEST_F(Schema, AnUpgradeThatDiedAfterAnyCommitGoesOnWhereItStood) {
  for (int death = 0;; ++death) {
    MemoryBackend backend;
    LocalDatabase store(test_.world, backend);
    for (int i = 0; i < kAgents; ++i) {
      auto transaction = store.begin();
      transaction->set(keys::agent_created(i, "agent"), std::to_string(i));
      ASSERT_TRUE(loop_.run(transaction->commit()).ok());
    }
    DisturbedDatabase dying(
        store, [death](int commit) { return commit < death ? Fate::kCommit : Fate::kGone; });
    const bool survived = open(dying, kSteps).ok();
    const auto opened = open(store, kSteps);
    ASSERT_TRUE(opened.ok()) << opened.error().to_string();
    auto page = loop_.run(backend.latest()->range(RangeRead{.range = keys::agents_created()}));
    for (const KeyValue& row : page->rows) {
      EXPECT_EQ(row.value.substr(1), "ab") << "died at commit " << death;
    }
    if (survived) {
      // Two steps of four batches each.
      EXPECT_EQ(death, 8);
      return;
    }
  }
}

TEST_F(Schema, ConflictsAndUndecidedCommitsDoNoRowTwice) {
  put_old_data();
  DisturbedDatabase disturbed(store_, [](int commit) {
    constexpr std::array<Fate, 5> kFates = {Fate::kConflict, Fate::kUndecidedDone,
                                            Fate::kUndecidedNot, Fate::kCommit, Fate::kConflict};
    return kFates[static_cast<size_t>(commit) % kFates.size()];
  });
  const auto opened = open(disturbed, kSteps);
  ASSERT_TRUE(opened.ok()) << opened.error().to_string();
  EXPECT_EQ(agents(), "0ab 1ab 2ab 3ab 4ab 5ab 6ab ");
  EXPECT_GT(disturbed.commits, 8);
}

TEST_F(Schema, AStoreThatNeverDecidesIsGivenUpOn) {
  DisturbedDatabase undecided(store_, [](int) { return Fate::kUndecidedNot; });
  const auto opened = open(undecided, kSteps);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, Code::kUnknown);
}

TEST_F(Schema, ManyOpenersAtOnceAgreeAndDoNoRowTwice) {
  put_old_data();
  std::vector<SchemaInfo> infos;
  const auto one = [](Database& database, World& world,
                      std::vector<SchemaInfo>& into) -> Task<void> {
    into.push_back(co_await open_schema(database, world, kSteps));
    co_return kOk;
  };
  std::vector<std::string> errors;
  {
    Scope scope(loop_, [&](const Error& error) { errors.push_back(error.to_string()); });
    for (int i = 0; i < 5; ++i) {
      scope.spawn(one(store_, test_.world, infos));
    }
    loop_.run();
  }
  EXPECT_TRUE(errors.empty()) << errors.front();
  ASSERT_EQ(infos.size(), 5u);
  for (const SchemaInfo& info : infos) {
    EXPECT_EQ(info.incarnation, infos.front().incarnation);
    EXPECT_EQ(info.version.schema, 3);
  }
  EXPECT_EQ(agents(), "0ab 1ab 2ab 3ab 4ab 5ab 6ab ");
}

TEST_F(Schema, TheUserVersionIsKept) {
  put_old_data();
  put(keys::schema_version(), encode_schema_version({.binary = 1, .schema = 1, .user = 42}));
  EXPECT_EQ(open(kSteps)->version.user, 42);
  EXPECT_EQ(open(kSteps)->version.user, 42);
}

TEST_F(Schema, TheBinaryThatOpenedItLastIsNoted) {
  put(keys::schema_version(), encode_schema_version({.binary = 99, .schema = 1, .user = 0}));
  EXPECT_EQ(open()->version.binary, kBinaryFormat);
  EXPECT_EQ(open()->version.binary, kBinaryFormat);
}

TEST_F(Schema, NumbersThatCannotBeReadAreDamageAndNotAbsence) {
  for (const char* bytes :
       {"", "1", "{}", R"({"binary":1,"schema":"1","user":0})",
        R"({"binary":1,"schema":0,"user":0})", R"({"binary":1,"schema":-3,"user":0})"}) {
    put(keys::schema_version(), bytes);
    const auto opened = open(kSteps);
    ASSERT_FALSE(opened.ok()) << bytes;
    EXPECT_EQ(opened.error().code, Code::kDataLoss) << bytes;
  }
}

TEST_F(Schema, AnOlderBinaryRefusesDataWhoseUpgradeHasBegun) {
  const auto transaction = store_.begin();
  transaction->set(keys::schema_version(), encode_schema_version({}));
  transaction->set(keys::schema_upgrade(), "half way");
  ASSERT_TRUE(loop_.run(transaction->commit()).ok());
  const auto opened = loop_.run(open_schema(store_, test_.world, {}));
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, Code::kFailedPrecondition);
  EXPECT_NE(opened.error().message.find("has begun"), std::string::npos);
  EXPECT_EQ(loop_.run(check_schema(store_, {})).error().code, Code::kFailedPrecondition);
}

TEST_F(Schema, ASnapshotSaysWhatItIs) {
  const auto before = loop_.run(read_identity(*backend_.latest()));
  EXPECT_FALSE(before->version.has_value());
  const auto opened = open();
  const auto after = loop_.run(read_identity(*backend_.latest()));
  ASSERT_TRUE(after.ok());
  EXPECT_EQ(*after->version, opened->version);
  EXPECT_EQ(*after->incarnation, opened->incarnation);
}

}  // namespace
}  // namespace kelpie::store
