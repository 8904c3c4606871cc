#include "sim/faults.h"

namespace kelpie::sim {
namespace {

constexpr std::array<std::string_view, kFaultCount> kNames = {
    "NetworkDelay",     "NetworkClog",     "NetworkPacketLoss",      "NetworkBlackHole",
    "PartialRead",      "PartialWrite",    "ConnectionRefused",      "CrashReset",
    "CrashBeforeWrite", "CrashAfterWrite", "CrashDuringTransaction", "StorageReadFail",
    "StorageWriteFail", "StorageSyncFail", "StorageLatency",         "ClockJump",
};
constexpr uint64_t kFiringPerMillion = 250'000;
// A server that always replies too early cannot read back what it has just written.
constexpr std::string_view kRareMutant = "M8";
constexpr uint64_t kRareMutantPerMillion = 200'000;

}  // namespace

std::string_view fault_name(Fault fault) { return kNames[static_cast<size_t>(fault)]; }

void FaultLedger::add(const FaultLedger& other) {
  for (size_t i = 0; i < kFaultCount; ++i) {
    configured_[i] += other.configured_[i];
    received_[i] += other.received_[i];
  }
}

bool SimFaults::mutant(std::string_view name) {
  if (!mutants_.contains(name)) {
    return false;
  }
  return name != kRareMutant || choices_.stream("mutant/M8").chance(kRareMutantPerMillion);
}

bool SimFaults::buggify(std::string_view site) {
  const std::string name = "buggify/" + std::string(site);
  if (!choices_.seed_has(name, buggify_per_million_) ||
      !choices_.stream(name).chance(kFiringPerMillion)) {
    return false;
  }
  scheduler_.note(label_, "fault", name);
  return true;
}

}  // namespace kelpie::sim
