#include "sim/durable_disk.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "async/sleep.h"
#include "base/check.h"

namespace kelpie::sim {

using store::CommitBatch;
using store::Mutation;
using store::RangePage;
using store::RangeRead;
using store::Version;

class DiskSnapshot final : public store::Snapshot {
 public:
  DiskSnapshot(DurableDisk& disk, SimLoop& loop, Version at) : disk_(disk), loop_(loop), at_(at) {}

  [[nodiscard]] Version version() const override { return at_; }
  Task<std::optional<Bytes>> get(Bytes key) const override {
    co_await async::sleep_for(loop_, disk_.read_time());
    if (std::optional<Error> fault = disk_.read_fault(loop_)) {
      co_return *std::move(fault);
    }
    co_return disk_.read(key, at_);
  }
  Task<RangePage> range(RangeRead read) const override {
    co_await async::sleep_for(loop_, disk_.read_time());
    if (std::optional<Error> fault = disk_.read_fault(loop_)) {
      co_return *std::move(fault);
    }
    co_return disk_.read_range(read, at_);
  }

 private:
  DurableDisk& disk_;
  SimLoop& loop_;
  Version at_;
};

class DurableBackend final : public store::Backend {
 public:
  DurableBackend(DurableDisk& disk, SimLoop& loop)
      : disk_(disk), loop_(loop), acknowledged_(disk.synced_) {}

  [[nodiscard]] std::string_view name() const override { return "simulated"; }
  [[nodiscard]] std::shared_ptr<const store::Snapshot> latest() const override {
    return std::make_shared<DiskSnapshot>(disk_, loop_, acknowledged_);
  }
  Task<void> apply(CommitBatch batch) override {
    CHECK(!applying_);
    if (std::optional<Error> fault = disk_.write_fault(loop_)) {
      co_return *std::move(fault);
    }
    if (disk_.strikes(disk_.options_.write_fail_rate, loop_, Fault::kStorageWriteFail)) {
      // Whatever part of it is in the file, no start takes it for whole.
      broken_ = true;
      co_return base::unknown("the disk failed while a batch was written");
    }
    applying_ = true;
    disk_.write(batch);
    if (disk_.on_write_) {
      disk_.on_write_();
    }
    if (!disk_.options_.acknowledges_unsynced) {
      co_await async::sleep_for(loop_, disk_.sync_time());
    }
    applying_ = false;
    if (disk_.strikes(disk_.options_.sync_fail_rate, loop_, Fault::kStorageSyncFail)) {
      broken_ = true;
      co_return base::unknown("the disk did not sync");
    }
    acknowledged_ = batch.version;
    if (broken_ || disk_.options_.acknowledges_unsynced) {
      // A sync after a failed one succeeds, and proves nothing: the lost pages count as clean.
      disk_.scheduler_.note(loop_.label(), "store", "a sync that makes nothing durable");
      co_return kOk;
    }
    disk_.settle(batch.version);
    disk_.scheduler_.note(loop_.label(), "store", fmt::format("synced {}", batch.version.get()));
    co_return kOk;
  }

