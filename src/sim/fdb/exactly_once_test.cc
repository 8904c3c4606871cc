// Several nodes count together through `run_exactly_once` while everything that a FoundationDB
// cluster does to its clients happens to them: what is done once is done once.
#include "store/exactly_once.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "async/sleep.h"
#include "sim/fdb/testing/rig.h"

namespace kelpie::sim {
namespace {

using store::AtomicOp;
using store::Transaction;
using store::Versionstamp;
using testing::FdbNode;
using testing::FdbRig;

constexpr int kNodes = 3;
constexpr int kTurns = 12;  // of each life of a node

// What one client knows of its turns.
struct Known {
  int happened = 0;
  int undecided = 0;  // `unknown`, or a crash came first
  std::vector<Code> refused;
};

Bytes little_endian(int64_t number) {
  Bytes bytes;
  for (int shift = 0; shift < 64; shift += 8) {
    bytes += static_cast<char>(static_cast<uint64_t>(number) >> shift);
  }
  return bytes;
}

int64_t number_in(const Bytes& bytes) {
  int64_t number = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    number |= static_cast<int64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  }
  return number;
}

// A blind turn reads nothing: only the guard stands in the way of one that lands late.
enum class Style : uint8_t { kBlind, kReads };

// One more in the total, one more row in the log.
Task<void> turn(Transaction& transaction, Style style) {
  if (style == Style::kBlind) {
    transaction.atomic(AtomicOp::kAdd, "total", little_endian(1));
  } else {
    const std::optional<Bytes> before = co_await transaction.get("total");
    transaction.set("total", little_endian(number_in(before.value_or("")) + 1));
  }
  transaction.set_versionstamped_key("log/" + Bytes(Versionstamp::kBytes, '\0'), 4, "");
  co_return kOk;
}

Task<void> count(FdbNode& node, Bytes head, Known& known, char& over) {
  for (int i = 0; i < kTurns; ++i) {
    const Style style = node.world.rng.chance(1, 2) ? Style::kBlind : Style::kReads;
    const auto body = [style](Transaction& transaction) { return turn(transaction, style); };
    ++known.undecided;
    const Result<void> done =
        co_await store::run_exactly_once(node.world, node.database, node.world.rng, head, body)
            .result();
    if (done.ok()) {
      ++known.happened;
      --known.undecided;
    } else if (done.error().code == Code::kUnknown) {
      break;  // its head is undecided: it may not go on
    } else {
      --known.undecided;
      known.refused.push_back(done.error().code);
    }
    co_await async::sleep_for(node.world.loop, Duration::millis(node.world.rng.between(0, 200)));
  }
  over = 1;
  co_return kOk;
}

FdbFaults everything() {
  return {.too_old_rate = 20'000,
          .future_version_rate = 20'000,
          .process_behind_rate = 20'000,
          .throttled_rate = 20'000,
          .slow_rate = 50'000,
          .false_conflict_rate = 30'000,
          .unknown_rate = 80'000,
          .timed_out_rate = 80'000,
          .version_changed_rate = 80'000,
          .late_max = Duration::seconds(3),
          .unavailable_interval = Duration::seconds(4),
          .recovery_interval = Duration::seconds(9),
          .outage_max = Duration::seconds(2)};
}

struct Outcome {
  Known known;
  int64_t total = 0;
  int64_t rows = 0;
  uint64_t hash = 0;
  std::optional<Failure> failure;
  FaultLedger ledger;
  FdbCluster::Tally tally;
  FdbClient::Counts counts;
  uint64_t shared_versions = 0;

