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

  // Opens a batch at a version greater than all before; then any number of `resolve`; then `seal`
  // if the batch was applied, or `discard` if certainly nothing of it was (its writes must not
  // stay: readers at the newest version would conflict with them for ever).
  void begin_batch(Version version);
  // Accepted writes count from here on. A transaction that read nothing is always accepted.
  Verdict resolve(Version read_version, const ConflictSet& reads, ConflictSet writes);
  void seal(Instant now);
  void discard();
  // Whether the open batch writes the key; no, when none is open.
  [[nodiscard]] bool open_batch_writes(const Bytes& key) const;

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

  // The open batch, apart until it is sealed.
  bool open_ = false;
  WrittenKeys open_keys_;
  boost::unordered_flat_set<uint64_t> open_points_;  // hashes of the same keys
  std::vector<KeyRange> open_ranges_;
  VersionSteps open_steps_;  // the same ranges
};

}  // namespace kelpie::store
