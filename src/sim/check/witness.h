// The store's own witness of its order, held against what clients saw: the committed transactions
// in the order of (commit version, order in the batch) are replayed on a map, and every read must
// be what the map holds at its place. No search is needed where every place is known.
//
// * A transaction that wrote reads, serializably, the state right before its own place; its
// snapshot
//   reads, and all reads of one that wrote nothing, are of the state after every commit up to and
//   with the read version.
// * Real time: what had returned when a transaction was called has a smaller commit version than
// it,
//   and one that is not greater than its read version.
// * A transaction of unknown fate has happened if the commit log names it, or it has a commit
//   version, or its mark was found; it has not if there is a log without it, or its mark was looked
//   for in vain. Otherwise it may have, at any place after its call: then, and where a batch's
//   order is not known, places are searched for.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/check/history.h"

namespace kelpie::sim {

// A transaction as an observer of the store found it, by its mark.
struct LoggedCommit {
  store::Version version;
  std::optional<uint16_t> order;  // in the batch, if it shows
  std::string transaction;        // its id
};

struct WitnessOptions {
  std::map<Bytes, Bytes> initial;
  // Every commit that changed the store. Absent: nobody looked.
  std::optional<std::vector<LoggedCommit>> log;
  // What the store held when all was done. Absent: nobody looked.
  std::optional<std::map<Bytes, Bytes>> contents;
  // Of the search for places, if there is one.
  uint64_t states_max = 200'000;
};

// Transactions that are known to have happened need a commit version if they wrote, and a read
// version if they did not (else: malformed).
//
// Anomalies: lost acknowledged transaction, effect of a failed transaction, duplicated effect,
// wrong commit version, commit not after its read version, two transactions at one place, real-time
// violation; and of reads: aborted read, dirty read (of what has no place there), intermediate
// read, read from the future, value nobody wrote, lost update, write skew, phantom, truncated
// range, own write not seen, stale read; and of the end: wrong contents.
CheckResult check_witness(const std::vector<TransactionRecord>& transactions,
                          const WitnessOptions& options = {});

}  // namespace kelpie::sim
