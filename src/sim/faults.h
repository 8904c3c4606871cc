// Faults: what may go wrong in a run, how often production code has received it, and the answers
// to its questions about mutants and rare branches.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "sim/choices.h"
#include "sim/scheduler.h"
#include "world/faults.h"

namespace kelpie::sim {

enum class Fault : uint8_t {
  kNetworkDelay,            // bytes of the slow tail were read
  kNetworkClog,             // bytes that had been held back for seconds were read
  kNetworkPacketLoss,       // an operation failed because the connection was reset out of the blue
  kNetworkBlackHole,        // a connection that swallowed bytes for ever was given up
  kPartialRead,             // a read got less than had arrived
  kPartialWrite,            // a write took less than it could
  kConnectionRefused,       // a dial failed because nobody listened
  kCrashReset,              // an operation failed because the other host had crashed
  kCrashBeforeWrite,        // a crash lost a batch that was handed over and not yet synced
  kCrashAfterWrite,         // a crash kept such a batch though nobody had been told
  kCrashDuringTransaction,  // a crash hit while a batch was being made durable
  kStorageReadFail,         // a read of the store failed
  kStorageWriteFail,        // a commit of the store failed
  kStorageSyncFail,         // a sync failed: a commit of the store is undecided
  kStorageLatency,          // a read or sync of the store came late
  kClockJump,               // the wall clock was asked after it had jumped
};
inline constexpr size_t kFaultCount = static_cast<size_t>(Fault::kClockJump) + 1;
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
  // Errors of the store: what may explain that code under test complains, or ends.
  [[nodiscard]] uint64_t storage_errors() const {
    return received(Fault::kStorageReadFail) + received(Fault::kStorageWriteFail) +
           received(Fault::kStorageSyncFail);
  }
  void add(const FaultLedger& other);

 private:
  std::array<uint64_t, kFaultCount> configured_{};
  std::array<uint64_t, kFaultCount> received_{};
};

// The answers of one host. A mutant is on when the run's command names it; one that would leave
// nothing working if it always struck strikes now and then. A buggify site is on for a share of all
// seeds, by hash(seed, site), and then fires one time in four.
class SimFaults final : public world::Faults {
 public:
  SimFaults(Choices& choices, Scheduler& scheduler, std::string label,
            const std::set<std::string, std::less<>>& mutants, uint64_t buggify_per_million)
      : choices_(choices),
        scheduler_(scheduler),
        label_(std::move(label)),
        mutants_(mutants),
        buggify_per_million_(buggify_per_million) {}

  [[nodiscard]] bool mutant(std::string_view name) override;
  [[nodiscard]] bool buggify(std::string_view site) override;

 private:
  Choices& choices_;
  Scheduler& scheduler_;
  std::string label_;
  const std::set<std::string, std::less<>>& mutants_;
  uint64_t buggify_per_million_;
};

}  // namespace kelpie::sim
