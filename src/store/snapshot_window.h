// SnapshotWindow: the states of the last seconds, for transactions that read at a version that they
// were given.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>

#include "base/result.h"
#include "base/time.h"
#include "store/backend.h"

namespace kelpie::store {

// Pure. One Loop.
class SnapshotWindow {
 public:
  struct Options {
    Duration age_max;
    size_t count_max;  // besides the newest
  };
  explicit SnapshotWindow(Options options) : options_(options) {}

  // The newest state from now on; its version is greater than those before.
  void push(std::shared_ptr<const Snapshot> snapshot, Instant now);
  // The state at `version`: `aborted` if it is not kept any more, or ahead of the newest.
  Result<std::shared_ptr<const Snapshot>> at(Version version, Instant now);
  [[nodiscard]] size_t size() const { return kept_.size(); }

 private:
  struct Kept {
    std::shared_ptr<const Snapshot> snapshot;
    Instant since;
  };
  void forget(Instant now);

  Options options_;
  std::deque<Kept> kept_;  // every state since the first of them
};

}  // namespace kelpie::store
