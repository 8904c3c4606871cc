#include "store/snapshot_window.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/check.h"

namespace kelpie::store {

void SnapshotWindow::push(std::shared_ptr<const Snapshot> snapshot, Instant now) {
  CHECK(kept_.empty() || kept_.back().snapshot->version() < snapshot->version());
  kept_.push_back({std::move(snapshot), now});
  forget(now);
}

Result<std::shared_ptr<const Snapshot>> SnapshotWindow::at(Version version, Instant now) {
  CHECK(!kept_.empty());
  forget(now);
  if (version > kept_.back().snapshot->version()) {
    return base::aborted("the read version " + std::to_string(version.get()) +
                         " is ahead of the store, which is at " +
                         std::to_string(kept_.back().snapshot->version().get()));
  }
  // The state at a version is that of the newest batch up to it.
  const auto after = std::ranges::upper_bound(
      kept_, version, {}, [](const Kept& each) { return each.snapshot->version(); });
  if (after == kept_.begin()) {
    return base::aborted("the state at the transaction's read version is not kept any more");
  }
  return std::prev(after)->snapshot;
}

void SnapshotWindow::forget(Instant now) {
  // A state was the newest until the next one came, so its age counts from there.
  while (kept_.size() > 1 &&
         (kept_.size() > options_.count_max + 1 || now - kept_[1].since > options_.age_max)) {
    kept_.pop_front();
  }
}

}  // namespace kelpie::store
