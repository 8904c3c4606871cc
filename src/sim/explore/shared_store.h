// SharedStore: a store that several hosts reach, as a FoundationDB cluster is: the production
// pipeline over the memory engine, on hosts of its own.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/explore/small_run.h"
#include "store/backend.h"
#include "store/database.h"
#include "store/local_database.h"
#include "store/memory/memory_backend.h"

namespace kelpie::sim {

// What becomes of a commit; see SharedStoreOptions::undecided_max.
enum class Fate : uint8_t {
  kClean,
  kLost,        // undecided, and did not happen
  kLanded,      // undecided, and happened
  kLandsLater,  // undecided, and happens, or is refused, after any other piece of work
};
inline constexpr std::string_view kFateChoice = "store/fate";

struct SharedStoreOptions {
  // So many commits at most end undecided; until then the fate of each is decided by the choice
  // "store/fate".
  uint64_t undecided_max = 0;
};

// A transaction takes one step of the store for its first read, which fixes the version that it
// sees, and one for its commit; later reads see the same state, and so need none. Each is one piece
// of work of a host of its own, the door, where everything that touches the store happens.
class SharedStore {
 public:
  SharedStore(SmallRun& run, SharedStoreOptions options);
  SharedStore(const SharedStore&) = delete;
  SharedStore& operator=(const SharedStore&) = delete;
  ~SharedStore();

  // What code on that host sees of the store; lives as long as both.
  std::unique_ptr<store::Database> view(SimHost& host);
  // The database itself, for set-up and judgement.
  [[nodiscard]] store::Database& database() { return *database_; }
  // Every batch that has been committed, in order.
  [[nodiscard]] const std::vector<store::CommitBatch>& batches() const { return batches_; }
  // Fates are decided from now on.
  void set_undecided_max(uint64_t count) { options_.undecided_max = count; }

 private:
  class Recorder;
  class View;
  class Stepped;

  // Commits at once; called from work of the door.
  Result<store::Version> commit_now(store::Transaction& transaction);
  Fate next_fate();
  void land_later(std::shared_ptr<store::Transaction> transaction);

  SmallRun& run_;
  SharedStoreOptions options_;
  SimHost& host_;
  SimHost& door_;
  store::MemoryBackend memory_;
  std::vector<store::CommitBatch> batches_;
  std::unique_ptr<store::Backend> backend_;
  std::unique_ptr<store::LocalDatabase> database_;
};

}  // namespace kelpie::sim
