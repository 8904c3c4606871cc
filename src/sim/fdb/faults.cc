#include "sim/fdb/faults.h"

#include <algorithm>
#include <array>
#include <utility>

namespace kelpie::sim {

void configure_faults(FaultLedger& ledger, const FdbFaults& faults) {
  const auto undecided = faults.timed_out_rate + faults.version_changed_rate;
  const bool outages = faults.unavailable_interval > Duration();
  const bool recoveries = faults.recovery_interval > Duration();
  const std::array<std::pair<bool, Fault>, 13> configured = {{
      {faults.too_old_rate > 0, Fault::kStoreTooOld},
      {faults.future_version_rate > 0, Fault::kStoreFutureVersion},
      {faults.process_behind_rate > 0, Fault::kStoreProcessBehind},
      {faults.throttled_rate > 0, Fault::kStoreThrottled},
      {faults.slow_rate > 0, Fault::kStorageLatency},
      {faults.false_conflict_rate > 0, Fault::kStoreFalseConflict},
      {faults.unknown_rate > 0, Fault::kCommitUnknownApplied},
      {faults.unknown_rate > 0, Fault::kCommitUnknownNotApplied},
      {faults.timed_out_rate > 0, Fault::kCommitTimedOut},
      {faults.version_changed_rate > 0, Fault::kCommitVersionChanged},
      {undecided > 0, Fault::kCommitLandedLate},
      {outages, Fault::kStoreUnavailable},
      {recoveries, Fault::kStoreRecovery},
  }};
  ledger.configure(Fault::kStoreConflict);
  for (const auto& [possible, fault] : configured) {
    if (possible) {
      ledger.configure(fault);
    }
  }
}

void configure_watch_faults(FaultLedger& ledger, const FdbFaults& faults) {
  if (faults.watch_late_rate > 0) {
    ledger.configure(Fault::kWatchLate);
  }
  if (faults.watch_spurious_rate > 0) {
    ledger.configure(Fault::kWatchSpurious);
  }
  if (faults.watch_missed_rate > 0) {
    ledger.configure(Fault::kWatchMissed);
  }
}

Duration any_magnitude(ChoiceStream& draws, Duration max) {
  constexpr uint64_t kHalvings = 14;
  return draws.between(Duration(), max / (int64_t{1} << draws.choose(kHalvings)));
}

bool may_have_committed(store::FdbErrorCode code) {
  return code == fdb_code::kUnknownResult || code == fdb_code::kVersionChanged;
}

bool is_retryable_not_committed(store::FdbErrorCode code) {
  // Besides the named ones: database_locked.
  static constexpr std::array<store::FdbErrorCode, 10> kCodes = {fdb_code::kTooOld,
                                                                 fdb_code::kFutureVersion,
                                                                 fdb_code::kNotCommitted,
                                                                 fdb_code::kProcessBehind,
                                                                 1038,
                                                                 fdb_code::kCommitMemory,
                                                                 fdb_code::kBatchThrottled,
                                                                 fdb_code::kReadVersionMemory,
                                                                 fdb_code::kTagThrottled,
                                                                 fdb_code::kProxyTagThrottled};
  return std::ranges::find(kCodes, code) != kCodes.end();
}

}  // namespace kelpie::sim
