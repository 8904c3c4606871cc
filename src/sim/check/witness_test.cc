#include "sim/check/witness.h"

#include <gtest/gtest.h>

#include "sim/check/testing/records.h"

namespace kelpie::sim {
namespace {

using namespace check_testing;  // NOLINT

// The anomaly's name, or the verdict's.
std::string judge(const Records& records, const WitnessOptions& options = {}) {
  const CheckResult result = check_witness(records, options);
  return result.verdict == HistoryVerdict::kViolation ? result.anomaly
                                                      : std::string(verdict_name(result.verdict));
}
std::string judge_logged(const Records& records, std::vector<LoggedCommit> log) {
  WitnessOptions options;
  options.log = std::move(log);
  return judge(records, options);
}
LoggedCommit logged(int64_t version, std::optional<uint16_t> order, std::string id) {
  return {store::Version(version), order, std::move(id)};
}
TransactionStep add(Bytes key, char amount) {
  return AtomicStep{store::AtomicOp::kAdd, std::move(key), Bytes(1, amount)};
}
TransactionStep snapshot_read(Bytes key, std::optional<Bytes> seen) {
  return ReadStep{std::move(key), std::move(seen), store::Isolation::kSnapshot};
}
TransactionRecord marked(Mark mark, TransactionRecord record) {
  record.mark = mark;
  return record;
}

// --- histories that hold ------------------------------------------------------------------------

TEST(Witness, AcceptsTransactionsInARow) {
  EXPECT_EQ(judge({}), "holds");
  EXPECT_EQ(judge({at({0, 10}, done("T1", 0, 1, {read("x", ""), set("x", "1")})),
                   at({10, 20}, done("T2", 2, 3, {read("x", "1"), set("x", "2"), clear("y", "z")})),
                   read_at(20, done("T3", 4, 5, {read("x", "2"), read("y", "")}))}),
            "holds");
}

TEST(Witness, TellsCommitsOfOneBatchApartByTheirOrder) {
  const auto first = at({0, 10, 0}, done("T1", 0, 9, {set("x", "1")}));
  const auto second = at({0, 10, 1}, done("T2", 0, 9, {set("x", "2")}));
  EXPECT_EQ(judge({second, first, read_at(10, done("R", 10, 11, {read("x", "2")}))}), "holds");
  EXPECT_EQ(judge({second, first, read_at(10, done("R", 10, 11, {read("x", "1")}))}), "stale read");
}

TEST(Witness, AcceptsReadsOfTheTransactionsOwnWrites) {
  const Records history = {
      at({0, 10}, done("T1", 0, 1, {set("k1", "1"), set("k2", "2")})),
      at({10, 20}, done("T2", 2, 3,
                        {read("k1", "1"), set("k1", "9"), read("k1", "9"), clear("k2", "k3"),
                         range("k", "l", {{"k1", "9"}}), add("n", 5), read("n", "\x05")}))};
  EXPECT_EQ(judge(history), "holds");
  auto blind = at({10, 20}, done("T2", 2, 3, {set("k1", "9"), read("k1", "1")}));
  EXPECT_EQ(judge({history[0], blind}), "own write not seen");
  blind.own_writes = store::ReadYourWrites::kOff;
  EXPECT_EQ(judge({history[0], blind}), "holds");
}

TEST(Witness, StartsFromWhatWasThere) {
  const Records history = {read_at(5, done("R", 0, 1, {read("x", "old")}))};
  EXPECT_EQ(judge(history), "value nobody wrote");
  EXPECT_EQ(judge(history, {.initial = {{"x", "old"}}}), "holds");
}

TEST(Witness, ReadsOfAReaderAreAtItsReadVersion) {
  EXPECT_EQ(judge({at({0, 10}, done("T1", 0, 9, {set("x", "1")})),
                   at({10, 20}, done("T2", 0, 9, {set("x", "2")})),
                   read_at(9, done("R1", 0, 9, {read("x", "")})),
                   read_at(10, done("R2", 0, 9, {read("x", "1")})),
                   read_at(19, done("R3", 0, 9, {read("x", "1")})),
                   read_at(20, done("R4", 0, 9, {read("x", "2")}))}),
            "holds");
}

TEST(Witness, SnapshotReadsOfAWriterAreAtItsReadVersion) {
  const auto rival = at({0, 15}, done("T1", 0, 9, {set("x", "1")}));
  EXPECT_EQ(judge({rival, at({10, 20}, done("T2", 0, 9, {snapshot_read("x", {}), set("y", "1")}))}),
            "holds");
  EXPECT_EQ(
      judge({rival, at({10, 20}, done("T2", 0, 9, {snapshot_read("x", "1"), set("y", "1")}))}),
      "read from the future");
  EXPECT_EQ(judge({rival, at({10, 20}, done("T2", 0, 9, {read("x", ""), set("y", "1")}))}),
            "write skew");
}

TEST(Witness, AcceptsABlindWriterThatWasOvertaken) {
  EXPECT_EQ(judge({at({0, 20}, done("T1", 0, 9, {set("x", "1")})),
                   at({0, 10}, done("T2", 0, 9, {set("x", "2")})),
                   read_at(20, done("R", 10, 11, {read("x", "1")}))}),
            "holds");
}

TEST(Witness, AcceptsAnOldReadIfTheReaderChoseItsVersion) {
  const auto writer = at({0, 10}, done("W", 0, 1, {set("x", "1")}));
  auto reader = read_at(5, done("R", 2, 3, {read("x", "")}));
  EXPECT_EQ(judge({writer, reader}), "real-time violation");
  reader.freshness = Freshness::kChosen;
  EXPECT_EQ(judge({writer, reader}), "holds");
}

TEST(Witness, AcceptsRangesInBothDirectionsAndWithTheirStopSaid) {
  const auto writer =
      at({0, 10}, done("W", 0, 1, {set("k1", "1"), set("k2", "2"), set("k3", "3")}));
  RangeStep step;
  step.range = {"k", "l"};
  step.rows = {{"k1", "1"}, {"k2", "2"}};
  step.more = true;
  EXPECT_EQ(judge({writer, read_at(10, done("R", 2, 3, {step}))}), "holds");
  step.order = store::Order::kReverse;
  step.rows = {{"k3", "3"}, {"k2", "2"}};
  EXPECT_EQ(judge({writer, read_at(10, done("R", 2, 3, {step}))}), "holds");
  step.more = false;
  EXPECT_EQ(judge({writer, read_at(10, done("R", 2, 3, {step}))}), "truncated range");
  step.more = true;
  step.rows = {{"k3", "3"}, {"k1", "1"}};
  EXPECT_EQ(judge({writer, read_at(10, done("R", 2, 3, {step}))}), "truncated range");
}

TEST(Witness, AcceptsAnUndecidedTransactionThereOrNot) {
  const auto undecided = unknown(done("U", 0, 1, {read("x", ""), set("x", "u")}));
  EXPECT_EQ(judge({undecided, read_at(10, done("R", 2, 3, {read("x", "u")}))}), "holds");
  EXPECT_EQ(judge({undecided, read_at(10, done("R", 2, 3, {read("x", "")}))}), "holds");
}

TEST(Witness, AcceptsAnUndecidedTransactionThatLandedLate) {
  const auto undecided = unknown(done("U", 0, 1, {set("x", "u")}));
  EXPECT_EQ(judge({undecided, at({0, 10}, done("T", 2, 3, {set("x", "1")})),
                   read_at(10, done("R1", 4, 5, {read("x", "1")})),
                   read_at(15, done("R2", 6, 7, {read("x", "u")}))}),
            "holds");
}

TEST(Witness, AcceptsTwoUndecidedTransactionsOfWhichOneNeedsTheOther) {
  EXPECT_EQ(judge({unknown(done("U2", 0, 1, {read("x", "u1"), set("y", "u2")})),
                   unknown(done("U1", 0, 1, {set("x", "u1")})),
                   at({0, 10}, done("T", 2, 3, {set("x", "1")})),
                   read_at(10, done("R", 4, 5, {read("x", "1"), read("y", "u2")}))}),
            "holds");
}

TEST(Witness, AcceptsABatchOfWhichTheOrderIsNotKnown) {
  auto first = at({0, 10}, done("T1", 0, 9, {set("x", "1")}));
  auto second = at({0, 10}, done("T2", 0, 9, {set("x", "2")}));
  first.order.reset();
  second.order.reset();
  EXPECT_EQ(judge({first, second, read_at(10, done("R", 10, 11, {read("x", "1")}))}), "holds");
  EXPECT_EQ(judge({first, second, read_at(10, done("R", 10, 11, {read("x", "2")}))}), "holds");
  EXPECT_EQ(judge({first, second, read_at(10, done("R", 10, 11, {read("x", "")}))}), "stale read");
}

TEST(Witness, TakesAnUndecidedTransactionFromTheLog) {
  const auto undecided = unknown(done("U", 0, 1, {set("x", "u")}));
  const auto seen = read_at(20, done("R", 4, 5, {read("x", "u")}));
  const auto not_seen = read_at(20, done("R", 4, 5, {read("x", "")}));
  EXPECT_EQ(judge_logged({undecided, seen}, {logged(20, 0, "U")}), "holds");
  EXPECT_EQ(judge_logged({undecided, not_seen}, {logged(20, 0, "U")}), "stale read");
  EXPECT_EQ(judge_logged({undecided, seen}, {}), "dirty read");
  EXPECT_EQ(judge_logged({undecided, not_seen}, {}), "holds");
}

TEST(Witness, TakesTheFateOfAnUndecidedTransactionFromItsMark) {
  const auto undecided = unknown(done("U", 0, 1, {set("x", "u")}));
  const auto seen = read_at(20, done("R", 4, 5, {read("x", "u")}));
  const auto old = at({0, 10}, done("T", 2, 3, {read("x", ""), set("y", "1")}));
  EXPECT_EQ(judge({marked(Mark::kFound, undecided), old, seen}), "holds");
  EXPECT_EQ(judge({marked(Mark::kNotFound, undecided), old, seen}), "dirty read");
  const WitnessOptions empty = {.contents = std::map<Bytes, Bytes>{{"y", "1"}}};
  EXPECT_EQ(judge({marked(Mark::kNotFound, undecided), old}, empty), "holds");
  EXPECT_EQ(judge({undecided, old}, empty), "holds");
  EXPECT_EQ(judge({marked(Mark::kFound, undecided), old}, empty), "wrong contents");
}

TEST(Witness, ComparesTheContentsAtTheEnd) {
  const Records history = {at({0, 10}, done("T", 0, 1, {set("x", "1"), clear("y", "z")}))};
  const auto with = [](std::map<Bytes, Bytes> contents) {
    return WitnessOptions{.initial = {{"y", "0"}}, .contents = std::move(contents)};
  };
  EXPECT_EQ(judge(history, with({{"x", "1"}})), "holds");
  EXPECT_EQ(judge(history, with({})), "wrong contents");
  EXPECT_EQ(judge(history, with({{"x", "1"}, {"y", "0"}})), "wrong contents");
  EXPECT_EQ(judge(history, with({{"x", "1"}, {"z", "ghost"}})), "wrong contents");
}

// --- and such that do not
// -------------------------------------------------------------------------

TEST(Witness, FindsALostUpdate) {
  EXPECT_EQ(judge({at({0, 10}, done("T1", 0, 9, {read("x", ""), set("x", "1")})),
                   at({0, 20}, done("T2", 0, 9, {read("x", ""), set("x", "2")}))}),
            "lost update");
}

TEST(Witness, FindsWriteSkew) {
  EXPECT_EQ(judge({at({0, 10}, done("T1", 0, 9, {read("x", ""), read("y", ""), set("x", "1")})),
                   at({0, 20}, done("T2", 0, 9, {read("x", ""), read("y", ""), set("y", "1")}))}),
            "write skew");
  // Commits of one batch do not see each other either.
  EXPECT_EQ(judge({at({0, 10, 0}, done("T1", 0, 9, {read("y", ""), set("x", "1")})),
                   at({0, 10, 1}, done("T2", 0, 9, {read("x", ""), set("y", "1")}))}),
            "write skew");
}

TEST(Witness, FindsAPhantom) {
  EXPECT_EQ(judge({at({0, 10}, done("T1", 0, 9, {range("k", "l", {}), set("k1", "1")})),
                   at({0, 20}, done("T2", 0, 9, {range("k", "l", {}), set("m", "2")}))}),
            "phantom");
}

TEST(Witness, FindsATruncatedRange) {
  EXPECT_EQ(judge({at({0, 10}, done("W", 0, 1, {set("k1", "1"), set("k2", "2")})),
                   read_at(10, done("R", 2, 3, {range("k", "l", {{"k1", "1"}})}))}),
            "truncated range");
}

TEST(Witness, FindsARowThatWasClearedOrNeverThere) {
  EXPECT_EQ(judge({at({0, 10}, done("W", 0, 1, {set("k1", "1")})),
                   at({10, 20}, done("C", 2, 3, {clear("k", "l")})),
                   read_at(20, done("R", 4, 5, {range("k", "l", {{"k1", "1"}})}))}),
            "stale read");
  EXPECT_EQ(judge({read_at(20, done("R", 4, 5, {range("k", "l", {{"k1", "1"}})}))}),
            "value nobody wrote");
}

TEST(Witness, FindsReadsOfWhatNeverCommitted) {
  const auto reader = read_at(10, done("R", 2, 3, {read("x", "f")}));
  EXPECT_EQ(judge({failed(done("F", 0, 1, {set("x", "f")})), reader}), "aborted read");
  EXPECT_EQ(judge({at({0, 10}, done("T", 0, 1, {set("x", "f"), set("x", "1")})), reader}),
            "intermediate read");
}

TEST(Witness, FindsAReadFromTheFuture) {
  EXPECT_EQ(judge({at({0, 20}, done("W", 0, 9, {set("x", "1")})),
                   read_at(10, done("R", 0, 9, {read("x", "1")}))}),
            "read from the future");
}

TEST(Witness, FindsReadsThatGoBackwards) {
  const auto undecided = unknown(done("U", 0, 1, {set("x", "u")}));
  EXPECT_EQ(judge({undecided, read_at(10, done("R1", 2, 3, {read("x", "u")})),
                   read_at(20, done("R2", 4, 5, {read("x", "")}))}),
            "stale read");
  EXPECT_EQ(judge({undecided, read_at(10, done("R1", 2, 3, {read("x", "u")})),
                   read_at(10, done("R2", 4, 5, {read("x", "")}))}),
            "stale read");
}

TEST(Witness, ReadsOfOneVersionSeeOneState) {
  const auto undecided = unknown(done("U", 0, 1, {set("x", "u")}));
  const auto without = done("R1", 2, 3, {read("x", "")});
  const auto with = done("R2", 4, 5, {read("x", "u")});
  EXPECT_EQ(judge({undecided, read_at(10, without), read_at(11, with)}), "holds");
  EXPECT_NE(judge({undecided, read_at(10, without), read_at(10, with)}), "holds");
}

TEST(Witness, FindsADuplicatedEffect) {
  EXPECT_EQ(judge({at({0, 10}, done("T", 0, 1, {add("n", 5)})),
                   read_at(10, done("R", 2, 3, {read("n", "\x0a")}))}),
            "value nobody wrote");
  EXPECT_EQ(judge({unknown(done("U", 0, 1, {AppendStep{"l", "e"}})),
                   read_at(10, done("R", 2, 3, {read("l", "e,e,")}))}),
            "value nobody wrote");
  EXPECT_EQ(judge_logged({unknown(done("U", 0, 1, {add("n", 5)}))},
                         {logged(10, 0, "U"), logged(20, 0, "U")}),
            "duplicated effect");
}

TEST(Witness, FindsALostAcknowledgedWrite) {
  const auto writer = at({0, 10}, done("W", 0, 1, {set("x", "1")}));
  EXPECT_EQ(judge({writer, read_at(10, done("R", 2, 3, {read("x", "")}))}), "stale read");
  EXPECT_EQ(judge_logged({writer}, {}), "lost acknowledged transaction");
  EXPECT_EQ(judge_logged({writer}, {logged(10, 0, "W")}), "holds");
}

TEST(Witness, FindsALogThatContradictsTheAnswers) {
  const auto writer = at({0, 10}, done("W", 0, 1, {set("x", "1")}));
  EXPECT_EQ(judge_logged({writer}, {logged(11, 0, "W")}), "wrong commit version");
  EXPECT_EQ(judge_logged({failed(writer)}, {logged(10, 0, "W")}), "effect of a failed transaction");
}

TEST(Witness, FindsAnOrderAgainstRealTime) {
  EXPECT_EQ(judge({at({0, 20}, done("T1", 0, 1, {set("x", "1")})),
                   at({0, 10}, done("T2", 2, 3, {set("y", "1")}))}),
            "real-time violation");
  EXPECT_EQ(judge({at({0, 10, 0}, done("T1", 0, 1, {set("x", "1")})),
                   at({0, 10, 1}, done("T2", 2, 3, {set("y", "1")}))}),
            "real-time violation");
  EXPECT_EQ(judge({read_at(20, done("R", 0, 1, {read("x", "")})),
                   at({5, 15}, done("T", 2, 3, {set("x", "1")}))}),
            "real-time violation");
  auto blind = at({0, 10}, done("T2", 2, 3, {set("y", "1")}));
  blind.read_version.reset();
  EXPECT_EQ(judge({at({0, 20}, done("T1", 0, 1, {set("x", "1")})), blind}), "real-time violation");
  // Its snapshot may be old only if it chose so.
  EXPECT_EQ(judge({at({0, 10}, done("T1", 0, 1, {set("x", "1")})),
                   at({5, 15}, done("T2", 2, 3, {set("y", "1")}))}),
            "real-time violation");
}

TEST(Witness, FindsAnUndecidedEffectFromBeforeItsCall) {
  const auto early = at({0, 10}, done("T1", 0, 1, {read("x", "u"), set("y", "1")}));
  EXPECT_EQ(judge({early, unknown(done("U", 2, 3, {set("x", "u")}))}), "dirty read");
  EXPECT_EQ(judge({early, unknown(done("U", 1, 3, {set("x", "u")}))}), "holds");
}

TEST(Witness, FindsAnUndecidedTransactionOfWhichTheReadsFitNowhere) {
  const auto undecided = unknown(done("U", 0, 1, {read("x", "ghost"), set("y", "u")}));
  EXPECT_EQ(judge({undecided, read_at(10, done("R", 2, 3, {read("y", "u")}))}), "dirty read");
  EXPECT_EQ(judge({undecided, read_at(10, done("R", 2, 3, {read("y", "")}))}), "holds");
  EXPECT_EQ(judge({marked(Mark::kFound, undecided)}), "value nobody wrote");
}

TEST(Witness, FindsPlacesThatCannotBe) {
  EXPECT_EQ(judge({at({10, 10}, done("T", 0, 1, {set("x", "1")}))}),
            "commit not after its read version");
  EXPECT_EQ(judge({at({0, 10, 3}, done("T1", 0, 9, {set("x", "1")})),
                   at({0, 10, 3}, done("T2", 0, 9, {set("y", "1")}))}),
            "two transactions at one place");
}

TEST(Witness, NamesBothTransactionsTheKeyAndBothValues) {
  const CheckResult result =
      check_witness({at({0, 10}, done("T1", 0, 9, {read("x", ""), set("x", "1")})),
                     at({0, 20, 2}, done("T2", 0, 9, {read("x", ""), set("x", "2")}))});
  EXPECT_EQ(
      result.explanation,
      "T2 read and committed at version 20 order 2: \"x\": expected \"1\", written by T1; saw "
      "absent, so from the start\n"
      "  T2 of client of T2 called 0.000000000 returned 0.000000009 ok read-version 0 "
      "commit-version 20 order 2: read \"x\" = absent; set \"x\" \"2\"\n"
      "  T1 of client of T1 called 0.000000000 returned 0.000000009 ok read-version 0 "
      "commit-version 10 order 0: read \"x\" = absent; set \"x\" \"1\"");
}

TEST(Witness, FindsWhatIsWrongBesidesTheUndecidedWithoutASearch) {
  Records history = {at({0, 10}, done("T", 0, 1, {set("x", "1")})),
                     read_at(10, done("R", 2, 3, {read("x", "")}))};
  for (int i = 0; i < 30; ++i) {
    history.push_back(unknown(done("U" + std::to_string(i), 0, 1, {set("y", std::to_string(i))})));
  }
  const CheckResult result = check_witness(history);
  EXPECT_EQ(result.anomaly, "stale read");
  EXPECT_EQ(result.states, 0);
}

TEST(Witness, IsUndecidedWhenTheBudgetIsSpent) {
  Records history;
  for (int i = 0; i < 12; ++i) {
    history.push_back(unknown(done("U" + std::to_string(i), 0, 1, {set("y", std::to_string(i))})));
  }
  history.push_back(read_at(10, done("R", 2, 3, {read("y", "ghost")})));
  WitnessOptions options;
  options.states_max = 1'000;
  EXPECT_EQ(judge(history, options), "undecided");
}

TEST(Witness, RefusesMalformedHistories) {
  const auto writer = done("T", 0, 1, {set("x", "1")});
  EXPECT_EQ(judge({writer}), "malformed");
  EXPECT_EQ(judge({at({0, -1}, writer)}), "malformed");
  EXPECT_EQ(judge({done("R", 0, 1, {read("x", "")})}), "malformed");
  EXPECT_EQ(judge({at({0, 1}, writer), at({0, 2}, writer)}), "malformed");
  EXPECT_EQ(judge_logged({at({0, 10}, writer)}, {logged(10, 0, "other")}), "malformed");
  EXPECT_EQ(judge_logged({at({0, 10}, writer)}, {logged(-1, 0, "T")}), "malformed");
  EXPECT_EQ(judge({at({0, 1}, done("T", 5, 4, {set("x", "1")}))}), "malformed");
  EXPECT_EQ(judge({at({0, 1}, done("T", 0, 1, {clear("b", "a")}))}), "malformed");
}

}  // namespace
}  // namespace kelpie::sim