  [[nodiscard]] bool right() const {
    return !failure && total == rows && known.happened <= total &&
           total <= known.happened + known.undecided;
  }
};

// Links fail and nodes crash while the nodes count.
void disturb(FdbRig& rig, ChoiceStream& choices, size_t crashes_max, std::vector<int>& lives) {
  const size_t victim = choices.choose(kNodes);
  const std::string name = rig.nodes[victim]->host.name();
  const uint64_t what = choices.choose(4);
  if (what == 0) {
    rig.fdb.set_link(name, SimFdb::Link::kDown);
    rig.run_for(choices.between(Duration::millis(1), Duration::seconds(7)));
    rig.fdb.set_link(name, SimFdb::Link::kUp);
  } else if (what == 1 && static_cast<size_t>(lives[victim]) < crashes_max) {
    ++lives[victim];
    rig.nodes[victim]->crash();
  }
  rig.run_for(choices.between(Duration::millis(1), Duration::millis(500)));
}

Outcome play(uint64_t seed, FdbFaults faults, const MutantSet& mutants = {}) {
  FdbRig rig(seed, faults, static_cast<Policy>(seed % 4), {.mutants = mutants});
  Outcome outcome;
  std::map<int64_t, int> commits_at;
  rig.fdb.set_commit_observer([&](const store::CommitBatch& batch) {
    for (const store::Mutation& mutation : batch.mutations) {
      commits_at[batch.version.get()] += mutation.key.starts_with("log/") ? 1 : 0;
    }
  });
  std::array<char, kNodes> over{};
  std::vector<int> lives(kNodes);
  const auto start = [&](size_t index) {
    FdbNode& node = *rig.nodes[index];
    const Bytes head = "head/" + std::to_string(index) + "/" + std::to_string(lives[index]);
    over[index] = 0;
    node.world.loop.post_from_thread([&node, head, &outcome, &done = over[index]] {
      node.scope->spawn(count(node, head, outcome.known, done));
    });
  };
  for (size_t i = 0; i < kNodes; ++i) {
    rig.add_node();
    start(i);
  }
  ChoiceStream& choices = rig.simulation.choices().stream("test/disturb");
  while (std::ranges::count(over, 0) > 0 && !rig.simulation.failure()) {
    disturb(rig, choices, 2, lives);
    for (size_t i = 0; i < kNodes; ++i) {
      if (!rig.nodes[i]->host.up()) {
        rig.restart(i);
        start(i);
      }
    }
  }
  rig.fdb.heal();
  rig.run_until([&] { return rig.fdb.quiet(); });
  rig.nodes.clear();
  rig.run_for(Duration::seconds(1));
  const auto& contents = rig.fdb.contents();
  outcome.total = contents.contains("total") ? number_in(contents.at("total")) : 0;
  for (const auto& [key, value] : contents) {
    outcome.rows += key.starts_with("log/") ? 1 : 0;
  }
  for (const auto& [version, commits] : commits_at) {
    outcome.shared_versions += commits > 1 ? 1 : 0;
  }
  outcome.hash = rig.simulation.trace().hash();
  outcome.failure = rig.simulation.failure();
  outcome.ledger = rig.simulation.ledger();
  outcome.tally = rig.fdb.tally();
  outcome.counts = rig.fdb.counts();
  return outcome;
}

constexpr Fault kReceived[] = {
    Fault::kNetworkPartition,     Fault::kStorageLatency,          Fault::kStoreFalseConflict,
    Fault::kStoreTooOld,          Fault::kStoreFutureVersion,      Fault::kStoreProcessBehind,
    Fault::kStoreThrottled,       Fault::kStoreUnavailable,        Fault::kStoreRecovery,
    Fault::kCommitUnknownApplied, Fault::kCommitUnknownNotApplied, Fault::kCommitTimedOut,
    Fault::kCommitVersionChanged, Fault::kCommitLandedLate,
};

TEST(SimFdbExactlyOnce, HoldsUnderEverythingAClusterDoes) {
  FaultLedger ledger;
  FdbCluster::Tally tally;
  FdbClient::Counts counts;
  uint64_t shared_versions = 0;
  int happened = 0;
  int undecided = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    const Outcome outcome = play(seed, everything());
    EXPECT_TRUE(outcome.right()) << "seed " << seed << ": total " << outcome.total << ", rows "
                                 << outcome.rows << ", happened " << outcome.known.happened
                                 << ", undecided " << outcome.known.undecided << " "
                                 << (outcome.failure ? outcome.failure->message : "");
    EXPECT_EQ(outcome.counts.broken_commits, 0u) << "seed " << seed;
    ledger.add(outcome.ledger);
    tally.late_landed += outcome.tally.late_landed;
    tally.late_refused += outcome.tally.late_refused;
    tally.recoveries += outcome.tally.recoveries;
    counts.unsent_commits += outcome.counts.unsent_commits;
    counts.unsent_forgotten += outcome.counts.unsent_forgotten;
    shared_versions += outcome.shared_versions;
    happened += outcome.known.happened;
    undecided += outcome.known.undecided;
  }
  for (const Fault fault : kReceived) {
    EXPECT_GT(ledger.configured(fault), 0u) << fault_name(fault);
    EXPECT_GT(ledger.received(fault), 0u) << fault_name(fault);
    RecordProperty(std::string(fault_name(fault)), std::to_string(ledger.received(fault)));
  }
  EXPECT_GT(tally.late_landed, 0u);
  EXPECT_GT(tally.late_refused, 0u);
  EXPECT_GT(tally.recoveries, 0u);
  EXPECT_GT(counts.unsent_forgotten, 0u);
  EXPECT_GT(shared_versions, 0u);
  RecordProperty("happened", happened);
  RecordProperty("undecided", undecided);
}

TEST(SimFdbExactlyOnce, EndsWithTheExactSumWithoutFaults) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const Outcome outcome = play(seed, {});
    EXPECT_TRUE(outcome.right()) << "seed " << seed;
  }
}

TEST(SimFdbExactlyOnce, GivesTheSameTraceForTheSameSeed) {
  std::set<uint64_t> hashes;
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    const Outcome outcome = play(seed, everything());
    EXPECT_EQ(outcome.hash, play(seed, everything()).hash) << "seed " << seed;
    hashes.insert(outcome.hash);
  }
  EXPECT_EQ(hashes.size(), 8u);
}

// The check above must be able to fail.
TEST(SimFdbExactlyOnce, FindsABlindRetryOfAnUndecidedCommit) {
  int wrong = 0;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    wrong += play(seed, everything(), {"M9"}).right() ? 0 : 1;
  }
  EXPECT_GT(wrong, 0);
}

TEST(SimFdbExactlyOnce, FindsSettlingByRewritingTheHead) {
  int wrong = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    wrong += play(seed, everything(), {"M34"}).right() ? 0 : 1;
  }
  EXPECT_GT(wrong, 0);
}

}  // namespace
}  // namespace kelpie::sim
