// A key selector resolved by reading ranges: for an engine whose own way differs.
#pragma once

#include "async/task.h"
#include "store/database.h"

namespace kelpie::store {

// What `get_key` means, key by key. The transaction outlives the task. Costs a range read for each
// thousand keys of the offset.
Task<Bytes> walk_to_key(Transaction& transaction, KeySelector selector, Isolation isolation);

}  // namespace kelpie::store
