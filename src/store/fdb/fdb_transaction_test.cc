#include "store/fdb/fdb_transaction.h"

#include <gtest/gtest.h>

#include <fstream>

#include "async/manual_loop.h"
#include "store/fdb/testing/scripted_fdb.h"
#include "store/rocksdb/testing/temporary_directory.h"

namespace kelpie::store {
namespace {

using testing::CommitFault;
using testing::Fate;
using testing::ScriptedFdb;

class FdbTransactionTest : public ::testing::Test {
 protected:
  Version put(Bytes key, Bytes value) {
    const auto transaction = database_.begin();
    transaction->set(std::move(key), std::move(value));
    return loop_.run(transaction->commit()).value();
  }
  Result<std::optional<Bytes>> value_of(Bytes key) {
    return loop_.run(database_.begin()->get(std::move(key)));
  }

  async::ManualLoop loop_;
  ScriptedFdb fdb_;
  FdbDatabase database_{loop_, fdb_.connection()};
};

TEST_F(FdbTransactionTest, AWarmCommitIsOneRoundTrip) {
  const Version read = put("epoch", "1");
  const uint64_t before = database_.counters().round_trips();
  const int versions_before = fdb_.counts().read_versions;
  const auto turn = database_.begin();
  turn->set_read_version(read);
  turn->add_read_conflict(KeyRange::single("epoch"));
  turn->set("head", "turn 1");
  EXPECT_GT(loop_.run(turn->commit()).value(), read);
  EXPECT_EQ(database_.counters().round_trips() - before, 1U);
  EXPECT_EQ(fdb_.counts().read_versions, versions_before);
}

TEST_F(FdbTransactionTest, CountsTheReadVersionThatAFirstReadOrABlindCommitAsksFor) {
  put("k", "v");
  EXPECT_EQ(database_.counters().read_versions, 1U);
  EXPECT_EQ(database_.counters().commits, 1U);
  const auto reader = database_.begin();
  EXPECT_EQ(loop_.run(reader->get("k")).value(), "v");
  EXPECT_EQ(loop_.run(reader->get("k")).value(), "v");
  EXPECT_EQ(database_.counters().read_versions, 2U);
  EXPECT_EQ(database_.counters().reads, 2U);
  EXPECT_EQ(loop_.run(reader->commit()).value(), kNoVersion);
  EXPECT_EQ(database_.counters().commits, 1U);
}

TEST_F(FdbTransactionTest, SendsNothingOfWhatIsOverALimit) {
  const auto transaction = database_.begin();
  transaction->set("small", "v");
  transaction->set("k", Bytes(base::kValueBytesMax + 1, 'v'));
  const auto watch = transaction->watch("small");
  const int futures = fdb_.counts().futures_made;
  const Result<Version> refused = loop_.run(transaction->commit());
  EXPECT_EQ(refused.error().code, Code::kInvalidArgument);
  EXPECT_EQ(fdb_.counts().futures_made, futures);
  EXPECT_EQ(fdb_.counts().commits, 0);
  EXPECT_EQ(loop_.run(watch->changed()).error().code, Code::kCancelled);
  EXPECT_EQ(loop_.run(database_.begin()->get("\xff/system")).error().code, Code::kInvalidArgument);
}

TEST_F(FdbTransactionTest, KeepsBothBoundsOfAPageThoughTheNativeOneIsSoft) {
  put("a", Bytes(10, 'x'));
  put("b", Bytes(10, 'x'));
  put("c", Bytes(10, 'x'));
  const KeyRange all{"", "\xff"};
  const auto reader = database_.begin();
  const RangePage forward = loop_.run(reader->get_range({.range = all, .bytes_max = 20})).value();
  ASSERT_EQ(forward.rows.size(), 1U);
  EXPECT_TRUE(forward.more);
  EXPECT_EQ(forward.next, (KeyRange{Bytes("a\0", 2), "\xff"}));
  const RangePage back =
      loop_.run(reader->get_range({.range = all, .bytes_max = 22, .order = Order::kReverse}))
          .value();
  ASSERT_EQ(back.rows.size(), 2U);
  EXPECT_EQ(back.next, (KeyRange{"", "b"}));
}

TEST_F(FdbTransactionTest, ReadsARangeBetweenSelectorsInOneRoundTrip) {
  for (const char* key : {"a", "b", "c", "d"}) {
    put(key, "");
  }
  const auto reader = database_.begin();
  const uint64_t before = database_.counters().reads;
  const KeySelector begin = KeySelector::first_greater_than("a");
  const KeySelector end = KeySelector::last_less_or_equal("d").plus(1);
  RangePage page = loop_.run(reader->get_range(begin, end, {})).value();
  EXPECT_EQ(page.rows.size(), 3U);
  EXPECT_FALSE(page.more);
  EXPECT_EQ(database_.counters().reads - before, 1U);

  RangeRead two;
  two.rows_max = 2;
  page = loop_.run(reader->get_range(begin, end, two)).value();
  EXPECT_EQ(page.next, (KeyRange{Bytes("c\0", 2), "\xff"}));
  two.order = Order::kReverse;
  page = loop_.run(reader->get_range(begin, end, two)).value();
  EXPECT_EQ(page.next, (KeyRange{"b", "c"}));
}

TEST_F(FdbTransactionTest, SetsItsOptionsAgainWhenItTriesAgain) {
  put("k", "stored");
  const auto transaction = database_.begin({.retries_max = std::nullopt,
                                            .bytes_max = base::kTransactionBytesMax,
                                            .read_your_writes = ReadYourWrites::kOff,
                                            .priority = Priority::kBatch});
  ASSERT_TRUE(loop_.run(transaction->on_error(base::aborted("a conflict"))).ok());
  transaction->set("k", "own");
  EXPECT_EQ(loop_.run(transaction->get("k")).value(), "stored");
}

TEST_F(FdbTransactionTest, WaitsAndTriesAgainAfterOverloadAndALock) {
  for (const FdbErrorCode code : {1042, 1051, 1078, 1213, 1223, 1038}) {
    const auto transaction = database_.begin();
    transaction->set("k", std::to_string(code));
    fdb_.fail_commit(1, {.code = code});
    Result<Version> refused = loop_.run(transaction->commit());
    EXPECT_EQ(refused.error().code, code == 1038 ? Code::kUnavailable : Code::kResourceExhausted);
    ASSERT_TRUE(loop_.run(transaction->on_error(std::move(refused).error())).ok()) << code;
    transaction->set("k", std::to_string(code));
    EXPECT_TRUE(loop_.run(transaction->commit()).ok());
  }
  EXPECT_EQ(database_.counters().on_errors, 6U);
  // The same code from somebody else is no reason to try again.
  const auto transaction = database_.begin();
  EXPECT_FALSE(loop_.run(transaction->on_error(base::resource_exhausted("my disk"))).ok());
}

TEST_F(FdbTransactionTest, HandsBackAnUndecidedCommitAndTakesBackWhatWasNotSent) {
  for (const FdbErrorCode code : {1021, 1025, 1031, 1039, 1101, 1100}) {
    const auto transaction = database_.begin();
    transaction->set("k", "v");
    fdb_.fail_commit(1, {.code = code, .fate = Fate::kSentLater});
    Result<Version> undecided = loop_.run(transaction->commit());
    EXPECT_EQ(undecided.error().code, Code::kUnknown) << code;
    const ScriptedFdb::Counts counts = fdb_.counts();
    EXPECT_EQ(counts.transactions_made, counts.transactions_destroyed) << code;
    EXPECT_EQ(loop_.run(transaction->on_error(undecided.error())).error(), undecided.error());
    // Not even if somebody calls it a conflict.
    EXPECT_FALSE(loop_.run(transaction->on_error(base::aborted("really?"))).ok());
  }
  fdb_.land_late_commits();
  EXPECT_EQ(fdb_.counts().late_landed, 0);
  EXPECT_FALSE(value_of("k").value().has_value());
}

TEST_F(FdbTransactionTest, JudgesARefusedReadAsARead) {
  fdb_.fail_read(1, 1031);
  EXPECT_EQ(value_of("k").error().code, Code::kDeadlineExceeded);
  fdb_.fail_read(1, 1039);
  EXPECT_EQ(value_of("k").error().code, Code::kAborted);
  fdb_.fail_read(1, 1101);
  EXPECT_EQ(value_of("k").error().code, Code::kCancelled);
  fdb_.fail_read(1, 1007);
  EXPECT_EQ(loop_.run(database_.begin()->get_range({.range = {"a", "b"}})).error().code,
            Code::kAborted);
  fdb_.fail_read(1, 1009);
  EXPECT_EQ(loop_.run(database_.begin()->read_version()).error().code, Code::kAborted);
  fdb_.fail_read(1, 1213);
  EXPECT_EQ(loop_.run(database_.begin()->get_key(KeySelector::last_less_than("k"))).error().code,
            Code::kResourceExhausted);
}

TEST_F(FdbTransactionTest, SaysWhenThereAreTooManyWatches) {
  fdb_.set_watches_max(1);
  const auto first = database_.begin();
  const auto watch = first->watch("k");
  ASSERT_TRUE(loop_.run(first->commit()).ok());
  const auto second = database_.begin();
  const auto refused = second->watch("k");
  ASSERT_TRUE(loop_.run(second->commit()).ok());
  EXPECT_EQ(loop_.run(refused->changed()).error().code, Code::kResourceExhausted);
  put("k", "v");
  EXPECT_TRUE(loop_.run(watch->changed()).ok());
}

TEST_F(FdbTransactionTest, EndsEveryOperationWithTheReasonWhenThereIsNoNativeTransaction) {
  FdbApi api = ScriptedFdb::api();
  api.database_create_transaction = [](FdbDatabaseHandle*, FdbTransactionHandle**) { return 1501; };
  FdbDatabase database(
      loop_, std::make_shared<FdbConnection>(std::make_shared<const FdbApi>(api),
                                             reinterpret_cast<FdbDatabaseHandle*>(&fdb_)));
  const auto transaction = database.begin();
  transaction->set("k", "v");
  transaction->clear_range({"a", "b"});
  transaction->atomic(AtomicOp::kAdd, "n", "1");
  transaction->add_write_conflict({"a", "b"});
  EXPECT_EQ(loop_.run(transaction->get("k")).error().code, Code::kUnavailable);
  EXPECT_EQ(loop_.run(transaction->watch("k")->changed()).error().code, Code::kUnavailable);
  const Result<Version> refused = loop_.run(transaction->commit());
  EXPECT_NE(refused.error().message.find("1501"), std::string::npos);
  EXPECT_FALSE(loop_.run(transaction->on_error(base::aborted("again?"))).ok());
}

TEST(FdbConnection, NamesAClusterFileThatCannotBeUsed) {
  FdbLibrary library;
  library.api = std::make_shared<const FdbApi>(ScriptedFdb::api());
  const testing::TemporaryDirectory directory;
  const std::string refused = directory.path() + "/refused";
  std::ofstream(refused) << "a:b@127.0.0.1:4500\n";
  for (const std::string& path : {refused, std::string("/nowhere/fdb.cluster"), std::string()}) {
    const auto connection = FdbConnection::open(library, path);
    ASSERT_FALSE(connection.ok());
    EXPECT_EQ(connection.error().code, Code::kInvalidArgument);
    EXPECT_NE(connection.error().message.find("`" + path + "`"), std::string::npos);
  }
}

}  // namespace
}  // namespace kelpie::store
