// Transactions that append unique elements to lists and read them, over many keys: is there one
// order of the transactions that explains every read? The method is that of Elle (Kingsbury and
// Alvaro, "Elle: inferring isolation anomalies from experimental observations", 2020): a list shows
// who wrote before whom, so the dependencies between transactions are known, and what no order
// explains is a cycle in them. It costs about as much as the history is long.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/check/history.h"

namespace kelpie::sim {

enum class Demand : uint8_t {
  kSerializable,  // some order
  kSession,       // and each client's transactions in it as the client did them
  kStrict,        // and what had returned comes before what was called later
};

struct ListAppendOptions {
  Demand demand = Demand::kStrict;
};

// Only reads, range reads and appends; no element is appended to one key twice (else: malformed).
// A range read shows the keys it covers, with a row or without, that any transaction touched. An
// absent list and an empty one are the same.
//
// Transactions of unknown fate count as committed as soon as one of their elements was read, and
// otherwise as never having happened. Snapshot reads are held to what was committed, not to the
// place of their transaction. A client that calls before its last call has returned has no order of
// its own there; read-only transactions with a chosen read version may lag behind real time.
//
// Anomalies: not a list, duplicate element, unknown element, aborted read (G1a), torn transaction,
// inconsistent reads in one transaction, incompatible orders, intermediate read (G1b), lost append,
// stale read, and the cycles of DependencyGraph.
CheckResult check_list_append(const std::vector<TransactionRecord>& transactions,
                              ListAppendOptions options = {});

}  // namespace kelpie::sim
