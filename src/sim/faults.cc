#include "sim/faults.h"

#include <algorithm>

#include "base/check.h"
#include "world/sites.h"

namespace kelpie::sim {
namespace {

constexpr std::array<FaultInfo, kFaultCount> kFaults = {{
    {Fault::kNetworkDelay, "NetworkDelay", "it reads bytes that took up to 0.4 s", "L2"},
    {Fault::kNetworkClog, "NetworkClog", "it reads bytes that were held back for seconds", "L2 S6"},
    {Fault::kNetworkPacketLoss, "NetworkPacketLoss",
     "a read or a write fails: the connection was reset out of the blue", "S3 S17 L2"},
    {Fault::kNetworkBlackHole, "NetworkBlackHole",
     "it gives up a connection that has swallowed bytes", "S17 L2"},
    {Fault::kNetworkPartition, "NetworkPartition",
     "bytes come after the cut has healed, a dial ends in nothing, or the connection has broken",
     "S1 S3 L2"},
    {Fault::kNetworkMessageReorder, "NetworkMessageReorder",
     "it reads bytes of one connection before older ones of another between the same hosts", "S4"},
    {Fault::kNetworkSlowPair, "NetworkSlowPair",
     "it reads bytes between two hosts whose latency is high for good", "L2"},
    {Fault::kNetworkBitFlip, "NetworkBitFlip", "a record of a TLS connection fails its check",
     "S17"},
    {Fault::kPartialRead, "PartialRead", "a read gets less than had arrived", "S17"},
    {Fault::kPartialWrite, "PartialWrite", "a write takes less than it could", "S17"},
    {Fault::kHalfClose, "HalfClose",
     "the other side has ended its direction and still wants the answer", "S17 L2"},
    {Fault::kConnectionRefused, "ConnectionRefused", "a dial fails because nobody listens", "L1"},
    {Fault::kCrashReset, "CrashReset", "an operation fails because the other host has crashed",
     "S3 S17"},
    {Fault::kCrashBeforeWrite, "CrashBeforeWrite",
     "a start finds that a batch which was handed over and not synced is lost", "S3 S6"},
    {Fault::kCrashAfterWrite, "CrashAfterWrite",
     "a start finds such a batch kept, though nobody was told", "S3 S6"},
    {Fault::kCrashTornWrite, "CrashTornWrite",
     "a start finds a batch dropped of which a half was on the disk; dropping it is the disk "
     "model's part, as it is RocksDB's",
     "S3"},
    {Fault::kCrashDuringTransaction, "CrashDuringTransaction",
     "it crashes while a batch is being made durable", "S3"},
    {Fault::kHostPause, "HostPause",
     "it runs on after having stood still, its monotonic clock ahead by that time", "S1 S4 L1"},
    {Fault::kSlowCpu, "SlowCpu", "each piece of its work takes milliseconds", "L2"},
    {Fault::kOutOfMemory, "OutOfMemory",
     "a read or a commit is refused for want of memory, or the process is killed", "S3 S20 L1"},
    {Fault::kGracefulStop, "GracefulStop",
     "it is told to stop while work is in flight, and has ended in order", "S21 S3 S17 L1"},
    {Fault::kStorageReadFail, "StorageReadFail", "a read of the store fails", "S20"},
    {Fault::kStorageWriteFail, "StorageWriteFail",
     "writing a batch fails: the commit is undecided and the store stops", "S3"},
    {Fault::kStorageSyncFail, "StorageSyncFail",
     "a sync fails: the commit is undecided and the store stops", "S3"},
    {Fault::kStorageCorruption, "StorageCorruption",
     "a read finds a block that fails its checksum: data loss, said aloud", "S20 S3"},
    {Fault::kStorageLatency, "StorageLatency", "a read or a sync of the store comes late", "L2 S4"},
    {Fault::kDiskFull, "DiskFull", "a commit is refused and has certainly not happened", "S3 S6"},
    {Fault::kClockSkew, "ClockSkew", "it asks a wall clock that runs fast, slow or in steps",
     "L1 L2"},
    {Fault::kClockJump, "ClockJump", "it asks a wall clock that has jumped", "L1 L2"},
    {Fault::kStoreConflict, "StoreConflict", "a commit is refused: what it read was written",
     "S19"},
    {Fault::kStoreFalseConflict, "StoreFalseConflict",
     "a commit is refused although nothing it read was written", "S19 L1"},
    {Fault::kStoreTooOld, "StoreTooOld", "a read or a commit is refused: transaction_too_old",
     "S19 L1"},
    {Fault::kStoreFutureVersion, "StoreFutureVersion", "a read fails: future_version", "L1"},
    {Fault::kStoreProcessBehind, "StoreProcessBehind", "a read fails: process_behind", "L1"},
    {Fault::kStoreThrottled, "StoreThrottled", "a request is refused for overload", "L1"},
    {Fault::kStoreUnavailable, "StoreUnavailable",
     "an answer comes after the store has stood still for seconds", "L1 L2"},
    {Fault::kStoreRecovery, "StoreRecovery",
     "versions jump by about 100 s, commits in flight are undecided", "S1 S2"},
    {Fault::kCommitUnknownApplied, "CommitUnknownApplied",
     "commit_unknown_result of a commit that happened", "S3 S6"},
    {Fault::kCommitUnknownNotApplied, "CommitUnknownNotApplied",
     "commit_unknown_result of a commit that did not happen", "S3 S6"},
    {Fault::kCommitTimedOut, "CommitTimedOut", "timed_out: the commit may land later", "S3 S6"},
    {Fault::kCommitVersionChanged, "CommitVersionChanged",
     "cluster_version_changed: the commit may land later", "S3 S6"},
    {Fault::kCommitLandedLate, "CommitLandedLate",
     "a commit that was undecided has landed, or was refused, later", "S1 S6"},
    {Fault::kWatchLate, "WatchLate", "a watch fires long after the change", "none: a hint"},
    {Fault::kWatchSpurious, "WatchSpurious", "a watch fires without a change", "none: a hint"},
    {Fault::kWatchMissed, "WatchMissed", "a watch fails instead of firing", "none: a hint"},
    {Fault::kNodeDeclaredDead, "NodeDeclaredDead",
     "a turn or an activation finds that its node's epoch was replaced", "S1 S2 L1"},
    {Fault::kModelTimeout, "ModelTimeout", "the provider does not answer", "S16 L2"},
    {Fault::kModelRateLimited, "ModelRateLimited", "the provider answers 429", "S16 L2"},
    {Fault::kModelServerError, "ModelServerError", "the provider answers 5xx", "S16 L2"},
    {Fault::kModelStreamCut, "ModelStreamCut", "the provider's stream ends in the middle",
     "S16 L2"},
    {Fault::kModelMalformed, "ModelMalformed", "the provider's answer is no JSON", "S16 L2"},
    {Fault::kModelDuplicateToolCall, "ModelDuplicateToolCall",
     "the provider sends one tool call twice", "S16"},
    {Fault::kModelSlow, "ModelSlow", "the provider's tokens come seconds apart", "L2"},
    {Fault::kModelEmptyAnswer, "ModelEmptyAnswer", "the provider answers with nothing", "S16 L2"},
    {Fault::kModelHugeAnswer, "ModelHugeAnswer", "the provider's answer is beyond the limit",
     "S16 L2"},
    {Fault::kClientDisconnect, "ClientDisconnect", "a client leaves in the middle of its stream",
     "S17 S21"},
    {Fault::kClientSlowReader, "ClientSlowReader", "a client reads its stream slowly", "L2"},
    {Fault::kClientSlowSender, "ClientSlowSender", "a client's request comes in pieces", "L2"},
    {Fault::kClientMalformed, "ClientMalformed", "a request that is no request", "S17"},
}};
constexpr uint64_t kFiringPerMillion = 250'000;
// A server that always replies too early cannot read back what it has just written.
constexpr std::string_view kRareMutant = "M8";
constexpr uint64_t kRareMutantPerMillion = 200'000;

}  // namespace

// The table is in the order of the enumerators.
static_assert([] {
  for (size_t i = 0; i < kFaultCount; ++i) {
    if (kFaults[i].fault != static_cast<Fault>(i)) {
      return false;
    }
  }
  return true;
}());

std::span<const FaultInfo> fault_infos() { return kFaults; }

std::string_view fault_name(Fault fault) { return kFaults[static_cast<size_t>(fault)].name; }

void FaultLedger::add(const FaultLedger& other) {
  for (size_t i = 0; i < kFaultCount; ++i) {
    configured_[i] += other.configured_[i];
    received_[i] += other.received_[i];
  }
  disk_errors_ += other.disk_errors_;
}

void SiteLedger::add(const SiteLedger& other) {
  for (const auto& [site, count] : other.counts_) {
    counts_[site] += count;
  }
}

uint64_t SiteLedger::count(std::string_view site) const {
  const auto found = counts_.find(site);
  return found == counts_.end() ? 0 : found->second;
}

bool SimFaults::mutant(std::string_view name) {
  if (!mutants_.contains(name)) {
    return false;
  }
  return name != kRareMutant || choices_.stream("mutant/M8").chance(kRareMutantPerMillion);
}

bool SimFaults::buggify(std::string_view site) {
  CHECK(std::ranges::find(world::kBuggifySites, site) != world::kBuggifySites.end());
  const std::string name = "buggify/" + std::string(site);
  if (!choices_.seed_has(name, buggify_per_million_) ||
      !choices_.stream(name).chance(kFiringPerMillion)) {
    return false;
  }
  sites_.reached(site);
  scheduler_.note(label_, "fault", name);
  return true;
}

void SimFaults::reached(std::string_view site) {
  CHECK(std::ranges::find(world::kReachedSites, site) != world::kReachedSites.end());
  sites_.reached(site);
  hooks_.reached(site);
}

void SimFaults::always(std::string_view site, bool holds) {
  CHECK(std::ranges::find(world::kAlwaysSites, site) != world::kAlwaysSites.end());
  sites_.reached(site);
  if (!holds) {
    hooks_.broken(site);
  }
}

}  // namespace kelpie::sim
