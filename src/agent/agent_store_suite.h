// The suite of the agent domain's stores: what they must do on every engine, as cases that run on
// any Database. A case that fails ends with an internal error that names the line and the
// expectation. Test support.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "async/loop.h"
#include "async/task.h"
#include "store/database.h"
#include "world/faults.h"

namespace kelpie::agent {

// What a case is given; all of it outlives the case.
struct Bench {
  store::Database& database;
  Loop& loop;
  world::Faults& faults;
};

struct SuiteCase {
  std::string_view name;  // an identifier that reads as a sentence
  // On a database without agents, in a task of the bench's loop.
  Task<void> (*body)(Bench bench);
};

std::span<const SuiteCase> agent_cases();      // agents and blocks
std::span<const SuiteCase> message_cases();    // messages
std::span<const SuiteCase> session_cases();    // sessions and archives
std::span<const SuiteCase> catalogue_cases();  // tools and the directory
std::span<const SuiteCase> delete_cases();     // cascades, and deletes beside writers and readers
std::vector<SuiteCase> agent_store_suite();    // all of them

}  // namespace kelpie::agent
