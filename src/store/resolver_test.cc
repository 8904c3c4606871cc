#include "store/resolver.h"

#include <gtest/gtest.h>

#include <map>
#include <utility>
#include <vector>

#include "world/rng.h"

namespace kelpie::store {
namespace {

using Verdict = Resolver::Verdict;
constexpr Resolver::Options kOptions{.window = Duration::seconds(5), .writes_max = 1'000'000};

Instant at(int64_t seconds) { return Instant::from_nanos(1) + Duration::seconds(seconds); }

ConflictSet point(Bytes key) { return {{std::move(key)}, {}}; }
ConflictSet range(Bytes begin, Bytes end) {
  return {{}, {KeyRange{std::move(begin), std::move(end)}}};
}

// A batch of one transaction.
Verdict commit(Resolver& resolver, int64_t version, int64_t read_version, const ConflictSet& reads,
               const ConflictSet& writes, Instant now = at(0)) {
  resolver.begin_batch(Version(version));
  const Verdict verdict = resolver.resolve(Version(read_version), reads, writes);
  resolver.seal(now);
  return verdict;
}

TEST(Resolver, RejectsAReadThatALaterCommitOverwrote) {
  Resolver resolver(Version(10), kOptions);
  EXPECT_EQ(commit(resolver, 11, 10, {}, point("k")), Verdict::kAccepted);
  EXPECT_EQ(commit(resolver, 12, 10, point("k"), {}), Verdict::kConflict);
  EXPECT_EQ(commit(resolver, 13, 11, point("k"), {}), Verdict::kAccepted);
  EXPECT_EQ(commit(resolver, 14, 10, point("other"), {}), Verdict::kAccepted);
}

TEST(Resolver, RejectsARangeReadThatAPointOrARangeOverwrote) {
  Resolver resolver(Version(10), kOptions);
  commit(resolver, 11, 10, {}, point("m"));
  commit(resolver, 12, 10, {}, range("p", "r"));
  EXPECT_EQ(commit(resolver, 13, 10, range("a", "z"), {}), Verdict::kConflict);
  EXPECT_EQ(commit(resolver, 14, 10, range("a", "m"), {}), Verdict::kAccepted);
  EXPECT_EQ(commit(resolver, 15, 10, range("n", "q"), {}), Verdict::kConflict);
  EXPECT_EQ(commit(resolver, 16, 10, range("r", "z"), {}), Verdict::kAccepted);
  EXPECT_EQ(commit(resolver, 17, 10, point("q"), {}), Verdict::kConflict);
  EXPECT_EQ(commit(resolver, 18, 12, range("a", "z"), {}), Verdict::kAccepted);
}

TEST(Resolver, RejectsWithinABatchWhatAnEarlierOneWrote) {
  Resolver resolver(Version(10), kOptions);
  resolver.begin_batch(Version(11));
  EXPECT_EQ(resolver.resolve(Version(10), point("a"), point("b")), Verdict::kAccepted);
  EXPECT_EQ(resolver.resolve(Version(10), point("b"), point("c")), Verdict::kConflict);
  // The rejected one wrote nothing.
  EXPECT_EQ(resolver.resolve(Version(10), point("c"), range("x", "z")), Verdict::kAccepted);
  EXPECT_EQ(resolver.resolve(Version(10), point("y"), {}), Verdict::kConflict);
  EXPECT_EQ(resolver.resolve(Version(10), range("a", "c"), {}), Verdict::kConflict);
  resolver.seal(at(0));
}

TEST(Resolver, RejectsWhatABatchWroteWhoseOutcomeIsAwaited) {
  Resolver resolver(Version(10), kOptions);
  resolver.begin_batch(Version(11));
  EXPECT_EQ(resolver.resolve(Version(10), {}, {{"k"}, {{"p", "r"}}}), Verdict::kAccepted);
  resolver.begin_batch(Version(12));
  EXPECT_EQ(resolver.resolve(Version(10), point("k"), {}), Verdict::kConflict);
  EXPECT_EQ(resolver.resolve(Version(10), range("a", "z"), {}), Verdict::kConflict);
  EXPECT_EQ(resolver.resolve(Version(10), point("q"), {}), Verdict::kConflict);
  // It is visible before it is sealed, and who has read it has no conflict with it.
  EXPECT_EQ(resolver.resolve(Version(11), {{"k", "q"}, {{"a", "z"}}}, point("x")),
            Verdict::kAccepted);
  EXPECT_TRUE(resolver.unsealed_batch_writes("q"));
  EXPECT_FALSE(resolver.unsealed_batch_writes("x"));
  resolver.discard();
  EXPECT_EQ(resolver.resolve(Version(10), {{"k", "q"}, {}}, {}), Verdict::kAccepted);
  EXPECT_EQ(resolver.resolve(Version(11), point("x"), {}), Verdict::kConflict);
  resolver.seal(at(0));
  EXPECT_EQ(commit(resolver, 13, 11, point("x"), {}), Verdict::kConflict);
  EXPECT_EQ(commit(resolver, 14, 12, point("x"), {}), Verdict::kAccepted);
}

TEST(Resolver, ForgetsADiscardedBatch) {
  Resolver resolver(Version(10), kOptions);
  resolver.begin_batch(Version(11));
  EXPECT_EQ(resolver.resolve(Version(10), {}, {{"k"}, {{"p", "q"}}}), Verdict::kAccepted);
  resolver.discard();
  EXPECT_EQ(commit(resolver, 12, 10, {{"k", "p"}, {{"a", "z"}}}, {}), Verdict::kAccepted);
  resolver.age(at(100));
  EXPECT_EQ(resolver.oldest(), Version(12));
}

TEST(Resolver, CallsReadVersionsBeforeItsWindowTooOld) {
  Resolver resolver(Version(10), kOptions);
  EXPECT_EQ(commit(resolver, 11, 9, point("k"), {}), Verdict::kTooOld);
  commit(resolver, 12, 10, {}, point("k"), at(1));
  commit(resolver, 13, 10, {}, point("k"), at(4));
  EXPECT_EQ(commit(resolver, 14, 11, point("x"), {}, at(7)), Verdict::kAccepted);
  EXPECT_EQ(commit(resolver, 15, 11, point("x"), {}, at(7)), Verdict::kTooOld);
  EXPECT_EQ(commit(resolver, 16, 12, point("x"), {}, at(7)), Verdict::kAccepted);
  EXPECT_EQ(commit(resolver, 17, 12, point("k"), {}, at(7)), Verdict::kConflict);
  // A blind write is never too old.
  EXPECT_EQ(commit(resolver, 18, 0, {}, point("x"), at(7)), Verdict::kAccepted);
}

TEST(Resolver, ShortensItsWindowInsteadOfGrowingWithoutBound) {
  Resolver resolver(Version(0), {.window = Duration::seconds(5), .writes_max = 100});
  for (int64_t version = 1; version <= 1'000; ++version) {
    commit(resolver, version, 0, {}, point(std::to_string(version)));
    EXPECT_LE(resolver.writes(), 100U);
  }
  EXPECT_EQ(resolver.oldest(), Version(900));
  EXPECT_EQ(commit(resolver, 1'001, 899, point("1"), {}), Verdict::kTooOld);
  EXPECT_EQ(commit(resolver, 1'002, 900, point("950"), {}), Verdict::kConflict);
}

// The same rules by brute force: every write ever, with its version.
class NaiveResolver {
 public:
  bool conflicts(int64_t read_version, const std::vector<KeyRange>& reads) const {
    for (const auto& [version, write] : writes_) {
      for (const KeyRange& read : reads) {
        if (version > read_version && write.begin < read.end && read.begin < write.end) {
          return true;
        }
      }
    }
    return false;
  }
  void add(int64_t version, const std::vector<KeyRange>& writes) {
    for (const KeyRange& write : writes) {
      writes_.emplace_back(version, write);
    }
  }

 private:
  std::vector<std::pair<int64_t, KeyRange>> writes_;
};

std::vector<KeyRange> random_ranges(world::Rng& rng) {
  std::vector<KeyRange> ranges;
  for (uint64_t i = rng.below(4); i > 0; --i) {
    const Bytes key(1, static_cast<char>('a' + rng.below(26)));
    if (rng.chance(2, 3)) {
      ranges.push_back(KeyRange::single(key));
    } else {
      Bytes end = key;
      end[0] = static_cast<char>(end[0] + static_cast<char>(1 + rng.below(4)));
      ranges.push_back({key, end});
    }
  }
  return ranges;
}

ConflictSet as_set(const std::vector<KeyRange>& ranges) {
  ConflictSet set;
  for (const KeyRange& each : ranges) {
    set.add_range(each);
  }
  return set;
}

TEST(Resolver, AgreesWithBruteForceOnRandomBatches) {
  world::Rng rng(20'261'120);
  for (int round = 0; round < 50; ++round) {
    Resolver resolver(Version(0), kOptions);
    NaiveResolver naive;
    for (int64_t version = 1; version <= 40; ++version) {
      resolver.begin_batch(Version(version));
      for (uint64_t i = rng.below(5); i > 0; --i) {
        const auto read_version = static_cast<int64_t>(rng.below(static_cast<uint64_t>(version)));
        const auto reads = random_ranges(rng);
        const auto writes = random_ranges(rng);
        const bool conflict = naive.conflicts(read_version, reads);
        ASSERT_EQ(resolver.resolve(Version(read_version), as_set(reads), as_set(writes)),
                  conflict ? Verdict::kConflict : Verdict::kAccepted);
        if (!conflict) {
          naive.add(version, writes);
        }
      }
      resolver.seal(at(0));
    }
  }
}

}  // namespace
}  // namespace kelpie::store
