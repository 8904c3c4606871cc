#include "sim/check/list_append.h"

#include <gtest/gtest.h>

#include "sim/check/testing/records.h"

namespace kelpie::sim {
namespace {

using namespace check_testing;  // NOLINT

// The anomaly's name, or "holds".
std::string judge(const Records& records, Demand demand = Demand::kStrict) {
  const CheckResult result = check_list_append(records, {demand});
  return result.verdict == HistoryVerdict::kHolds ? "holds" : result.anomaly;
}

// --- histories that hold ------------------------------------------------------------------------

TEST(ListAppend, AcceptsTransactionsInARow) {
  EXPECT_EQ(judge({}), "holds");
  EXPECT_EQ(judge({done("T1", 0, 1, {read("x", ""), append("x", "1")}),
                   done("T2", 2, 3, {read("x", "1,"), append("x", "2"), append("y", "2")}),
                   done("T3", 4, 5, {read("x", "1,2,"), read("y", "2,")})}),
            "holds");
}

TEST(ListAppend, AcceptsEitherOrderOfWhatOverlaps) {
  const auto first = done("T1", 0, 9, {append("x", "1")});
  const auto second = done("T2", 1, 8, {append("x", "2")});
  EXPECT_EQ(judge({first, second, done("T3", 10, 11, {read("x", "1,2,")})}), "holds");
  EXPECT_EQ(judge({first, second, done("T3", 10, 11, {read("x", "2,1,")})}), "holds");
}

TEST(ListAppend, AcceptsReadsOfWhatTheTransactionItselfAppended) {
  EXPECT_EQ(judge({done("T1", 0, 1,
                        {read("x", ""), append("x", "1"), read("x", "1,"), append("x", "2"),
                         read("x", "1,2,")}),
                   done("T2", 2, 3, {append("x", "3"), read("x", "1,2,3,")})}),
            "holds");
}

TEST(ListAppend, AcceptsReadsThatLeaveOutTheTransactionsOwnAppendsIfToldSo) {
  auto blind = done("T1", 0, 1, {append("x", "1"), read("x", "")});
  EXPECT_EQ(judge({blind}), "inconsistent reads in one transaction");
  blind.own_writes = store::ReadYourWrites::kOff;
  EXPECT_EQ(judge({blind}), "holds");
}

TEST(ListAppend, AcceptsAnUndecidedAppendThatLandedLateOrNever) {
  const auto undecided = unknown(done("U", 0, 0, {append("x", "u")}));
  EXPECT_EQ(judge({undecided, done("T1", 1, 2, {append("x", "1")}),
                   done("T2", 3, 4, {read("x", "1,")}), done("T3", 5, 6, {read("x", "1,u,")})}),
            "holds");
  EXPECT_EQ(
      judge({undecided, done("T1", 1, 2, {append("x", "1")}), done("T2", 3, 4, {read("x", "1,")})}),
      "holds");
}

TEST(ListAppend, AcceptsAFailedTransactionThatLeftNothing) {
  EXPECT_EQ(judge({failed(done("F", 0, 1, {append("x", "f")})), done("T", 2, 3, {read("x", "")})}),
            "holds");
}

TEST(ListAppend, AcceptsAReaderBesideAWriter) {
  const auto writer = done("W", 0, 9, {append("x", "1"), append("y", "1")});
  EXPECT_EQ(judge({writer, done("R", 1, 2, {read("x", ""), read("y", "")})}), "holds");
  EXPECT_EQ(judge({writer, done("R", 1, 2, {read("x", "1,"), read("y", "1,")})}), "holds");
}

TEST(ListAppend, AcceptsARangeThatShowsWhatIsThere) {
  EXPECT_EQ(judge({done("T1", 0, 1, {append("k1", "1"), append("k2", "2")}),
                   done("T2", 2, 3, {range("k", "l", {{"k1", "1,"}, {"k2", "2,"}})}),
                   done("T3", 4, 5, {range("k2", "l", {{"k2", "2,"}})}),
                   done("T4", 6, 7, {append("k3", "3")})}),
            "holds");
}

TEST(ListAppend, AcceptsARangeThatStoppedEarlyAndSaysSo) {
  RangeStep step;
  step.range = {"k", "l"};
  step.more = true;
  step.rows = {{"k1", "1,"}};
  const auto writer = done("T1", 0, 1, {append("k1", "1"), append("k2", "2")});
  EXPECT_EQ(judge({writer, done("T2", 2, 3, {step})}), "holds");
  step.order = store::Order::kReverse;
  EXPECT_EQ(judge({writer, done("T2", 2, 3, {step})}), "lost append");
  step.rows = {{"k2", "2,"}};
  EXPECT_EQ(judge({writer, done("T2", 2, 3, {step})}), "holds");
}

TEST(ListAppend, AcceptsAnOldReadIfTheReaderChoseItsVersion) {
  const auto writer = done("W", 0, 1, {append("x", "1")});
  auto reader = done("R", 2, 3, {read("x", "")});
  EXPECT_EQ(judge({writer, reader}), "lost append");
  reader.freshness = Freshness::kChosen;
  EXPECT_EQ(judge({writer, reader}), "holds");
}

TEST(ListAppend, AcceptsASnapshotReadThatTheCommitOutran) {
  const auto rival = done("T1", 1, 2, {append("x", "1")});
  const auto last = done("T3", 10, 11, {read("x", "1,2,")});
  ReadStep old = {"x", std::nullopt, store::Isolation::kSerializable};
  EXPECT_EQ(judge({rival, done("T2", 0, 9, {old, append("x", "2")}), last}), "G-single");
  old.isolation = store::Isolation::kSnapshot;
  EXPECT_EQ(judge({rival, done("T2", 0, 9, {old, append("x", "2")}), last}), "holds");
}

TEST(ListAppend, AcceptsWhatOnlyRealTimeForbidsIfOnlyAnOrderIsDemanded) {
  const Records history = {done("W", 0, 1, {append("x", "1")}), done("R", 2, 3, {read("x", "")})};
  EXPECT_EQ(judge(history, Demand::kSerializable), "holds");
  EXPECT_EQ(judge(history, Demand::kSession), "holds");
  EXPECT_EQ(judge(history, Demand::kStrict), "lost append");
}

// --- and such that do not
// -------------------------------------------------------------------------

TEST(ListAppend, FindsALostAcknowledgedAppend) {
  EXPECT_EQ(judge({done("T1", 0, 1, {append("x", "1")}), done("T2", 2, 3, {append("x", "2")}),
                   done("T3", 4, 5, {read("x", "2,")})}),
            "lost append");
}

TEST(ListAppend, FindsAStaleRead) {
  EXPECT_EQ(judge({done("T1", 0, 1, {append("x", "1")}), done("T2", 2, 3, {read("x", "")}),
                   done("T3", 4, 5, {read("x", "1,")})}),
            "stale read");
}

TEST(ListAppend, FindsADuplicatedEffect) {
  EXPECT_EQ(judge({done("T1", 0, 1, {append("x", "1")}), done("T2", 2, 3, {read("x", "1,1,")})}),
            "duplicate element");
  EXPECT_EQ(judge({unknown(done("T1", 0, 1, {append("x", "1")})),
                   done("T", 2, 3, {read("x", "1,")}), done("T2", 2, 3, {read("x", "1,1,")})}),
            "duplicate element");
}

TEST(ListAppend, FindsAnElementThatNobodyAppended) {
  EXPECT_EQ(judge({done("T", 0, 1, {read("x", "ghost,")})}), "unknown element");
}

TEST(ListAppend, FindsBytesThatAreNoList) {
  EXPECT_EQ(judge({done("T1", 0, 1, {append("x", "12")}), done("T2", 2, 3, {read("x", "1")})}),
            "not a list");
  EXPECT_EQ(judge({done("T2", 2, 3, {read("x", ",")})}), "not a list");
}

TEST(ListAppend, FindsAnAbortedRead) {
  EXPECT_EQ(
      judge({failed(done("F", 0, 1, {append("x", "f")})), done("T", 2, 3, {read("x", "f,")})}),
      "aborted read (G1a)");
}

TEST(ListAppend, FindsAnIntermediateRead) {
  EXPECT_EQ(judge({done("W", 0, 9, {append("x", "1"), append("x", "2")}),
                   done("R", 1, 2, {read("x", "1,")}), done("L", 10, 11, {read("x", "1,2,")})}),
            "intermediate read (G1b)");
}

TEST(ListAppend, FindsATornTransaction) {
  const auto writer = done("W", 0, 9, {append("x", "1"), append("x", "2"), append("x", "3")});
  EXPECT_EQ(judge({writer, done("R", 1, 2, {read("x", "1,3,")})}), "torn transaction");
  EXPECT_EQ(judge({writer, done("R", 1, 2, {read("x", "2,1,3,")})}), "torn transaction");
}

TEST(ListAppend, FindsListsThatDoNotAgree) {
  EXPECT_EQ(judge({done("T1", 0, 9, {append("x", "1")}), done("T2", 0, 9, {append("x", "2")}),
                   done("T3", 0, 9, {read("x", "1,2,")}), done("T4", 0, 9, {read("x", "2,1,")})}),
            "incompatible orders");
}

TEST(ListAppend, FindsATransactionThatSeesTwoStates) {
  EXPECT_EQ(judge({done("T1", 0, 9, {append("x", "1")}),
                   done("T2", 0, 9, {read("x", ""), read("x", "1,")})}),
            "inconsistent reads in one transaction");
}

TEST(ListAppend, FindsWritesInterleaved) {
  EXPECT_EQ(judge({done("T1", 0, 9, {append("x", "1"), append("y", "1")}),
                   done("T2", 0, 9, {append("x", "2"), append("y", "2")}),
                   done("T3", 10, 11, {read("x", "1,2,"), read("y", "2,1,")})}),
            "G0");
  EXPECT_EQ(
      judge({done("T1", 0, 9, {append("x", "1"), append("x", "3")}),
             done("T2", 0, 9, {append("x", "2")}), done("T3", 10, 11, {read("x", "1,2,3,")})}),
      "G0");
}

TEST(ListAppend, FindsTransactionsThatSawEachOther) {
  EXPECT_EQ(judge({done("T1", 0, 9, {append("x", "1"), read("y", "2,")}),
                   done("T2", 0, 9, {append("y", "2"), read("x", "1,")})}),
            "G1c");
}

TEST(ListAppend, FindsALostUpdate) {
  EXPECT_EQ(judge({done("T1", 0, 9, {read("x", ""), append("x", "1")}),
                   done("T2", 0, 9, {read("x", ""), append("x", "2")}),
                   done("T3", 10, 11, {read("x", "1,2,")})}),
            "G-single");
}

TEST(ListAppend, FindsAReadOfHalfATransaction) {
  EXPECT_EQ(judge({done("W", 0, 9, {append("x", "1"), append("y", "1")}),
                   done("R", 1, 2, {read("x", "1,"), read("y", "")})}),
            "G-single");
}

TEST(ListAppend, FindsWriteSkew) {
  EXPECT_EQ(judge({done("T1", 0, 9, {read("x", ""), read("y", ""), append("x", "1")}),
                   done("T2", 0, 9, {read("x", ""), read("y", ""), append("y", "2")})}),
            "G2-item");
}

TEST(ListAppend, FindsAPhantom) {
  EXPECT_EQ(judge({done("T1", 0, 9, {range("k", "l", {}), append("k1", "1")}),
                   done("T2", 0, 9, {range("k", "l", {}), append("k2", "2")})}),
            "G2-item");
}

TEST(ListAppend, FindsATruncatedRange) {
  EXPECT_EQ(judge({done("T1", 0, 9, {append("k1", "1"), append("k2", "2")}),
                   done("T2", 0, 9, {range("k", "l", {{"k1", "1,"}})})}),
            "G-single");
}

TEST(ListAppend, FindsReadsThatGoBackwards) {
  const auto undecided = unknown(done("U", 0, 0, {append("x", "u")}));
  EXPECT_EQ(judge({undecided, by("c", done("R1", 1, 2, {read("x", "u,")})),
                   by("c", done("R2", 2, 3, {read("x", "")}))}),
            "client order violation (G-single)");
  EXPECT_EQ(
      judge({undecided, done("R1", 1, 2, {read("x", "u,")}), done("R2", 3, 4, {read("x", "")})}),
      "real-time violation (G-single)");
}

TEST(ListAppend, FindsAnOrderAgainstRealTime) {
  EXPECT_EQ(judge({done("T1", 0, 1, {append("x", "1")}), done("T2", 2, 3, {append("x", "2")}),
                   done("T3", 4, 5, {read("x", "2,1,")})}),
            "real-time violation (G0)");
}

TEST(ListAppend, FindsAnEffectFromBeforeItsCall) {
  EXPECT_EQ(
      judge({done("R", 0, 1, {read("x", "u,")}), unknown(done("U", 2, 3, {append("x", "u")}))}),
      "real-time violation (G1c)");
}

TEST(ListAppend, FindsReadersThatSawTwoWritesInDifferentOrders) {
  EXPECT_EQ(judge({done("W1", 0, 9, {append("x", "1")}), done("W2", 0, 9, {append("y", "2")}),
                   done("R1", 1, 2, {read("x", "1,"), read("y", "")}),
                   done("R2", 1, 2, {read("x", ""), read("y", "2,")})}),
            "G2-item");
}

TEST(ListAppend, CountsTheReadsOfAnUndecidedTransactionThatWasSeen) {
  // U's element was read, so U committed, so what U read must have been there.
  const auto undecided = unknown(done("U", 0, 0, {read("y", "f,"), append("x", "u")}));
  const auto aborted = failed(done("F", 0, 1, {append("y", "f")}));
  EXPECT_EQ(judge({aborted, undecided, done("R", 5, 6, {read("x", "u,")})}), "aborted read (G1a)");
  EXPECT_EQ(judge({aborted, undecided, done("R", 5, 6, {read("x", "")})}), "holds");
}

TEST(ListAppend, FindsAClientThatDoesNotSeeItsOwnWrite) {
  const Records history = {by("c", done("T1", 0, 1, {append("x", "1")})),
                           by("c", done("T2", 1, 2, {read("x", "")})),
                           done("T3", 0, 9, {read("x", "1,")})};
  EXPECT_EQ(judge(history, Demand::kSerializable), "holds");
  EXPECT_EQ(judge(history, Demand::kSession), "client order violation (G-single)");
}

TEST(ListAppend, ExplainsTheCycleEdgeByEdge) {
  const CheckResult result =
      check_list_append({done("T1", 0, 9, {read("x", ""), append("y", "1")}),
                         done("T2", 0, 9, {read("y", ""), append("x", "2")})});
  EXPECT_EQ(result.verdict, HistoryVerdict::kViolation);
  EXPECT_EQ(result.explanation,
            "T1 -rw-> T2 -rw-> T1\n"
            "  T1 before T2 (rw): T1 saw \"x\" empty and without \"2\" of T2\n"
            "  T2 before T1 (rw): T2 saw \"y\" empty and without \"1\" of T1\n"
            "  T1 of client of T1 called 0.000000000 returned 0.000000009 ok: read \"x\" = absent; "
            "append \"y\" \"1\"\n"
            "  T2 of client of T2 called 0.000000000 returned 0.000000009 ok: read \"y\" = absent; "
            "append \"x\" \"2\"");
}

TEST(ListAppend, RefusesMalformedHistories) {
  const std::string bad = "malformed history";
  const auto good = done("T", 0, 1, {append("x", "1")});
  EXPECT_EQ(judge({good, good}), bad);
  EXPECT_EQ(judge({done("", 0, 1, {})}), bad);
  EXPECT_EQ(judge({done("T", 1, 0, {})}), bad);
  EXPECT_EQ(judge({done("T", 0, kNever, {})}), bad);
  EXPECT_EQ(judge({good, done("T2", 0, 1, {append("x", "1")})}), bad);
  EXPECT_EQ(judge({done("T", 0, 1, {append("x", "")})}), bad);
  EXPECT_EQ(judge({done("T", 0, 1, {append("x", "a,b")})}), bad);
  EXPECT_EQ(judge({done("T", 0, 1, {SetStep{"x", "1,"}})}), bad);
  EXPECT_EQ(judge({done("T", 0, 1, {AtomicStep{}})}), bad);
  EXPECT_EQ(judge({done("T", 0, 1, {ClearStep{{"a", "b"}}})}), bad);
  EXPECT_EQ(judge({done("T", 0, 1, {range("b", "a", {})})}), bad);
  EXPECT_EQ(judge({done("T", 0, 1, {range("a", "b", {{"c", ""}})})}), bad);
  EXPECT_EQ(judge({done("T", 0, 1, {range("a", "c", {{"b", ""}, {"a", ""}})})}), bad);
  RangeStep endless;
  endless.range = {"a", "b"};
  endless.more = true;
  EXPECT_EQ(judge({done("T", 0, 1, {endless})}), bad);
}

}  // namespace
}  // namespace kelpie::sim
