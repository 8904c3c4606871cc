// The differential test: random transactions, several open at a time, on an engine and on the model
// (differential_model.h); every answer is compared: values, keys, pages, conflicts, stamps. The
// idea is that of FoundationDB's binding tester. Part of the conformance kit.
#pragma once

#include <cstdint>

#include "async/task.h"
#include "store/database.h"
#include "store/differential_model.h"

namespace kelpie::store {

// Whether the engine may refuse what the model allows, and lose track of a commit: a cluster may,
// an embedded engine may not. What it commits must be right either way.
enum class Strictness : uint8_t { kExact, kCluster };

struct DifferentialOptions {
  uint64_t seed = 0;
  int64_t operations = 0;
  Strictness strictness = Strictness::kExact;
};

struct DifferentialCounts {
  int64_t operations = 0;
  int64_t commits = 0;
  int64_t conflicts = 0;
  int64_t false_conflicts = 0;
  int64_t failed_reads = 0;
  int64_t undecided = 0;
};

// `model` says what is in the database before and after; nobody else writes there. An internal
// error names the operation, what was expected and what came.
Task<void> run_differential(Database& database, Model& model, DifferentialOptions options,
                            DifferentialCounts& counts);

// Compares everything that is stored with the model.
Task<void> expect_contents(Database& database, const Model& model);

}  // namespace kelpie::store
