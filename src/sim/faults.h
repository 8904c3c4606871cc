// Faults: what may go wrong in a run, how often production code has received it, and the answers
// to its questions about mutants and rare branches.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "sim/choices.h"
#include "sim/scheduler.h"
#include "world/faults.h"

namespace kelpie::sim {

// What each one is, what the code sees of it, and which promises watch: the table in faults.cc.
enum class Fault : uint8_t {
  // the network
  kNetworkDelay,
  kNetworkClog,
  kNetworkPacketLoss,
  kNetworkBlackHole,
  kNetworkPartition,
  kNetworkMessageReorder,
  kNetworkSlowPair,
  kNetworkBitFlip,
  kPartialRead,
  kPartialWrite,
  kHalfClose,
  kConnectionRefused,
  // hosts
  kCrashReset,
  kCrashBeforeWrite,
  kCrashAfterWrite,
  kCrashTornWrite,
  kCrashDuringTransaction,
  kHostPause,
  kSlowCpu,
  kOutOfMemory,
  kGracefulStop,
  // a host's disk
  kStorageReadFail,
  kStorageWriteFail,
  kStorageSyncFail,
  kStorageCorruption,
  kStorageLatency,
  kDiskFull,
  // clocks
  kClockSkew,
  kClockJump,
  // a shared store (FoundationDB)
  kStoreConflict,
  kStoreFalseConflict,
  kStoreTooOld,
  kStoreFutureVersion,
  kStoreProcessBehind,
  kStoreThrottled,
  kStoreUnavailable,
  kStoreRecovery,
  kCommitUnknownApplied,
  kCommitUnknownNotApplied,
  kCommitTimedOut,
  kCommitVersionChanged,
  kCommitLandedLate,
  kWatchLate,
  kWatchSpurious,
  kWatchMissed,
  kNodeDeclaredDead,
  // the model provider
  kModelTimeout,
  kModelRateLimited,
  kModelServerError,
  kModelStreamCut,
  kModelMalformed,
  kModelDuplicateToolCall,
  kModelSlow,
  kModelEmptyAnswer,
  kModelHugeAnswer,
  // clients
  kClientDisconnect,
  kClientSlowReader,
  kClientSlowSender,
  kClientMalformed,
};
inline constexpr size_t kFaultCount = static_cast<size_t>(Fault::kClientMalformed) + 1;

struct FaultInfo {
  Fault fault;
  std::string_view name;
  std::string_view seen;     // what production code sees of it; when that is counted
  std::string_view watched;  // the promises that are at stake
};
// In the order of the enumerators.
std::span<const FaultInfo> fault_infos();
std::string_view fault_name(Fault fault);

// Counts faults when *production code receives them*, not when they are arranged. Can be added up
// over runs.
class FaultLedger {
 public:
  // In this run the fault may happen.
  void configure(Fault fault) { ++configured_[static_cast<size_t>(fault)]; }
  void receive(Fault fault) { ++received_[static_cast<size_t>(fault)]; }
  [[nodiscard]] uint64_t configured(Fault fault) const {
    return configured_[static_cast<size_t>(fault)];
  }
  [[nodiscard]] uint64_t received(Fault fault) const {
    return received_[static_cast<size_t>(fault)];
  }
  // The same, for an error that a disk gave: what may explain that code under test complains, or
  // does not start.
  void receive_disk_error(Fault fault) {
    receive(fault);
    ++disk_errors_;
  }
  [[nodiscard]] uint64_t disk_errors() const { return disk_errors_; }
  // Of these, what stops a store for good: nobody knows what is on the disk.
  [[nodiscard]] uint64_t undecided_writes() const {
    return received(Fault::kStorageWriteFail) + received(Fault::kStorageSyncFail);
  }
  void add(const FaultLedger& other);

 private:
  std::array<uint64_t, kFaultCount> configured_{};
  std::array<uint64_t, kFaultCount> received_{};
  uint64_t disk_errors_ = 0;
};

// How often each site of world/sites.h was asked or reached. Can be added up over runs.
class SiteLedger {
 public:
  // The site is in the list of its kind.
  void reached(std::string_view site) { ++counts_[std::string(site)]; }
  void add(const SiteLedger& other);
  [[nodiscard]] uint64_t count(std::string_view site) const;

 private:
  std::map<std::string, uint64_t, std::less<>> counts_;
};

// The answers of one host. A mutant is on when the run's command names it; one that would leave
// nothing working if it always struck strikes now and then. A buggify site is on for a share of all
// seeds, by hash(seed, site), and then fires one time in four.
class SimFaults final : public world::Faults {
 public:
  struct Hooks {
    std::function<void(std::string_view site)> broken;   // an `always` does not hold
    std::function<void(std::string_view site)> reached;  // a site was reached
  };
  SimFaults(Choices& choices, Scheduler& scheduler, SiteLedger& sites, std::string label,
            const std::set<std::string, std::less<>>& mutants, uint64_t buggify_per_million,
            Hooks hooks)
      : choices_(choices),
        scheduler_(scheduler),
        sites_(sites),
        label_(std::move(label)),
        mutants_(mutants),
        buggify_per_million_(buggify_per_million),
        hooks_(std::move(hooks)) {}

  [[nodiscard]] bool mutant(std::string_view name) override;
  [[nodiscard]] bool buggify(std::string_view site) override;
  void reached(std::string_view site) override;
  void always(std::string_view site, bool holds) override;

 private:
  Choices& choices_;
  Scheduler& scheduler_;
  SiteLedger& sites_;
  std::string label_;
  const std::set<std::string, std::less<>>& mutants_;
  uint64_t buggify_per_million_;
  Hooks hooks_;
};

}  // namespace kelpie::sim
