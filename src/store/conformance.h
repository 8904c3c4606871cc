// The conformance kit: what every engine must do, as cases that run on any Database. A case that
// fails ends with an internal error that names the line and the expectation.
#pragma once

#include <span>
#include <string_view>
#include <vector>

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
// Key selectors, read versions that are set, what a read of own writes depends on.
std::span<const ConformanceCase> selector_conformance();
// Watches, options, trying again.
std::span<const ConformanceCase> option_conformance();
// All of the above.
std::vector<ConformanceCase> whole_conformance();

}  // namespace kelpie::store
