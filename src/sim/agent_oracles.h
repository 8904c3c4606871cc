// Oracles for agents over HTTP: pure judgements of a history, one per promise. None looks into the
// code under test.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "sim/history.h"
#include "sim/simulation.h"

namespace kelpie::sim {

// S3: what was acknowledged is in every later answer, once; what was not is there at most once.
std::optional<Failure> check_acknowledged_is_readable(const History& history);

// S4, for send and list of one agent: there is one order of the messages that agrees with every
// list and with real time.
std::optional<Failure> check_order(const History& history);

// S16: lists of one agent only grow; each tool call has at most one result, behind it, and in a
// list of `settled` agents (called at or after `settled_ns`) exactly one.
std::optional<Failure> check_well_formed(const History& history, int64_t settled_ns);

// S17: what was answered with "it did not happen" (4xx) is in no list, and not in the store.
std::optional<Failure> check_refused_is_absent(const History& history,
                                               const std::map<Bytes, Bytes>& contents);

// S18: after an acknowledged delete the agent is absent to everyone. `contents` is the store's at
// the end: if the whole agent is still in it, the delete was lost, which breaks S3.
std::optional<Failure> check_deleted_is_absent(const History& history,
                                               const std::map<Bytes, Bytes>& contents);

// S20: an error reading state is not answered with an absent or an empty agent.
std::optional<Failure> check_errors_are_not_absence(const History& history);

// S3 and S18 on the store itself: every acknowledged text is in it, and nothing of a deleted agent.
std::optional<Failure> check_store(const History& history, const std::map<Bytes, Bytes>& contents);

// All of them, the one that explains most first.
std::optional<Failure> check_agents(const History& history, int64_t settled_ns,
                                    const std::map<Bytes, Bytes>& contents);

}  // namespace kelpie::sim
