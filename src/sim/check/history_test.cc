#include "sim/check/history.h"

#include <gtest/gtest.h>

#include "sim/check/linearizable.h"
#include "sim/check/list_append.h"
#include "sim/check/testing/records.h"
#include "sim/check/witness.h"
#include "world/rng.h"

namespace kelpie::sim {
namespace {

using namespace check_testing;  // NOLINT

TEST(CheckHistory, ATransactionReadsAsOneLine) {
  RangeStep backwards;
  backwards.range = {"k", "l"};
  backwards.rows = {{"k2", "2"}, {"k1", "1"}};
  backwards.more = true;
  backwards.order = store::Order::kReverse;
  backwards.isolation = store::Isolation::kSnapshot;
  auto record = at({7, 9, 3}, done("T1", 1, 1'500'000'002,
                                   {read("x", ""), backwards, set("x", Bytes("a\0\"", 3)),
                                    clear("a", "b"), append("l", "1")}));
  record.epoch = 4;
  EXPECT_EQ(
      record.to_string(),
      "T1 of client of T1 called 0.000000001 returned 1.500000002 ok read-version 7 "
      "commit-version 9 order 3 epoch 4: read \"x\" = absent; range [\"k\", \"l\") backwards = "
      "{\"k2\": \"2\", \"k1\": \"1\", more} (snapshot); set \"x\" \"a\\x00\\\"\"; clear "
      "[\"a\", \"b\"); append \"l\" \"1\"");
  EXPECT_TRUE(record.writes());
  EXPECT_FALSE(done("R", 0, 1, {read("x", ""), backwards}).writes());
}

TEST(CheckHistory, AnOperationReadsAsOneLine) {
  ObjectOp op;
  op.client = "c1";
  op.object = "actor/7";
  op.kind = ObjectOpKind::kCompareAndSet;
  op.argument = "b";
  op.fate = Fate::kOk;
  op.swap = Swap::kRefused;
  op.returned_ns = 5;
  op.epoch = 2;
  EXPECT_EQ(op.to_string(),
            "c1 compare-and-set actor/7 from absent to \"b\" refused called 0.000000000 returned "
            "0.000000005 ok epoch 2");
  op.kind = ObjectOpKind::kRead;
  op.fate = Fate::kUnknown;
  op.returned_ns = kNever;
  EXPECT_EQ(op.to_string(), "c1 read actor/7 called 0.000000000 returned never unknown epoch 2");
}

TEST(CheckHistory, LongValuesAreCutInTheMiddle) {
  const std::string shown = show_bytes(Bytes(60, 'a') + Bytes(1'000, 'b') + Bytes(60, 'c'));
  EXPECT_EQ(shown, '"' + Bytes(60, 'a') + "\" ... 1000 bytes ... \"" + Bytes(60, 'c') + '"');
  EXPECT_EQ(show_bytes(Bytes(120, 'a')), '"' + Bytes(120, 'a') + '"');
}

TEST(CheckHistory, ListsAreReadAsTheyAreWritten) {
  const std::vector<Bytes> elements = {"1", "two", Bytes("\0", 1)};
  EXPECT_EQ(decode_list(encode_list(elements)), elements);
  EXPECT_EQ(decode_list(""), std::vector<Bytes>());
  for (const ByteView bad : {"1", ",", "1,,2,", ",1,", "1,2"}) {
    EXPECT_FALSE(is_list(bad)) << bad;
    EXPECT_FALSE(decode_list(bad).has_value()) << bad;
  }
}

TEST(CheckHistory, AVerdictSaysWhatIsWrong) {
  EXPECT_EQ(CheckResult{}.to_string(), "holds");
  EXPECT_EQ((CheckResult{HistoryVerdict::kViolation, "G0", "T1 and T2", 0}.to_string()),
            "violation: G0: T1 and T2");
  EXPECT_EQ(malformed_history("no id").to_string(), "malformed: malformed history: no id");
}

// --- records that a careless recorder might write
// -------------------------------------------------

int64_t any_time(world::Rng& rng) {
  constexpr int64_t kTimes[] = {0, 1, 2, 5, 9, kNever, kNever - 1, -1, INT64_MIN};
  return kTimes[rng.below(rng.chance(1, 4) ? std::size(kTimes) : 5)];
}
Bytes any_bytes(world::Rng& rng) {
  const Bytes kBytes[] = {
      "a", "b", "1,", "1,2,", "2", "", ",", Bytes("\0\xff", 2), Bytes(300, 'z')};
  return kBytes[rng.below(std::size(kBytes))];
}
std::optional<Bytes> any_value(world::Rng& rng) {
  return rng.chance(1, 3) ? std::nullopt : std::optional(any_bytes(rng));
}
std::optional<store::Version> any_version(world::Rng& rng) {
  constexpr int64_t kVersions[] = {0, 1, 2, 3, 4, -1, INT64_MIN, INT64_MAX};
  return rng.chance(1, 5)
             ? std::nullopt
             : std::optional(store::Version(kVersions[rng.below(std::size(kVersions))]));
}
store::Isolation any_isolation(world::Rng& rng) {
  return rng.chance(1, 4) ? store::Isolation::kSnapshot : store::Isolation::kSerializable;
}

TransactionStep any_step(world::Rng& rng) {
  switch (rng.below(6)) {
    case 0:
      return ReadStep{any_bytes(rng), any_value(rng), any_isolation(rng)};
    case 1: {
      RangeStep step;
      step.range = {any_bytes(rng), any_bytes(rng)};
      for (uint64_t rows = rng.below(3); rows > 0; --rows) {
        step.rows.push_back({any_bytes(rng), any_bytes(rng)});
      }
      step.more = rng.chance(1, 3);
      step.order = rng.chance(1, 3) ? store::Order::kReverse : store::Order::kForward;
      step.isolation = any_isolation(rng);
      return step;
    }
    case 2:
      return set(any_bytes(rng), any_bytes(rng));
    case 3:
      return clear(any_bytes(rng), any_bytes(rng));
    case 4:
      return AtomicStep{static_cast<store::AtomicOp>(rng.below(10)), any_bytes(rng),
                        any_bytes(rng)};
    default:
      return append(any_bytes(rng), any_bytes(rng));
  }
}

TransactionRecord any_record(world::Rng& rng, uint64_t number) {
  TransactionRecord record;
  record.id = rng.chance(1, 30) ? "T0" : "T" + std::to_string(number);
  record.client = any_bytes(rng);
  record.called_ns = any_time(rng);
  record.returned_ns = any_time(rng);
  record.fate = static_cast<Fate>(rng.below(3));
  record.read_version = any_version(rng);
  record.commit_version = any_version(rng);
  if (rng.chance(1, 2)) {
    record.order = static_cast<uint16_t>(rng.below(3));
  }
  record.mark = static_cast<Mark>(rng.below(3));
  record.freshness = static_cast<Freshness>(rng.below(2));
  record.own_writes = static_cast<store::ReadYourWrites>(rng.below(2));
  const bool only_lists = rng.chance(1, 2);
  for (uint64_t steps = rng.below(4); steps > 0; --steps) {
    record.steps.push_back(only_lists ? append(any_bytes(rng), std::to_string(rng.below(9)))
                                      : any_step(rng));
  }
  return record;
}

ObjectOp any_operation(world::Rng& rng) {
  ObjectOp op;
  op.client = any_bytes(rng);
  op.object = any_bytes(rng);
  op.kind = static_cast<ObjectOpKind>(rng.below(5));
  op.called_ns = any_time(rng);
  op.returned_ns = any_time(rng);
  op.fate = static_cast<Fate>(rng.below(3));
  op.argument = any_bytes(rng);
  op.expected = any_value(rng);
  op.seen = any_value(rng);
  op.swap = static_cast<Swap>(rng.below(2));
  return op;
}

struct Tally {
  int judged = 0;
  int malformed = 0;
  void count(const CheckResult& result) {
    const bool refused = result.verdict == HistoryVerdict::kMalformed;
    ++(refused ? malformed : judged);
    EXPECT_EQ(result.explanation.empty(), result.verdict == HistoryVerdict::kHolds);
  }
};

TEST(CheckHistory, CarelessTransactionsGetAVerdict) {
  Tally witness;
  Tally lists;
  for (uint64_t seed = 0; seed < 20'000; ++seed) {
    world::Rng rng(seed);
    Records records;
    for (uint64_t i = rng.below(5); i > 0; --i) {
      records.push_back(any_record(rng, i));
    }
    WitnessOptions options;
    options.states_max = 2'000;
    if (rng.chance(1, 3)) {
      options.log.emplace();
      for (uint64_t i = rng.below(4); i > 0; --i) {
        options.log->push_back(
            {any_version(rng).value_or(store::kNoVersion), std::nullopt, "T" + std::to_string(i)});
      }
    }
    if (rng.chance(1, 3)) {
      options.contents.emplace();
      options.contents->emplace(any_bytes(rng), any_bytes(rng));
    }
    witness.count(check_witness(records, options));
    lists.count(check_list_append(records, {static_cast<Demand>(rng.below(3))}));
  }
  EXPECT_GT(witness.judged, 2'000);
  EXPECT_GT(witness.malformed, 2'000);
  EXPECT_GT(lists.judged, 2'000);
  EXPECT_GT(lists.malformed, 2'000);
}

TEST(CheckHistory, CarelessOperationsGetAVerdict) {
  Tally tally;
  for (uint64_t seed = 0; seed < 20'000; ++seed) {
    world::Rng rng(seed);
    std::vector<ObjectOp> operations;
    for (uint64_t i = rng.below(4); i > 0; --i) {
      operations.push_back(any_operation(rng));
    }
    tally.count(check_linearizable(operations, RegisterObject(), {.states_max = 1'000}));
    tally.count(check_linearizable(operations, CounterObject(), {.states_max = 1'000}));
    tally.count(check_linearizable(operations, AppendListObject(), {.states_max = 1'000}));
  }
  EXPECT_GT(tally.judged, 2'000);
  EXPECT_GT(tally.malformed, 2'000);
}

}  // namespace
}  // namespace kelpie::sim