 private:
  DurableDisk& disk_;
  SimLoop& loop_;
  Version acknowledged_;
  bool applying_ = false;
  bool broken_ = false;
};

DurableDisk::DurableDisk(Scheduler& scheduler, Choices& choices, FaultLedger& ledger,
                         DiskOptions options)
    : scheduler_(scheduler),
      ledger_(ledger),
      options_(options),
      times_(choices.stream("disk/time")),
      faults_(choices.stream("disk/fault")),
      crashes_(choices.stream("disk/crash")) {
  const std::pair<uint64_t, Fault> rates[] = {
      {options.slow_rate, Fault::kStorageLatency},
      {options.corrupt_rate, Fault::kStorageCorruption},
      {options.no_memory_rate, Fault::kOutOfMemory},
      {options.full_rate, Fault::kDiskFull},
      {options.write_fail_rate, Fault::kStorageWriteFail},
      {options.sync_fail_rate, Fault::kStorageSyncFail},
  };
  for (const auto& [rate, fault] : rates) {
    if (rate > 0) {
      ledger_.configure(fault);
    }
  }
  set_read_fail_rate(options_.read_fail_rate);
}

std::unique_ptr<store::Backend> DurableDisk::open(SimLoop& loop) {
  // An incarnation that ended in order may have left a batch undecided; a restart decides it.
  crash();
  for (const Fault fault : std::exchange(unseen_, {})) {
    count(loop.label(), fault);
  }
  return std::make_unique<DurableBackend>(*this, loop);
}

void DurableDisk::crash() {
  if (unsynced_.empty()) {
    return;
  }
  ledger_.configure(Fault::kCrashBeforeWrite);
  ledger_.configure(Fault::kCrashAfterWrite);
  ledger_.configure(Fault::kCrashTornWrite);
  const uint64_t keeps = crashes_.choose(unsynced_.size() + 1);
  const Version kept = keeps == 0 ? synced_ : unsynced_[keeps - 1].version;
  const bool loses = kept < written_;
  // Of the first one that is lost, half may be there, or all of it with a wrong bit.
  const bool torn = loses && crashes_.choose(3) > 0;
  unseen_.push_back(loses ? Fault::kCrashBeforeWrite : Fault::kCrashAfterWrite);
  if (torn) {
    unseen_.push_back(Fault::kCrashTornWrite);
  }
  scheduler_.note("disk", "store",
                  fmt::format("crash: synced {}, written {}, kept {}{}", synced_.get(),
                              written_.get(), kept.get(), torn ? ", the next one torn" : ""));
  settle(kept);
  unsynced_.clear();
  for (auto it = keys_.begin(); it != keys_.end();) {
    History& history = it->second;
    history.erase(history.upper_bound(kept), history.end());
    it = history.empty() ? keys_.erase(it) : std::next(it);
  }
  written_ = synced_;
}

void DurableDisk::killed() {
  // The system writes its pages back by and by; the next start reads them from it and syncs.
  settle(written_);
}

void DurableDisk::settle(Version version) {
  while (!unsynced_.empty() && unsynced_.front().version <= version) {
    if (observer_) {
      observer_(unsynced_.front());
    }
    unsynced_.pop_front();
  }
  synced_ = std::max(synced_, version);
}

void DurableDisk::set_read_fail_rate(uint64_t per_million) {
  options_.read_fail_rate = per_million;
  if (per_million > 0) {
    ledger_.configure(Fault::kStorageReadFail);
  }
}

void DurableDisk::heal(const DiskOptions& left) {
  options_.slow_rate = left.slow_rate;
  options_.read_fail_rate = left.read_fail_rate;
  options_.corrupt_rate = left.corrupt_rate;
  options_.no_memory_rate = left.no_memory_rate;
  options_.full_rate = left.full_rate;
  options_.write_fail_rate = left.write_fail_rate;
  options_.sync_fail_rate = left.sync_fail_rate;
}

void DurableDisk::remark(Version version, const Mutation& mutation) {
  if (scheduler_.trace().readable()) {
    constexpr size_t kShownBytes = 400;
    const char* const verbs[] = {"set", "clear", "clear_range"};
    scheduler_.trace().remark(
        scheduler_.now_ns(), "disk", "write",
        fmt::format("{} {} {} = {}", version.get(), verbs[static_cast<size_t>(mutation.kind)],
                    printable(mutation.key, kShownBytes), printable(mutation.value, kShownBytes)));
  }
}

void DurableDisk::write(const CommitBatch& batch) {
  CHECK(batch.version > written_);
  for (const Mutation& mutation : batch.mutations) {
    scheduler_.trace().mix(mutation.key);
    scheduler_.trace().mix(mutation.value);
    remark(batch.version, mutation);
    switch (mutation.kind) {
      case Mutation::Kind::kSet:
        keys_[mutation.key].insert_or_assign(batch.version, mutation.value);
        break;
      case Mutation::Kind::kClear:
        keys_[mutation.key].insert_or_assign(batch.version, std::nullopt);
        break;
      case Mutation::Kind::kClearRange:
        for (auto it = keys_.lower_bound(mutation.key);
             it != keys_.end() && it->first < mutation.value; ++it) {
          it->second.insert_or_assign(batch.version, std::nullopt);
        }
        break;
    }
  }
  written_ = batch.version;
  unsynced_.push_back(batch);
  scheduler_.note(
      "disk", "store",
      fmt::format("wrote {} with {} mutations", batch.version.get(), batch.mutations.size()));
}

std::optional<Bytes> DurableDisk::read(const Bytes& key, Version at) const {
  const auto found = keys_.find(key);
  if (found == keys_.end()) {
    return std::nullopt;
  }
  auto after = found->second.upper_bound(at);
  return after == found->second.begin() ? std::nullopt : std::prev(after)->second;
}

RangePage DurableDisk::read_range(const RangeRead& request, Version at) const {
  RangePage page;
  if (request.range.empty()) {
    return page;
  }
  std::vector<const Bytes*> keys;
  for (auto it = keys_.lower_bound(request.range.begin);
       it != keys_.end() && it->first < request.range.end; ++it) {
    keys.push_back(&it->first);
  }
  if (request.order == store::Order::kReverse) {
    std::ranges::reverse(keys);
  }
  size_t bytes = 0;
  for (const Bytes* key : keys) {
    std::optional<Bytes> value = read(*key, at);
    if (!value) {
      continue;
    }
    if (!page.rows.empty() &&
        (page.rows.size() >= request.rows_max || bytes >= request.bytes_max)) {
      const Bytes& last = page.rows.back().key;
      page.more = true;
      page.next = request.order == store::Order::kForward
                      ? store::KeyRange{last + '\0', request.range.end}
                      : store::KeyRange{request.range.begin, last};
      break;
    }
    bytes += key->size() + value->size();
    page.rows.push_back(store::KeyValue{*key, std::move(*value)});
  }
  return page;
}

std::map<Bytes, Bytes> DurableDisk::contents() const {
  std::map<Bytes, Bytes> contents;
  for (const auto& [key, history] : keys_) {
    if (std::optional<Bytes> value = read(key, synced_)) {
      contents.emplace(key, *std::move(value));
    }
  }
  return contents;
}

bool DurableDisk::holds_any(const store::KeyRange& range) const {
  return !read_range(RangeRead{.range = range, .rows_max = 1}, synced_).rows.empty();
}

void DurableDisk::count(std::string_view who, Fault fault) {
  ledger_.receive(fault);
  scheduler_.note(who, "fault", fault_name(fault));
}

Duration DurableDisk::read_time() {
  if (faults_.chance(options_.slow_rate)) {
    count("disk", Fault::kStorageLatency);
    return times_.between(options_.read_max, options_.slow_max);
  }
  const bool tail = times_.chance(options_.read_tail_rate);
  return times_.between(Duration::micros(1), tail ? options_.read_tail_max : options_.read_max);
}

Duration DurableDisk::sync_time() {
  if (faults_.chance(options_.slow_rate)) {
    count("disk", Fault::kStorageLatency);
    return times_.between(options_.sync_max, options_.slow_max);
  }
  return times_.between(options_.sync_min, options_.sync_max);
}

bool DurableDisk::strikes(uint64_t rate, const SimLoop& loop, Fault fault) {
  if (!faults_.chance(rate)) {
    return false;
  }
  ledger_.receive_disk_error(fault);
  scheduler_.note(loop.label(), "fault", fault_name(fault));
  return true;
}

std::optional<Error> DurableDisk::read_fault(const SimLoop& loop) {
  if (strikes(options_.read_fail_rate, loop, Fault::kStorageReadFail)) {
    return base::unavailable("the disk did not answer a read");
  }
  if (strikes(options_.corrupt_rate, loop, Fault::kStorageCorruption)) {
    return base::data_loss("a block of the disk fails its checksum");
  }
  if (strikes(options_.no_memory_rate, loop, Fault::kOutOfMemory)) {
    return base::resource_exhausted("no memory to read a block into");
  }
  return std::nullopt;
}

std::optional<Error> DurableDisk::write_fault(const SimLoop& loop) {
  if (strikes(options_.full_rate, loop, Fault::kDiskFull)) {
    return base::resource_exhausted("the disk is full");
  }
  if (strikes(options_.no_memory_rate, loop, Fault::kOutOfMemory)) {
    return base::resource_exhausted("no memory for a batch");
  }
  return std::nullopt;
}

}  // namespace kelpie::sim
