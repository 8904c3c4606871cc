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
    if (disk_.read_fails(loop_)) {
      co_return base::unavailable("the disk did not answer a read");
    }
    co_return disk_.read(key, at_);
  }
  Task<RangePage> range(RangeRead read) const override {
    co_await async::sleep_for(loop_, disk_.read_time());
    if (disk_.read_fails(loop_)) {
      co_return base::unavailable("the disk did not answer a range read");
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
    if (disk_.write_fails(loop_)) {
      co_return base::resource_exhausted("the disk is full");
    }
    applying_ = true;
    disk_.write(batch);
    if (disk_.on_write_) {
      disk_.on_write_();
    }
    co_await async::sleep_for(loop_, disk_.sync_time());
    applying_ = false;
    if (disk_.sync_fails(loop_)) {
      sync_failed_ = true;
      co_return base::unknown("the disk did not sync");
    }
    acknowledged_ = batch.version;
    if (sync_failed_) {
      // A sync after a failed one succeeds, and proves nothing: the lost pages count as clean.
      disk_.scheduler_.note(loop_.label(), "store", "a sync that makes nothing durable");
      co_return kOk;
    }
    disk_.synced_ = batch.version;
    disk_.scheduler_.note(loop_.label(), "store", fmt::format("synced {}", batch.version.get()));
    co_return kOk;
  }

 private:
  DurableDisk& disk_;
  SimLoop& loop_;
  Version acknowledged_;
  bool applying_ = false;
  bool sync_failed_ = false;
};

DurableDisk::DurableDisk(Scheduler& scheduler, Choices& choices, FaultLedger& ledger,
                         DiskOptions options)
    : scheduler_(scheduler),
      ledger_(ledger),
      options_(options),
      times_(choices.stream("disk/time")),
      faults_(choices.stream("disk/fault")),
      crashes_(choices.stream("disk/crash")) {
  if (options_.slow_rate > 0) {
    ledger_.configure(Fault::kStorageLatency);
  }
  if (options_.write_fail_rate > 0) {
    ledger_.configure(Fault::kStorageWriteFail);
  }
  if (options_.sync_fail_rate > 0) {
    ledger_.configure(Fault::kStorageSyncFail);
  }
  set_read_fail_rate(options_.read_fail_rate);
}

std::unique_ptr<store::Backend> DurableDisk::open(SimLoop& loop) {
  // An incarnation that ended in order may have left a batch undecided; a restart decides it.
  crash();
  return std::make_unique<DurableBackend>(*this, loop);
}

void DurableDisk::crash() {
  if (written_ == synced_) {
    return;
  }
  ledger_.configure(Fault::kCrashBeforeWrite);
  ledger_.configure(Fault::kCrashAfterWrite);
  std::vector<Version> ends = {synced_};
  for (const auto& [key, history] : keys_) {
    for (auto it = history.upper_bound(synced_); it != history.end(); ++it) {
      ends.push_back(it->first);
    }
  }
  std::ranges::sort(ends);
  ends.erase(std::ranges::unique(ends).begin(), ends.end());
  const Version kept = ends[crashes_.choose(ends.size())];
  count("disk", kept < written_ ? Fault::kCrashBeforeWrite : Fault::kCrashAfterWrite);
  for (auto it = keys_.begin(); it != keys_.end();) {
    History& history = it->second;
    history.erase(history.upper_bound(kept), history.end());
    it = history.empty() ? keys_.erase(it) : std::next(it);
  }
  scheduler_.note("disk", "store",
                  fmt::format("crash: synced {}, written {}, kept {}", synced_.get(),
                              written_.get(), kept.get()));
  written_ = synced_ = kept;
}

void DurableDisk::set_read_fail_rate(uint64_t per_million) {
  options_.read_fail_rate = per_million;
  if (per_million > 0) {
    ledger_.configure(Fault::kStorageReadFail);
  }
}

void DurableDisk::heal() {
  options_.slow_rate = 0;
  options_.read_fail_rate = 0;
  options_.write_fail_rate = 0;
  options_.sync_fail_rate = 0;
}

void DurableDisk::write(const CommitBatch& batch) {
  CHECK(batch.version > written_);
  for (const Mutation& mutation : batch.mutations) {
    scheduler_.trace().mix(mutation.key);
    scheduler_.trace().mix(mutation.value);
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

bool DurableDisk::read_fails(const SimLoop& loop) {
  if (!faults_.chance(options_.read_fail_rate)) {
    return false;
  }
  count(loop.label(), Fault::kStorageReadFail);
  return true;
}

bool DurableDisk::write_fails(const SimLoop& loop) {
  if (!faults_.chance(options_.write_fail_rate)) {
    return false;
  }
  count(loop.label(), Fault::kStorageWriteFail);
  return true;
}

bool DurableDisk::sync_fails(const SimLoop& loop) {
  if (!faults_.chance(options_.sync_fail_rate)) {
    return false;
  }
  count(loop.label(), Fault::kStorageSyncFail);
  return true;
}

}  // namespace kelpie::sim
