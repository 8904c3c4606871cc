// OpenStore: a store that is open for serving, with all that must stay alive for it: the lock of
// its directory and its engine, or the client's network and its connection to a cluster.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "app/config.h"
#include "async/run_on.h"
#include "async/task.h"
#include "base/result.h"
#include "cluster/fence.h"
#include "store/backend.h"
#include "store/database.h"
#include "world/world.h"

namespace kelpie::app {

// Whether other processes can reach the store while this one has it.
enum class Reach : uint8_t { kThisProcess, kOthers };

// Opened, used and destroyed on the first loop of the process. Outlives its databases.
class OpenStore {
 public:
  OpenStore() = default;
  OpenStore(const OpenStore&) = delete;
  OpenStore& operator=(const OpenStore&) = delete;
  virtual ~OpenStore() = default;

  // Of the first loop.
  [[nodiscard]] virtual store::Database& database() = 0;
  // For a further loop, to be used there only. `first` is the first loop, and outlives it.
  [[nodiscard]] virtual std::unique_ptr<store::Database> database_for(Loop& loop,
                                                                      async::LoopHandle first) = 0;
  // Ends, with the reason, when the store has stopped for good and only a restart helps. Some never
  // do.
  virtual Task<std::string> failed() = 0;
  [[nodiscard]] virtual Reach reach() const = 0;
  // The newest state, to take a backup of; null where the engine has backups of its own.
  [[nodiscard]] virtual std::shared_ptr<const store::Snapshot> latest() const = 0;
};

// Blocks while an embedded engine recovers; does not wait for a cluster. Errors say what to do:
//   failed_precondition  another process holds the directory, it is newer or not Kelpie's, or
//                        a restore into it has not ended; FoundationDB's client cannot be used
//   not_found            there is no FoundationDB client library
//   data_loss, resource_exhausted, unavailable: as the engine says
Result<std::unique_ptr<OpenStore>> open_store(const StoreConfig& config, World& world,
                                              const std::string& version);

// Waits until the store answers (`deadline_exceeded` if it does not). Where no lock proves that the
// last process on it is dead, fences that one. Then opens the schema and brings older data up to
// date. Before anything else uses the database.
//
// `names` are those of this process's loops; yields the epoch that they hold, where they need one.
Task<std::optional<cluster::Epoch>> prepare_store(OpenStore& store, World& world,
                                                  std::vector<std::string> names);

// Where the embedded engine's files are in a data directory, and where they are until a restore has
// ended.
std::string engine_directory(const std::string& data_dir);
std::string restoring_directory(const std::string& data_dir);

}  // namespace kelpie::app
