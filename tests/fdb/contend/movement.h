// What a run of two contending processes has shown: which actors changed their node, and when.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "judge.h"
#include "log.h"

namespace kelpie::contend {

// While one of the processes stood still.
struct Stop {
  std::string node;
  int64_t from_ns = 0;
  int64_t to_ns = 0;
};

// What the run must have shown to be worth anything, as problems of the rule "movement".
struct Movement {
  std::vector<Problem> problems;
  // A new generation of an actor, under another node than the last; and under the same.
  uint64_t moved = 0;
  uint64_t claimed_again = 0;
  uint64_t actors_moved = 0;       // actors that changed their node at least once
  std::vector<uint64_t> moved_in;  // in each tenth of the run
  int64_t tenth_ns = 0;
  // Actors whose last increment before the stop was the stopped node's, and of these those that the
  // other node has changed before it was continued.
  uint64_t held = 0;
  uint64_t taken = 0;
  uint64_t taken_back = 0;  // of those taken, changed by the stopped node after it was continued
  // After the stop began: the first increment that took one over, and the last call that was
  // refused because the stopped node has the actor.
  std::optional<int64_t> first_taken_ns;
  std::optional<int64_t> last_refused_ns;
  // After the stop's end: calls of the stopped node that were begun and were answered.
  uint64_t answered_after = 0;
  std::optional<int64_t> first_answer_after_ns;
  // Of its calls that returned then, those that ended `unavailable`: its memory was no longer true.
  uint64_t lost = 0;
  uint64_t begun_before = 0;  // begun before the stop, returned after it
  size_t epochs_before = 0;   // of the stopped node
  size_t epochs_after = 0;
};

Movement movement_of(const std::vector<NodeLog>& logs, const Stop& stop);

}  // namespace kelpie::contend
