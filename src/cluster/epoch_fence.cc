#include "cluster/epoch_fence.h"

#include <algorithm>

#include "async/loop.h"
#include "base/limits.h"
#include "world/faults.h"

namespace kelpie::cluster {
namespace {

// A read version lives for kTransactionAgeMax; a commit needs some of that to arrive.
constexpr Duration kHeldAgeMax = Duration::seconds(4);
static_assert(kHeldAgeMax < base::kTransactionAgeMax);

}  // namespace

Task<void> EpochFence::guard(store::Transaction& transaction) {
  const Instant begun = world_.loop.now();
  co_await fence_.guard(transaction);
  held_at(co_await transaction.read_version(), begun);
  co_return kOk;
}

bool EpochFence::guard_unread(store::Transaction& transaction) {
  if (!held_ || world_.loop.now() - held_->since > kHeldAgeMax) {
    return false;
  }
  transaction.set_read_version(held_->version);
  if (!world_.faults.mutant("M1")) {
    transaction.add_read_conflict(store::KeyRange::single(store::keys::epoch(fence_.node().get())));
  }
  return true;
}

void EpochFence::committed(store::Version version, Instant begun) {
  CHECK(version != store::kNoVersion);
  const int64_t back = world_.faults.mutant("M33") ? 0 : 1;
  held_at(store::Version(version.get() - back), begun);
}

void EpochFence::held_at(store::Version version, Instant since) {
  if (!held_ || version > held_->version) {
    held_ = Held{version, since};
  } else if (version == held_->version) {
    // It was still the newest one then.
    held_->since = std::max(held_->since, since);
  }
}

}  // namespace kelpie::cluster
