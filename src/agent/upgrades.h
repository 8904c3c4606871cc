// What this floor does to bring older data up to date: batches of store::UpgradeStep.
#pragma once

#include <optional>

#include "async/task.h"
#include "store/database.h"

namespace kelpie::agent {

// From schema 1 to 2: messages that were written before there was an index by time get their entry.
// The cursor is a tuple of the agent and the message that were done last.
Task<std::optional<Bytes>> index_messages_by_time(store::Transaction& transaction, Bytes cursor);

}  // namespace kelpie::agent
