// Each error of the table, with each outcome that it can have, at each place: what is done through
// `run_exactly_once` happens once, or, where an error says so, not at all.
#include "store/exactly_once.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "async/manual_loop.h"
#include "async/scope.h"
#include "store/fdb/fdb_database.h"
#include "store/fdb/testing/scripted_fdb.h"
#include "store/range_stream.h"
#include "store/testing/test_world.h"

namespace kelpie::store {
namespace {

using testing::CommitFault;
using testing::Fate;
using testing::ScriptedFdb;

constexpr int kTurns = 3;  // of each client

// A blind turn reads nothing: nothing but the guard stands in the way of a late one.
enum class Style : uint8_t { kBlind, kReads };

struct Scenario {
  Style style = Style::kBlind;
  int clients = 1;
  std::vector<std::pair<int, CommitFault>> commits;
  std::vector<std::pair<int, FdbErrorCode>> reads;
};

struct Outcome {
  int ok = 0;
  int undecided = 0;          // `unknown`
  std::vector<Code> refused;  // every other error
  // What the database shows afterwards.
  int64_t total = 0;
  int log_rows = 0;

  [[nodiscard]] bool right() const {
    return total == log_rows && ok <= total && total <= ok + undecided;
  }
};

Bytes little_endian(int64_t number) {
  Bytes bytes;
  for (int shift = 0; shift < 64; shift += 8) {
    bytes += static_cast<char>(static_cast<uint64_t>(number) >> shift);
  }
  return bytes;
}

int64_t number_in(const std::optional<Bytes>& bytes) {
  int64_t number = 0;
  for (size_t i = 0; bytes && i < bytes->size(); ++i) {
    number |= static_cast<int64_t>(static_cast<unsigned char>((*bytes)[i])) << (8 * i);
  }
  return number;
}

// The effect: one more in the total, one more row in the log.
Task<void> turn(Transaction& transaction, Style style) {
  if (style == Style::kBlind) {
    transaction.atomic(AtomicOp::kAdd, "total", little_endian(1));
  } else {
    const std::optional<Bytes> before = co_await transaction.get("total");
    transaction.set("total", little_endian(number_in(before) + 1));
  }
  transaction.set_versionstamped_key("log/" + Bytes(Versionstamp::kBytes, '\0'), 4, "");
  co_return kOk;
}

Task<void> client(World& world, Database& database, Bytes head, Style style, Outcome& outcome) {
  for (int i = 0; i < kTurns; ++i) {
    const auto body = [style](Transaction& transaction) { return turn(transaction, style); };
    const Result<void> done =
        co_await run_exactly_once(world, database, world.rng, head, body).result();
    if (done.ok()) {
      ++outcome.ok;
    } else if (done.error().code == Code::kUnknown) {
      ++outcome.undecided;
      co_return kOk;  // its head is undecided: it may not go on
    } else {
      outcome.refused.push_back(done.error().code);
    }
  }
  co_return kOk;
}

Task<void> look(Database& database, Outcome& outcome) {
  const auto reader = database.begin();
  outcome.total = number_in(co_await reader->get("total"));
  RangeStream log(*reader, {.range = KeyRange::prefix("log/")});
  while (co_await log.next()) {
    ++outcome.log_rows;
  }
  co_return kOk;
}

Outcome play(const Scenario& scenario, const std::set<std::string>& mutants = {}) {
  async::ManualLoop loop;
  testing::TestWorld test(loop);
  test.faults.planted = mutants;
  // Through the loop, so that several clients interleave.
  ScriptedFdb fdb([&loop](ScriptedFdb::Answer answer) { loop.post(std::move(answer)); });
  Outcome outcome;
  {
    FdbDatabase database(loop, fdb.connection());
    for (const auto& [nth, fault] : scenario.commits) {
      fdb.fail_commit(nth, fault);
    }
    for (const auto& [nth, code] : scenario.reads) {
      fdb.fail_read(nth, code);
    }
    Scope scope(loop, {});
    for (int i = 0; i < scenario.clients; ++i) {
      scope.spawn(
          client(test.world, database, "head" + std::to_string(i), scenario.style, outcome));
    }
    CHECK(loop.run(scope.drain()).ok());
    fdb.fail_no_more();
    fdb.land_late_commits();
    CHECK(loop.run(look(database, outcome)).ok());
  }
  loop.run();
  CHECK(fdb.counts().broken_commits == 0);
  CHECK(fdb.counts().futures_made == fdb.counts().futures_destroyed);
  return outcome;
}

constexpr FdbErrorCode kHarmless[] = {1007, 1009, 1020, 1037, 1038, 1042, 1051, 1078, 1213, 1223};
constexpr FdbErrorCode kCallersFault[] = {2101, 2102, 2103};
// Undecided, and no longer in flight when it is told.
constexpr FdbErrorCode kDecidedSoon[] = {1021};
// Undecided, and it may still land.
constexpr FdbErrorCode kMayLandLater[] = {1025, 1031, 1039, 1101, 1030};

std::vector<CommitFault> faults_of_commits() {
  std::vector<CommitFault> faults;
  for (const FdbErrorCode code : kHarmless) {
    faults.push_back({.code = code});
  }
  for (const FdbErrorCode code : kDecidedSoon) {
    faults.push_back({.code = code, .fate = Fate::kNotApplied});
    faults.push_back({.code = code, .fate = Fate::kApplied});
  }
  for (const FdbErrorCode code : kMayLandLater) {
    faults.push_back({.code = code, .fate = Fate::kNotApplied});
    faults.push_back({.code = code, .fate = Fate::kApplied});
    for (int later = 1; later <= 8; ++later) {
      for (const Fate fate : {Fate::kAppliedLater, Fate::kSentLater}) {
        faults.push_back({.code = code, .fate = fate, .operations_later = later});
      }
    }
  }
  return faults;
}

std::string describe(const Scenario& scenario) {
  std::string text = scenario.style == Style::kBlind ? "blind" : "reads";
  text += ", clients: " + std::to_string(scenario.clients);
  for (const auto& [nth, fault] : scenario.commits) {
    text += ", commit " + std::to_string(nth) + " fails with " + std::to_string(fault.code) +
            " fate " + std::to_string(static_cast<int>(fault.fate)) + " after " +
            std::to_string(fault.operations_later);
  }
  for (const auto& [nth, code] : scenario.reads) {
    text += ", read " + std::to_string(nth) + " fails with " + std::to_string(code);
  }
  return text;
}

// Calls `check` with one scenario after the other: every fault at every place, alone and twice in a
// row, which makes the settling undecided too.
template <class Check>
void for_each_commit_scenario(Check check) {
  for (const Style style : {Style::kBlind, Style::kReads}) {
    for (const int clients : {1, 2}) {
      for (const CommitFault& fault : faults_of_commits()) {
        for (int nth = 1; nth <= kTurns * clients; ++nth) {
          Scenario scenario{
              .style = style, .clients = clients, .commits = {{nth, fault}}, .reads = {}};
          check(scenario);
          scenario.commits.emplace_back(nth + 1, fault);
          check(scenario);
        }
      }
    }
  }
}

TEST(FdbExactlyOnce, HoldsForEveryFailedCommit) {
  int scenarios = 0;
  for_each_commit_scenario([&](const Scenario& scenario) {
    const Outcome outcome = play(scenario);
    EXPECT_TRUE(outcome.right()) << describe(scenario) << ": ok " << outcome.ok << ", total "
                                 << outcome.total << ", log " << outcome.log_rows;
    EXPECT_EQ(outcome.ok, kTurns * scenario.clients) << describe(scenario);
    ++scenarios;
  });
  EXPECT_GT(scenarios, 1'000);
  RecordProperty("scenarios", scenarios);
}

TEST(FdbExactlyOnce, HoldsWhereTheCallerIsToBlame) {
  for (const FdbErrorCode code : kCallersFault) {
    const Outcome outcome =
        play({.style = Style::kBlind, .clients = 1, .commits = {{2, {.code = code}}}, .reads = {}});
    EXPECT_TRUE(outcome.right());
    EXPECT_EQ(outcome.ok, kTurns - 1);
    EXPECT_EQ(outcome.refused, std::vector{Code::kInvalidArgument});
  }
}

// Reads that fail, in the body and while a commit is being settled.
TEST(FdbExactlyOnce, HoldsForEveryFailedRead) {
  const CommitFault undecided[] = {
      {.code = 1021, .fate = Fate::kApplied},
      {.code = 1031, .fate = Fate::kAppliedLater, .operations_later = 3},
  };
  for (const FdbErrorCode code : {1007, 1009, 1037, 1038, 1042, 1213, 1025, 1031, 1039, 1101}) {
    for (const Style style : {Style::kBlind, Style::kReads}) {
      for (const CommitFault& fault : undecided) {
        for (int nth = 1; nth <= 6; ++nth) {
          const Scenario scenario{.style = style,
                                  .clients = 2,
                                  .commits = {{1, fault}, {3, fault}},
                                  .reads = {{nth, code}}};
          const Outcome outcome = play(scenario);
          EXPECT_TRUE(outcome.right())
              << describe(scenario) << ": ok " << outcome.ok << ", undecided " << outcome.undecided
              << ", total " << outcome.total;
        }
      }
    }
  }
}

int wrong_outcomes(const std::string& mutant) {
  int wrong = 0;
  for_each_commit_scenario(
      [&](const Scenario& scenario) { wrong += play(scenario, {mutant}).right() ? 0 : 1; });
  return wrong;
}

// The checks above must be able to fail.
TEST(FdbExactlyOnce, FindsABlindRetryOfAnUndecidedCommit) { EXPECT_GT(wrong_outcomes("M9"), 0); }

TEST(FdbExactlyOnce, FindsSettlingByRewritingTheHead) { EXPECT_GT(wrong_outcomes("M34"), 0); }

}  // namespace
}  // namespace kelpie::store
