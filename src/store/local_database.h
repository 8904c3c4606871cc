// LocalDatabase: the transactional database over an embedded engine's Backend.
#pragma once

#include <memory>
#include <string_view>

#include "store/backend.h"
#include "store/commit_pipeline.h"
#include "store/database.h"
#include "world/world.h"

namespace kelpie::store {

// One Loop; exclusive owner of the Backend while it lives. Outlives its transactions. Beyond the
// Database contract:
//   - Keys from "\xff" on are the engine's: reads and commits that touch them fail with
//     invalid_argument.
//   - A transaction's reads all use the snapshot that was newest at its first read. After
//     set_read_version they use the state at that version, as long as it is kept
//     (CommitOptions::snapshots_kept_max, 5 s). Commits need no snapshot.
//   - A transaction gets too old when 5 s have passed since a commit after its read version.
class LocalDatabase final : public Database {
 public:
  LocalDatabase(World& world, Backend& backend, CommitOptions options = {});

  using Database::begin;
  [[nodiscard]] std::unique_ptr<Transaction> begin(TransactionOptions options) override;
  [[nodiscard]] std::string_view engine_name() const override;
  // Ends when the engine has stopped for good after an undecided write, with the reason: only a
  // restart, which recovers what is on the disk, helps then.
  Task<std::string> failed() { return pipeline_.failed(); }

 private:
  World& world_;
  Backend& backend_;
  CommitPipeline pipeline_;
};

}  // namespace kelpie::store
