#include <array>

#include "async/scope.h"
#include "async/sleep.h"
#include "store/conformance.h"
#include "store/conformance_support.h"
#include "store/run.h"

namespace kelpie::store {
namespace {

using namespace conformance;  // NOLINT: the kit's own helpers

Task<std::unique_ptr<Watch>> watch_now(Database& database, Bytes key) {
  const auto transaction = database.begin();
  std::unique_ptr<Watch> watch = transaction->watch(std::move(key));
  CONFORM(co_await transaction->commit() == kNoVersion);
  co_return std::move(watch);
}

Task<void> ends_a_watch_when_its_key_changes(Database& database, Loop&) {
  co_await put(database, {{"set", "1"}, {"cleared", "1"}, {"in a range", "1"}, {"added", "1"}});
  const auto set = co_await watch_now(database, "set");
  const auto cleared = co_await watch_now(database, "cleared");
  const auto in_a_range = co_await watch_now(database, "in a range");
  const auto added = co_await watch_now(database, "added");
  const auto created = co_await watch_now(database, "created");
  const auto writer = database.begin();
  writer->set("set", "2");
  writer->clear("cleared");
  writer->clear_range({"in", "io"});
  writer->atomic(AtomicOp::kAdd, "added", "\x01");
  writer->set("created", "1");
  co_await writer->commit();
  co_await set->changed();
  co_await cleared->changed();
  co_await in_a_range->changed();
  co_await added->changed();
  co_await created->changed();
  co_return kOk;
}

// The change came after the transaction read and before it committed.
Task<void> ends_a_watch_for_a_change_before_its_commit(Database& database, Loop&) {
  co_await put(database, {{"k", "1"}});
  const auto transaction = database.begin();
  CONFORM(co_await transaction->get("k", Isolation::kSnapshot) == "1");
  const auto watch = transaction->watch("k");
  co_await put(database, {{"k", "2"}});
  co_await transaction->commit();
  co_await watch->changed();
  co_return kOk;
}

Task<void> watches_from_what_the_transaction_wrote(Database& database, Loop&) {
  const auto transaction = database.begin();
  transaction->set("k", "own");
  const auto watch = transaction->watch("k");
  CONFORM(co_await transaction->commit() > Version(0));
  co_await put(database, {{"k", "other"}});
  co_await watch->changed();
  co_return kOk;
}

Task<void> cancels_the_watch_of_a_transaction_that_does_not_commit(Database& database, Loop&) {
  auto transaction = database.begin();
  const auto abandoned = transaction->watch("k");
  transaction.reset();
  CONFORM(failed_with(co_await abandoned->changed().result(), Code::kCancelled));

  co_await put(database, {{"k", "1"}});
  const auto loser = database.begin();
  co_await loser->get("k");
  loser->set("x", "");
  const auto lost = loser->watch("k");
  co_await put(database, {{"k", "2"}});
  CONFORM(failed_with(co_await loser->commit().result(), Code::kAborted));
  CONFORM(!(co_await lost->changed().result()).ok());
  co_return kOk;
}

Task<void> lets_go_of_a_watch_at_any_time(Database& database, Loop&) {
  auto before = database.begin();
  (void)before->watch("k");
  co_await before->commit();
  {
    const auto dropped = co_await watch_now(database, "k");
  }
  const auto kept = co_await watch_now(database, "k");
  co_await put(database, {{"k", "1"}});
  co_await kept->changed();
  co_return kOk;
}

Task<void> wait_for(Watch& watch, Result<void>& outcome) {
  outcome = co_await watch.changed().result();
  co_return kOk;
}

Task<void> tells_who_waits_for_a_watch_that_it_was_let_go(Database& database, Loop& loop) {
  std::unique_ptr<Watch> watch = co_await watch_now(database, "k");
  Result<void> outcome = kOk;
  Scope scope(loop, {});
  scope.spawn(wait_for(*watch, outcome));
  co_await async::yield(loop);
  watch.reset();
  co_await scope.drain();
  CONFORM(failed_with(outcome, Code::kCancelled));
  co_return kOk;
}

Task<void> reads_past_its_own_writes_if_asked(Database& database, Loop&) {
  co_await put(database, {{"a", "stored"}});
  const auto transaction = database.begin({.read_your_writes = ReadYourWrites::kOff});
  transaction->set("a", "own");
  transaction->set("b", "own");
  CONFORM(co_await transaction->get("a") == "stored");
  CONFORM(!(co_await transaction->get("b")).has_value());
  CONFORM(
      (co_await all_rows(*transaction, {"", "\xff"}, Order::kReverse, 5) == Rows{{"a", "stored"}}));
  CONFORM(co_await transaction->get_key(KeySelector::first_greater_than("a")) == kKeysEnd);
  CONFORM(co_await transaction->commit() > Version(0));
  CONFORM(co_await value_of(database, "b") == "own");

  // Then a read is one of the database, and conflicts, whatever was written before it.
  const auto reader = database.begin({.read_your_writes = ReadYourWrites::kOff});
  reader->set("a", "own again");
  CONFORM(co_await reader->get("a") == "own");
  co_await put(database, {{"a", "other"}});
  CONFORM(failed_with(co_await reader->commit().result(), Code::kAborted));
  co_return kOk;
}

Task<void> honours_a_size_limit_of_its_own(Database& database, Loop&) {
  const auto transaction = database.begin({.bytes_max = 1'000});
  transaction->set("k", Bytes(2'000, 'v'));
  const Result<Version> refused = co_await transaction->commit().result();
  CONFORM(failed_with(refused, Code::kInvalidArgument));
  CONFORM(refused.error().message.find("1000") != std::string::npos);
  const auto small = database.begin({.bytes_max = 1'000});
  small->set("k", Bytes(500, 'v'));
  CONFORM(co_await small->commit() > Version(0));
  co_return kOk;
}

Task<void> commits_at_every_priority(Database& database, Loop&) {
  for (Priority priority : {Priority::kBatch, Priority::kDefault, Priority::kImmediate}) {
    const auto transaction = database.begin({.priority = priority});
    CONFORM(!(co_await transaction->get("other")).has_value());
    transaction->set("k", "v");
    CONFORM(co_await transaction->commit() > Version(0));
  }
  co_return kOk;
}

// A commit that meets a conflict, on the same transaction object again and again.
Task<Result<Version>> commit_with_a_conflict(Database& database, Transaction& transaction) {
  co_await transaction.get("k");
  transaction.set("mine", "");
  transaction.set("left over", "");
  co_await put(database, {{"k", "changed"}});
  co_return co_await transaction.commit().result();
}

Task<void> tries_again_from_the_start_after_a_conflict(Database& database, Loop&) {
  const auto transaction = database.begin({.retries_max = 2});
  for (int i = 0; i < 2; ++i) {
    Result<Version> lost = co_await commit_with_a_conflict(database, *transaction);
    CONFORM(failed_with(lost, Code::kAborted));
    co_await transaction->on_error(std::move(lost).error());
    CONFORM(transaction->approximate_bytes() == 0);
  }
  Result<Version> lost = co_await commit_with_a_conflict(database, *transaction);
  const Result<void> ended = co_await transaction->on_error(std::move(lost).error()).result();
  CONFORM(failed_with(ended, Code::kAborted));

  const auto again = database.begin();
  lost = co_await commit_with_a_conflict(database, *again);
  co_await again->on_error(std::move(lost).error());
  CONFORM(co_await again->get("k") == "changed");
  again->set("mine", "done");
  CONFORM(co_await again->commit() > Version(0));
  CONFORM(again->versionstamp().version() > Version(0));
  CONFORM(!(co_await value_of(database, "left over")).has_value());
  co_return kOk;
}

Task<void> hands_back_an_error_that_trying_again_does_not_help(Database& database, Loop&) {
  const auto transaction = database.begin();
  for (const Error& error : {base::not_found("no such thing"), base::unknown("undecided"),
                             base::invalid_argument("too large")}) {
    const Result<void> handed = co_await transaction->on_error(error).result();
    CONFORM(!handed.ok() && handed.error() == error);
  }
  co_return kOk;
}

constexpr std::array kCases = {
    ConformanceCase{"EndsAWatchWhenItsKeyChanges", ends_a_watch_when_its_key_changes},
    ConformanceCase{"EndsAWatchForAChangeBeforeItsCommit",
                    ends_a_watch_for_a_change_before_its_commit},
    ConformanceCase{"WatchesFromWhatTheTransactionWrote", watches_from_what_the_transaction_wrote},
    ConformanceCase{"CancelsTheWatchOfATransactionThatDoesNotCommit",
                    cancels_the_watch_of_a_transaction_that_does_not_commit},
    ConformanceCase{"LetsGoOfAWatchAtAnyTime", lets_go_of_a_watch_at_any_time},
    ConformanceCase{"TellsWhoWaitsForAWatchThatItWasLetGo",
                    tells_who_waits_for_a_watch_that_it_was_let_go},
    ConformanceCase{"ReadsPastItsOwnWritesIfAsked", reads_past_its_own_writes_if_asked},
    ConformanceCase{"HonoursASizeLimitOfItsOwn", honours_a_size_limit_of_its_own},
    ConformanceCase{"CommitsAtEveryPriority", commits_at_every_priority},
    ConformanceCase{"TriesAgainFromTheStartAfterAConflict",
                    tries_again_from_the_start_after_a_conflict},
    ConformanceCase{"HandsBackAnErrorThatTryingAgainDoesNotHelp",
                    hands_back_an_error_that_trying_again_does_not_help},
};

}  // namespace

std::span<const ConformanceCase> option_conformance() { return kCases; }

}  // namespace kelpie::store
