// EpochFence: the fence of one epoch on one loop, with what is known of when it held. It lets a
// commit be fenced without a round trip of its own.
//
// A transaction that reads nothing may commit at a chosen read version R: with a read conflict on
// the epoch's key it is refused if the epoch was written after R. So R must be a version at which
// the epoch was certainly ours, and every write of the epoch after it must be *after* R:
//
//   R = max(last version at which the epoch was read and was ours,
//           version of the last fenced commit - 1)
//
// The "- 1" is the whole safety. All commits of one batch share one version C, and the resolver
// compares with versions greater than R. A turn that commits at C before a change of the epoch in
// the same batch would, with R = C, let all its successors pass. Source: architecture, section 6.
#pragma once

#include <optional>

#include "async/task.h"
#include "base/time.h"
#include "cluster/fence.h"
#include "store/database.h"
#include "world/world.h"

namespace kelpie::cluster {

// One Loop. Shared by the activations of its epoch, and dead with it. The World outlives it.
class EpochFence {
 public:
  EpochFence(World& world, Fence fence) : world_(world), fence_(std::move(fence)) {}
  EpochFence(const EpochFence&) = delete;
  EpochFence& operator=(const EpochFence&) = delete;

  [[nodiscard]] const Fence& fence() const { return fence_; }
  [[nodiscard]] const Epoch& epoch() const { return fence_.epoch(); }

  // Reads the epoch inside the transaction, as Fence::guard does, and remembers when it was ours.
  Task<void> guard(store::Transaction& transaction);
  // Fences a transaction that has read nothing and will read nothing. False if no version is known
  // that is young enough: `guard` it then.
  [[nodiscard]] bool guard_unread(store::Transaction& transaction);
  // A fenced commit that wrote something, begun at that time, has this version.
  void committed(store::Version version, Instant begun);
  // A fenced commit met a conflict, which may be the epoch's: the next one reads it.
  void doubt() { held_.reset(); }

 private:
  struct Held {
    store::Version version;
    Instant since;
  };
  void held_at(store::Version version, Instant since);

  World& world_;
  Fence fence_;
  std::optional<Held> held_;
};

}  // namespace kelpie::cluster
