// Linearizability of the operations on single objects: there is one order of them, each at some
// moment between its call and its return, in which every answer is the sequential object's.
//
// The search is that of Wing and Gong ("Testing and verifying concurrent objects", 1993) with the
// memory of Lowe ("Testing for linearizability", 2017): a set of operations already placed and the
// state after them are never visited twice. Objects are judged one by one, which is enough, for
// linearizability is local (Herlihy and Wing 1990). Operations of unknown fate may take effect at
// any time after their call, or never.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/check/history.h"
#include "sim/check/sequential_object.h"

namespace kelpie::sim {

struct LinearizableOptions {
  // Per object. The time is about a microsecond each; the memory a bit per operation and state.
  uint64_t states_max = 1'000'000;
};

// kViolation explains the longest prefix of the history (cut at a moment) that has an order, and
// the answer that has no place behind it. A violation of one object outweighs another's undecided
// search. Operations that failed are left out: an answer that an operation failed is a claim that
// it had no effect, and whoever sees the effect makes the violation.
CheckResult check_linearizable(const std::vector<ObjectOp>& operations,
                               const SequentialObject& object, LinearizableOptions options = {});

}  // namespace kelpie::sim
