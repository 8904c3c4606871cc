// Resolver: decides which transactions of a batch commit. Pure: no I/O, no clock of its own.
//
// The rule is FoundationDB's (SIGMOD 2021, "FoundationDB: A Distributed Unbundled Transactional Key
// Value Store", section 2.4.2): a transaction conflicts if anything it read was written at a
// version greater than its read version. All transactions of a batch share the batch's version, so
// a transaction also conflicts with those accepted before it in its own batch.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/time.h"
#include "store/conflict_set.h"
#include "store/types.h"
#include "store/version_steps.h"
#include "store/written_keys.h"

namespace kelpie::store {

class Resolver {
 public:
  struct Options {
    // How long a write stays in the window; the age at which a transaction may be too old.
    Duration window;
    // Above this many written keys and ranges the window gets shorter instead of larger.
    size_t writes_max;
  };
  enum class Verdict : uint8_t { kAccepted, kConflict, kTooOld };

  // `recovered` is the newest version of the state found at start: no write after it is unknown.
  Resolver(Version recovered, Options options);

  // Opens a batch at a version greater than all before; then any number of transactions, each a
  // `check` and, if it is accepted, its writes, which count from here on. Then `seal` if the batch
  // was applied, or `discard` if certainly nothing of it was (its writes must not stay: readers at
  // the newest version would conflict with them for ever). While one batch waits for that, the next
  // may be open: `seal` and `discard` mean the older one.
  void begin_batch(Version version);
  // A transaction that read nothing is always accepted.
  [[nodiscard]] Verdict check(Version read_version, const ConflictSet& reads) const;
  void write(ByteView key);
  void write(KeyRange range);
  // All of it for one transaction.
  Verdict resolve(Version read_version, const ConflictSet& reads, const ConflictSet& writes);
  void seal(Instant now);
  void discard();
  // Whether the older of the batches that are not sealed writes the key; no, when there is none.
  [[nodiscard]] bool unsealed_batch_writes(const Bytes& key) const;

  // Forgets what is older than the window at `now`.
  void age(Instant now);
  // Transactions with read conflicts and a smaller read version are too old.
  [[nodiscard]] Version oldest() const { return oldest_; }
  // Written keys and ranges in the window.
  [[nodiscard]] size_t writes() const { return writes_; }

 private:
  struct Batch {
    Version version;
    Instant sealed;
    WrittenKeys keys;
    size_t ranges;  // how many range writes it had
  };
  // A batch that may still be discarded, so it is kept apart from the window.
  struct Unsealed {
    Version version;
    WrittenKeys keys;
    boost::unordered_flat_set<uint64_t> key_hashes;  // hashes of the same keys
    std::vector<KeyRange> ranges;
    VersionSteps steps;  // the same ranges
    [[nodiscard]] bool writes(const Bytes& key, uint64_t hash) const {
      return key_hashes.contains(hash) || steps.at(key) == version;
    }
  };
  [[nodiscard]] bool written_after(Version read_version, const Bytes& key) const;
  [[nodiscard]] bool written_after(Version read_version, const KeyRange& range) const;
  void forget_oldest_batch();

  Options options_;
  Version oldest_;
  Version current_;
  size_t writes_ = 0;
  size_t range_writes_since_sweep_ = 0;
  // Hash of a key -> the newest version that wrote it as a point. Two keys of one hash share an
  // entry: that can only make a conflict out of none, which a caller must expect anyway.
  boost::unordered_flat_map<uint64_t, Version> points_;
  // The same writes in order, for range reads: the batches of the window, oldest first.
  std::deque<Batch> batches_;
  VersionSteps ranges_;

  // Oldest first; the last takes the writes.
  std::deque<Unsealed> unsealed_;
};

}  // namespace kelpie::store
