// The conformance kit: what every engine must do, as cases that run on any Database. A case that
// fails ends with an internal error that names the line and the expectation.
#pragma once

#include <span>
#include <string_view>

#include "async/loop.h"
#include "async/task.h"
#include "store/database.h"

namespace kelpie::store {

struct ConformanceCase {
  std::string_view name;  // an identifier that reads as a sentence
  // On an empty database, in a task of this loop.
  Task<void> (*body)(Database& database, Loop& loop);
};

// Reads, ranges, the transaction's own writes.
std::span<const ConformanceCase> read_conformance();
// Conflicts, versions, atomic operations, limits, concurrency.
std::span<const ConformanceCase> commit_conformance();

}  // namespace kelpie::store
