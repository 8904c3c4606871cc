// What a simulated FoundationDB cluster does to its clients in one run, drawn per seed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/time.h"
#include "sim/choices.h"
#include "sim/faults.h"
#include "store/fdb/c_api.h"

namespace kelpie::sim {

// Rates are per million of the occasion named; zero: never, and nothing is drawn. The numbers are
// the errors that the client sees.
struct FdbFaults {
  // Of requests for a read version or a read.
  uint64_t too_old_rate = 0;         // 1007; of commits too
  uint64_t future_version_rate = 0;  // 1009
  uint64_t process_behind_rate = 0;  // 1037
  uint64_t throttled_rate = 0;  // 1213, 1223, 1078; 1051 at batch priority; commits: 1042, 1213
  // Of all answers: they come up to `slow_max` later.
  uint64_t slow_rate = 0;
  Duration slow_max = Duration::millis(400);

  // Of commits that write.
  uint64_t false_conflict_rate = 0;  // 1020 although nothing it read was written
  uint64_t unknown_rate = 0;         // 1021; it happened or it did not, and it is over
  // 1031, 1039; it happened, or did not, or lands up to `late_max` later (unless what it read was
  // written), or the client has not sent it and does so later (unless its transaction is gone).
  uint64_t timed_out_rate = 0;
  uint64_t version_changed_rate = 0;
  Duration late_max = Duration::seconds(8);

  // Mean times between; zero: never. Requests hang for a while and go on, commits in flight end
  // with 1021; at a recovery with 1021 or 1039, versions jump, and older read versions are too old.
  Duration unavailable_interval;
  Duration recovery_interval;
  Duration outage_min = Duration::millis(500);
  Duration outage_max = Duration::seconds(8);

  // Of watches.
  uint64_t watch_late_rate = 0;  // it fires up to `watch_late_max` after the change
  Duration watch_late_max = Duration::seconds(30);
  uint64_t watch_spurious_rate = 0;  // it fires within `watch_late_max` though nothing has changed
  uint64_t watch_missed_rate = 0;    // it fails (1029, 1039) or stays silent instead of firing
};

// In this run these faults may happen; those of watches where somebody watches.
void configure_faults(FaultLedger& ledger, const FdbFaults& faults);
void configure_watch_faults(FaultLedger& ledger, const FdbFaults& faults);

// FoundationDB's error codes, by its names.
namespace fdb_code {
inline constexpr store::FdbErrorCode kTooOld = 1007;
inline constexpr store::FdbErrorCode kFutureVersion = 1009;
inline constexpr store::FdbErrorCode kNotCommitted = 1020;
inline constexpr store::FdbErrorCode kUnknownResult = 1021;
inline constexpr store::FdbErrorCode kTransactionCancelled = 1025;
inline constexpr store::FdbErrorCode kWatchCancelled = 1029;
inline constexpr store::FdbErrorCode kTimedOut = 1031;
inline constexpr store::FdbErrorCode kTooManyWatches = 1032;
inline constexpr store::FdbErrorCode kAccessedUnreadable = 1036;
inline constexpr store::FdbErrorCode kProcessBehind = 1037;
inline constexpr store::FdbErrorCode kVersionChanged = 1039;
inline constexpr store::FdbErrorCode kCommitMemory = 1042;
inline constexpr store::FdbErrorCode kBatchThrottled = 1051;
inline constexpr store::FdbErrorCode kReadVersionMemory = 1078;
inline constexpr store::FdbErrorCode kOperationCancelled = 1101;
inline constexpr store::FdbErrorCode kTagThrottled = 1213;
inline constexpr store::FdbErrorCode kProxyTagThrottled = 1223;
inline constexpr store::FdbErrorCode kNoClusterFile = 1515;
inline constexpr store::FdbErrorCode kKeyOutsideRange = 2004;
inline constexpr store::FdbErrorCode kFutureNotSet = 2015;
inline constexpr store::FdbErrorCode kNoStamp = 2020;
inline constexpr store::FdbErrorCode kReadOnlyHasNoStamp = 2021;
}  // namespace fdb_code

// Up to `max`, and as often of each order of magnitude: what is short enough to fall between two
// steps of one caller is drawn as often as what is long.
[[nodiscard]] Duration any_magnitude(ChoiceStream& draws, Duration max);

template <size_t N>
[[nodiscard]] store::FdbErrorCode one_of(ChoiceStream& draws,
                                         const std::array<store::FdbErrorCode, N>& codes) {
  return codes[draws.choose(N)];
}

// The classes of fdb_error_predicate.
[[nodiscard]] bool may_have_committed(store::FdbErrorCode code);
[[nodiscard]] bool is_retryable_not_committed(store::FdbErrorCode code);

}  // namespace kelpie::sim
