#include "store/commit_pipeline.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "async/manual_loop.h"
#include "async/select.h"
#include "store/local_database.h"
#include "store/testing/gate_backend.h"
#include "store/testing/test_world.h"

namespace kelpie::store {
namespace {

class CommitPipelineTest : public ::testing::Test {
 protected:
  using Outcome = std::optional<Result<Committed>>;

  static CommitRequest set(Bytes key, Bytes value = "v") {
    CommitRequest request;
    request.bytes = key.size() + value.size();
    request.writes.push_back({PendingWrite::Kind::kSet, std::move(key), std::move(value)});
    return request;
  }
  CommitRequest read_and_set(Bytes key) const {
    CommitRequest request = set(key);
    request.reads.add_point(std::move(key));
    request.read_version = backend_.latest()->version();
    return request;
  }
  static Task<void> commit_into(CommitPipeline& pipeline, CommitRequest request, Outcome& outcome) {
    outcome = co_await pipeline.commit(std::move(request)).result();
    co_return kOk;
  }
  // Starts the commits together and runs the loop until nothing is ready.
  std::vector<Outcome>& start(std::vector<CommitRequest> requests) {
    outcomes_.push_back(std::make_unique<std::vector<Outcome>>(requests.size()));
    for (size_t i = 0; i < requests.size(); ++i) {
      scope_.spawn(commit_into(*pipeline_, std::move(requests[i]), (*outcomes_.back())[i]));
    }
    loop_.run_ready();
    return *outcomes_.back();
  }
  std::optional<Bytes> stored(Bytes key) {
    const auto snapshot = backend_.latest();
    return loop_.run(snapshot->get(std::move(key))).value();
  }

