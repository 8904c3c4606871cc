// What clients do with the store in the scenario `transactions`, and the record of it that the
// history checkers judge.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "async/task.h"
#include "sim/check/history.h"
#include "sim/choices.h"
#include "sim/transactions/store_node.h"

namespace kelpie::sim {

enum class PlanKind : uint8_t {
  kLists,    // reads and appends over a few lists
  kLimited,  // reads a range; adds a row if there are few, clears all or some if there are many
  kCounts,   // atomic additions, blind
  kOnce,     // appends to a list through run_exactly_once
  kWatch,    // reads a list and waits for a while until it changes
};

struct PlanStep {
  enum class Kind : uint8_t { kRead, kSnapshotRead, kRange, kAppend } kind = Kind::kRead;
  Bytes key;
};

// One transaction before it runs: everything random is decided.
struct Plan {
  PlanKind kind = PlanKind::kLists;
  std::string id;  // unique in the run
  std::vector<PlanStep> steps;
  size_t page_rows = 1'000;
  bool clears_all = true;
  Duration think;  // between two steps
};
Plan draw_plan(ChoiceStream& choices, std::string id);

// Where each transaction that writes leaves its mark, so that the store's log tells what happened.
Bytes mark_of(const std::string& id);
// The transaction that a key is the mark of; empty: it is none.
std::string marked(const Bytes& key);

// Runs the plan and fills the record in as it goes: `steps` are of the last attempt. What became of
// it is the caller's to record. The record outlives the task.
Task<Fate> carry_out(StoreAccess access, Plan plan, TransactionRecord& record);

// Reads all lists and rows, for the last word.
Plan audit_plan(std::string id);

}  // namespace kelpie::sim
