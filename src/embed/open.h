// Opens a store for a program that has a node of its own, with all that must stay alive for it.
#pragma once

#include <memory>
#include <string>

#include "async/task.h"
#include "base/result.h"
#include "kelpie/run.h"
#include "store/database.h"
#include "world/world.h"

namespace kelpie::embed {

// The one node of a store that one process has alone; as `kelpie serve` names it.
inline constexpr std::string_view kLocalNode = "local";

// invalid_argument unless the options name exactly one store, and a node where one is needed.
Result<void> check_options(const RunOptions& options);
// Of this process in the store's records.
std::string node_name(const RunOptions& options);

// Opened, used and destroyed on one loop. Outlives its database.
class Store {
 public:
  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  virtual ~Store() = default;
  [[nodiscard]] virtual store::Database& database() = 0;
  // Ends, with the reason, when the store has stopped for good. Some never do.
  virtual Task<std::string> failed() = 0;
};

// Blocks while an embedded engine recovers. Errors say what to do; above all `failed_precondition`:
// another process holds the directory, or it is not Kelpie's.
Result<std::unique_ptr<Store>> open_store(const RunOptions& options, World& world);

// Waits until the store answers (30 s at most), and refuses one that a newer release has written.
// Before anything else uses the database.
Task<void> prepare_store(store::Database& database, World& world);

}  // namespace kelpie::embed