  async::ManualLoop loop_;
  testing::TestWorld test_{loop_};
  testing::GateBackend backend_{loop_};
  std::unique_ptr<CommitPipeline> pipeline_ =
      std::make_unique<CommitPipeline>(test_.world, backend_, CommitOptions{});
  std::vector<std::unique_ptr<std::vector<Outcome>>> outcomes_;
  Scope scope_{loop_, {}};
};

std::vector<CommitRequest> list(CommitRequest a) {
  std::vector<CommitRequest> requests;
  requests.push_back(std::move(a));
  return requests;
}
std::vector<CommitRequest> list(CommitRequest a, CommitRequest b) {
  std::vector<CommitRequest> requests = list(std::move(a));
  requests.push_back(std::move(b));
  return requests;
}

TEST_F(CommitPipelineTest, RepliesOnlyAfterTheBatchIsApplied) {
  backend_.gate.clear();
  auto& outcomes = start(list(set("k")));
  EXPECT_EQ(backend_.batches, 1);
  EXPECT_FALSE(outcomes[0].has_value());
  backend_.gate.set();
  loop_.run_ready();
  ASSERT_TRUE(outcomes[0].has_value());
  EXPECT_TRUE(outcomes[0]->ok());
  EXPECT_EQ(stored("k"), "v");
}

TEST_F(CommitPipelineTest, RepliesTooEarlyWithThePlantedBugM8) {
  test_.faults.planted = {"M8"};
  backend_.gate.clear();
  auto& outcomes = start(list(set("k")));
  ASSERT_TRUE(outcomes[0].has_value());
  EXPECT_TRUE(outcomes[0]->ok());
  EXPECT_FALSE(stored("k").has_value());
}

TEST_F(CommitPipelineTest, PutsCommitsThatWaitIntoOneBatch) {
  backend_.gate.clear();
  auto& first = start(list(set("a")));
  auto& rest = start(list(set("b"), set("c")));
  EXPECT_EQ(backend_.batches, 1);
  backend_.gate.set();
  loop_.run_ready();
  EXPECT_EQ(backend_.batches, 2);
  EXPECT_EQ(rest[0]->value().version, rest[1]->value().version);
  EXPECT_GT(rest[0]->value().version, first[0]->value().version);
  EXPECT_EQ(rest[0]->value().order, 0);
  EXPECT_EQ(rest[1]->value().order, 1);
}

TEST_F(CommitPipelineTest, ResolvesConflictsInsideABatch) {
  auto& outcomes = start(list(read_and_set("k"), read_and_set("k")));
  EXPECT_TRUE(outcomes[0]->ok());
  ASSERT_FALSE(outcomes[1]->ok());
  EXPECT_EQ(outcomes[1]->error().code, Code::kAborted);
  EXPECT_EQ(backend_.batches, 1);
}

TEST_F(CommitPipelineTest, ResolvesConflictsWithTheBatchInFlight) {
  const CommitRequest stale = read_and_set("k");
  backend_.gate.clear();
  auto& in_flight = start(list(set("k")));
  auto& waiting = start(list(stale, read_and_set("other")));
  // Told now, it would read the old value again, and meet the same conflict.
  EXPECT_FALSE(waiting[0].has_value());
  backend_.gate.set();
  loop_.run_ready();
  EXPECT_TRUE(in_flight[0]->ok());
  EXPECT_EQ(waiting[0]->error().code, Code::kAborted);
  EXPECT_TRUE(waiting[1]->ok());
  auto& again = start(list(read_and_set("k")));
  EXPECT_TRUE(again[0]->ok());
}

TEST_F(CommitPipelineTest, AppliesTheBatchThatFilledWhileTheOneBeforeFailed) {
  backend_.gate.clear();
  backend_.next_error = base::resource_exhausted("the disk is full");
  auto& full = start(list(set("a")));
  auto& next = start(list(set("b"), read_and_set("c")));
  backend_.gate.set();
  loop_.run_ready();
  EXPECT_EQ(full[0]->error().code, Code::kResourceExhausted);
  EXPECT_TRUE(next[0]->ok());
  EXPECT_TRUE(next[1]->ok());
  EXPECT_FALSE(stored("a").has_value());
  EXPECT_EQ(stored("b"), "v");
  // Of either batch nothing is left that a reader of the newest state would conflict with.
  auto& again = start(list(read_and_set("a"), read_and_set("b")));
  EXPECT_TRUE(again[0]->ok());
  EXPECT_TRUE(again[1]->ok());
}

TEST_F(CommitPipelineTest, StartsAtomicOperationsFromWhatCameBeforeThem) {
  const auto add = [](Bytes key) {
    CommitRequest request;
    request.writes.push_back({PendingWrite::Kind::kAtomic, std::move(key), "\x01", AtomicOp::kAdd});
    return request;
  };
  backend_.gate.clear();
  auto& first = start(list(set("in flight", "\x10")));
  // Before the batch in flight is visible: a set, an operation on it, and on what is in flight.
  auto& second = start(list(set("k", "\x20"), add("k")));
  auto& third = start(list(add("in flight"), set("k2", "\x30")));
  auto& fourth = start(list(add("k2"), add("k")));
  backend_.gate.set();
  loop_.run_ready();
  for (const auto* outcomes : {&first, &second, &third, &fourth}) {
    for (const Outcome& outcome : *outcomes) {
      EXPECT_TRUE(outcome->ok());
    }
  }
  EXPECT_EQ(backend_.batches, 2);
  EXPECT_EQ(stored("in flight"), "\x11");
  EXPECT_EQ(stored("k"), "\x22");
  EXPECT_EQ(stored("k2"), "\x31");
}

TEST_F(CommitPipelineTest, StopsForGoodAfterAnUndecidedBatch) {
  backend_.gate.clear();
  auto& in_flight = start(list(set("a"), set("b")));
  auto& waiting = start(list(set("c")));
  backend_.next_error = base::unknown("the sync failed");
  backend_.gate.set();
  loop_.run_ready();
  EXPECT_EQ(in_flight[0]->error().code, Code::kUnknown);
  EXPECT_EQ(in_flight[1]->error().code, Code::kUnknown);
  EXPECT_EQ(waiting[0]->error().code, Code::kUnavailable);
  auto& later = start(list(set("d")));
  EXPECT_EQ(later[0]->error().code, Code::kUnavailable);
  EXPECT_NE(later[0]->error().message.find("the sync failed"), std::string::npos);
  EXPECT_EQ(backend_.batches, 1);
  EXPECT_EQ(test_.log.events.size(), 1U);
}

TEST_F(CommitPipelineTest, GoesOnAfterABatchThatCertainlyFailed) {
  backend_.next_error = base::resource_exhausted("the disk is full");
  auto& full = start(list(read_and_set("k")));
  EXPECT_EQ(full[0]->error().code, Code::kResourceExhausted);
  EXPECT_FALSE(pipeline_->failure().has_value());
  // Its writes are forgotten: who reads at the newest version does not conflict with them.
  auto& again = start(list(read_and_set("k")));
  EXPECT_TRUE(again[0]->ok());
}

TEST_F(CommitPipelineTest, KeepsTheNewestVersionReadableAfterBatchesThatFailed) {
  start(list(set("k")));
  backend_.next_error = base::resource_exhausted("the disk is full");
  start(list(set("k")));
  (void)loop_.run(async::sleep_task(loop_, Duration::seconds(60)));
  EXPECT_LE(pipeline_->oldest_version(), backend_.latest()->version());
  auto& again = start(list(read_and_set("k")));
  EXPECT_TRUE(again[0]->ok());
}

TEST_F(CommitPipelineTest, FailsOnlyTheTransactionWhoseAtomicOperationCannotRead) {
  backend_.unreadable = {"bad"};
  CommitRequest counter;
  counter.writes.push_back({PendingWrite::Kind::kAtomic, "bad", "\x01", AtomicOp::kAdd});
  auto& outcomes = start(list(std::move(counter), set("good")));
  EXPECT_EQ(outcomes[0]->error().code, Code::kDataLoss);
  EXPECT_TRUE(outcomes[1]->ok());
  EXPECT_EQ(stored("good"), "v");
}

TEST_F(CommitPipelineTest, RefusesCommitsBeyondItsQueue) {
  pipeline_ = std::make_unique<CommitPipeline>(
      test_.world, backend_, CommitOptions{.queue_transactions_max = 2, .queue_bytes_max = 100});
  backend_.gate.clear();
  start(list(set("in flight")));
  start(list(set("first"), set("second")));
  auto& third = start(list(set("third")));
  ASSERT_TRUE(third[0].has_value());
  EXPECT_EQ(third[0]->error().code, Code::kResourceExhausted);
  backend_.gate.set();
  loop_.run_ready();
  auto& large = start(list(set("k", Bytes(101, 'v'))));
  EXPECT_EQ(large[0]->error().code, Code::kResourceExhausted);
  EXPECT_EQ(stored("second"), "v");
  EXPECT_FALSE(stored("third").has_value());
}

TEST_F(CommitPipelineTest, FinishesABatchWhoseCommitterWasDropped) {
  backend_.gate.clear();
  std::optional<Task<Committed>> dropped = pipeline_->commit(set("dropped"));
  ASSERT_FALSE(dropped->start([](void*) {}, nullptr));
  auto& other = start(list(set("other")));
  dropped.reset();
  backend_.gate.set();
  loop_.run_ready();
  EXPECT_TRUE(other[0]->ok());
  EXPECT_EQ(stored("dropped"), "v");
}

TEST_F(CommitPipelineTest, EndsItsCommittersWhenItIsDestroyed) {
  backend_.gate.clear();
  auto& in_flight = start(list(set("a")));
  auto& waiting = start(list(set("b")));
  pipeline_.reset();
  loop_.run_ready();
  EXPECT_EQ(in_flight[0]->error().code, Code::kUnknown);
  EXPECT_EQ(waiting[0]->error().code, Code::kUnavailable);
}

// A batch in flight keeps its version, and what read before the jump is judged as before.
TEST_F(CommitPipelineTest, GoesOnAtAGreaterVersionAfterAJump) {
  backend_.gate.clear();
  auto& in_flight = start(list(set("a")));
  pipeline_->jump_versions(1'000'000);
  backend_.gate.set();
  loop_.run_ready();
  const Version before = in_flight[0]->value().version;
  EXPECT_EQ(backend_.latest()->version(), before);
  CommitRequest reader = read_and_set("a");
  auto& after = start(list(set("b")));
  EXPECT_EQ(after[0]->value().version.get(), before.get() + 1'000'001);
  auto& read_before = start(list(std::move(reader)));
  EXPECT_TRUE(read_before[0]->ok());
}

TEST_F(CommitPipelineTest, StartsAboveTheVersionsOfAnEarlierLife) {
  auto& first = start(list(set("k")));
  pipeline_ = std::make_unique<CommitPipeline>(test_.world, backend_, CommitOptions{});
  auto& second = start(list(set("k")));
  EXPECT_GT(second[0]->value().version.get(), first[0]->value().version.get() + kVersionJump);
}

}  // namespace
}  // namespace kelpie::store
