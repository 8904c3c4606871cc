// Whether counters that two processes contended for were served as promised: no stale reply, no
// stale commit, each acknowledged increment once. Pure; the logs are in log.h.
//
// What a call that failed says is held against it: it had no effect. Only `unknown` leaves that
// open.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "log.h"

namespace kelpie::contend {

struct Problem {
  std::string rule;   // a short name
  std::string actor;  // or a node
  std::string text;
};

// Those that hold, by name, and what does not: at most one for each rule and actor.
struct Verdict {
  std::vector<std::string> rules;
  std::vector<Problem> problems;
  uint64_t actors = 0;
  uint64_t increments = 0;  // acknowledged ones, each key once
  uint64_t undecided = 0;   // increments of which nobody could say whether they happened
  uint64_t reads = 0;       // answered ones
};

// `last` has been written after all calls of `logs` had returned, and has read every actor.
Verdict judge(const std::vector<NodeLog>& logs, const NodeLog& last);

}  // namespace kelpie::contend
