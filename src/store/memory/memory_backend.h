// MemoryBackend: an ordered map with versions, in memory. Nothing survives it.
#pragma once

#include <memory>

#include "store/backend.h"

namespace kelpie::store {

// One Loop. Snapshots may outlive it. For a store that delays, loses or tears batches, wrap it:
// call `apply_now` when a batch becomes durable, or never.
class MemoryBackend final : public Backend {
 public:
  MemoryBackend();
  ~MemoryBackend() override;

  [[nodiscard]] std::string_view name() const override { return "memory"; }
  [[nodiscard]] std::shared_ptr<const Snapshot> latest() const override;
  // Cannot fail.
  Task<void> apply(CommitBatch batch) override;

  void apply_now(CommitBatch batch);

  // Versions of values that are kept, for tests of pruning.
  [[nodiscard]] size_t stored_values() const;

 private:
  class State;
  class View;
  std::shared_ptr<State> state_;
  std::shared_ptr<const Snapshot> latest_;
};

}  // namespace kelpie::store
