#include "sim/model/transaction_trace.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "async/manual_loop.h"
#include "sim/model/observed_backend_test.h"
#include "store/local_database.h"
#include "store/testing/test_world.h"

namespace kelpie::sim {
namespace {

class TransactionTraceTest : public ::testing::Test {
 protected:
  // A client of the production database who notes what it reads, and shows it when it is told that
  // it has committed.
  struct Client {
    Client(TransactionTraceTest& test, std::string name)
        : test(test), transaction(test.database_.begin()) {
      seen.name = std::move(name);
    }
    void get(const Bytes& key) {
      seen.reads.emplace_back(key, test.loop_.run(transaction->get(key)).value());
    }
    void get_all() {
      const store::KeyRange all{"a", "z"};
      auto page = test.loop_.run(transaction->get_range({.range = all})).value();
      seen.ranges.push_back({all, std::move(page.rows)});
    }
    bool commit(const Bytes& key) {
      transaction->set(key, seen.name);
      const auto done = test.loop_.run(transaction->commit());
      if (done.ok()) {
        seen.version = *done;
        test.trace_.committed(seen);
      }
      return done.ok();
    }
    TransactionTraceTest& test;
    std::unique_ptr<store::Transaction> transaction;
    CommittedTransaction seen;
  };
  void expect_failure(const std::string& oracle, const std::string& part) {
    ASSERT_TRUE(trace_.failure());
    EXPECT_EQ(trace_.failure()->oracle, oracle);
    EXPECT_NE(trace_.failure()->message.find(part), std::string::npos) << trace_.failure()->message;
  }

  async::ManualLoop loop_;
  TransactionTrace trace_;
  store::testing::TestWorld test_{loop_};
  ObservedBackend backend_{[this](const store::CommitBatch& batch) { trace_.batch(batch); }};
  store::LocalDatabase database_{test_.world, backend_};
};

TEST_F(TransactionTraceTest, AcceptsWhatTheDatabaseCommits) {
  for (const char* key : {"a", "b", "a"}) {
    Client client(*this, std::string("writer of ") + key);
    client.get(key);
    client.get_all();
    EXPECT_TRUE(client.commit(key));
  }
  Client loser(*this, "loser");
  loser.get("a");
  EXPECT_TRUE(Client(*this, "winner").commit("a"));
  EXPECT_FALSE(loser.commit("b"));
  EXPECT_FALSE(trace_.failure());
  EXPECT_EQ(trace_.counters().batches, 4U);
  EXPECT_EQ(trace_.counters().reads, 6U);
}

TEST_F(TransactionTraceTest, RejectsTheLostUpdate) {
  test_.faults.planted = {"M4"};
  Client loser(*this, "loser");
  loser.get("a");
  EXPECT_TRUE(Client(*this, "winner").commit("a"));
  EXPECT_TRUE(loser.commit("a"));
  expect_failure("S19", R"(read "a" as absent, which is "winner" by its commit)");
}

TEST_F(TransactionTraceTest, RejectsThePhantom) {
  test_.faults.planted = {"M5"};
  Client loser(*this, "loser");
  loser.get_all();
  EXPECT_TRUE(Client(*this, "winner").commit("a"));
  EXPECT_TRUE(loser.commit("b"));
  expect_failure("S19", R"(read the range from "a" to "z" as [], which is ["a"="winner"])");
}

TEST_F(TransactionTraceTest, RejectsAVersionThatDoesNotGrow) {
  trace_.batch({store::Version(2), {}});
  trace_.batch({store::Version(2), {}});
  expect_failure("S19", "version 2 was applied after 2");
}

TEST_F(TransactionTraceTest, RejectsACommitOfWhichThereIsNoBatch) {
  trace_.batch({store::Version(2), {}});
  trace_.committed(
      {.name = "early", .version = store::Version(3), .reads = {}, .ranges = {}, .writes = {}});
  expect_failure("S3", "no such batch");
}

}  // namespace
}  // namespace kelpie::sim
