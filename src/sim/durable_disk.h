// DurableDisk: one host's disk under the production commit pipeline. It survives crashes of its
// host; what was written and not synced survives them, or does not, as a prefix.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "sim/choices.h"
#include "sim/faults.h"
#include "sim/scheduler.h"
#include "store/backend.h"

namespace kelpie::sim {

// What a run's disk does, drawn per seed. Rates are per million of the occasion named.
struct DiskOptions {
  Duration read_max = Duration::micros(100);
  // No fault, and never healed: a read that is overtaken by commits, so that what it yields is old.
  uint64_t read_tail_rate = 0;  // a read takes up to read_tail_max
  Duration read_tail_max = Duration::millis(30);
  Duration sync_min = Duration::micros(100);
  Duration sync_max = Duration::millis(3);
  uint64_t slow_rate = 0;  // a read or a sync takes up to slow_max
  Duration slow_max = Duration::seconds(1);
  uint64_t read_fail_rate = 0;
  uint64_t corrupt_rate = 0;     // a read finds a block whose checksum is wrong
  uint64_t no_memory_rate = 0;   // a read or a batch is refused for want of memory
  uint64_t full_rate = 0;        // a batch is refused: the disk is full
  uint64_t write_fail_rate = 0;  // writing a batch fails halfway: a restart drops it
  uint64_t sync_fail_rate = 0;   // a batch is written and its sync fails
  // Planted bug M31: a batch is acknowledged before its sync.
  bool acknowledges_unsynced = false;
};

class DurableDisk {
 public:
  DurableDisk(Scheduler& scheduler, Choices& choices, FaultLedger& ledger, DiskOptions options);
  DurableDisk(const DurableDisk&) = delete;
  DurableDisk& operator=(const DurableDisk&) = delete;

  // The engine of one incarnation of the host. The disk outlives it and its snapshots. One at a
  // time.
  std::unique_ptr<store::Backend> open(SimLoop& loop);
  // The host is gone: each batch that was written and not synced is kept, lost, torn or garbled;
  // those kept are a prefix of what was written, and a batch that is not whole is dropped as a
  // whole by the next start.
  void crash();
  // The process is gone and the host is not: the system still has all that was written.
  void killed();

  // Hears of each batch that is durable, in order: when it is synced, or when a crash has kept it.
  using Observer = std::function<void(const store::CommitBatch&)>;
  void set_observer(Observer observer) { observer_ = std::move(observer); }

  // Hears of each batch between its write and its sync: the moment to crash at.
  void set_write_listener(std::function<void()> listener) { on_write_ = std::move(listener); }

  // From now on reads fail so often.
  void set_read_fail_rate(uint64_t per_million);
  // No more faults of any kind, but at the rates of `left`.
  void heal(const DiskOptions& left = {});

  // What a reader of the disk itself sees, for oracles: the newest durable state.
  [[nodiscard]] std::map<Bytes, Bytes> contents() const;
  // Whether the range holds anything in it.
  [[nodiscard]] bool holds_any(const store::KeyRange& range) const;
  [[nodiscard]] store::Version synced() const { return synced_; }
  // Whether a batch is written and not synced.
  [[nodiscard]] bool undecided() const { return written_ != synced_; }

 private:
  friend class DurableBackend;
  friend class DiskSnapshot;
  using History = std::map<store::Version, std::optional<Bytes>>;

  void write(const store::CommitBatch& batch);
  // For readers of the trace: a mutation of the batch that is being written.
  void remark(store::Version version, const store::Mutation& mutation);
  // All up to the version is durable.
  void settle(store::Version version);
  [[nodiscard]] std::optional<Bytes> read(const Bytes& key, store::Version at) const;
  [[nodiscard]] store::RangePage read_range(const store::RangeRead& read, store::Version at) const;
  Duration read_time();
  Duration sync_time();
  // What the occasion ends with, if a fault strikes.
  std::optional<Error> read_fault(const SimLoop& loop);
  std::optional<Error> write_fault(const SimLoop& loop);
  bool strikes(uint64_t rate, const SimLoop& loop, Fault fault);
  void count(std::string_view who, Fault fault);

  Scheduler& scheduler_;
  FaultLedger& ledger_;
  DiskOptions options_;
  ChoiceStream& times_;
  ChoiceStream& faults_;
  ChoiceStream& crashes_;
  std::function<void()> on_write_;
  Observer observer_;
  std::deque<store::CommitBatch> unsynced_;  // written, oldest first
  std::vector<Fault> unseen_;                // what the next start meets
  std::map<Bytes, History> keys_;
  store::Version written_{0};
  store::Version synced_{0};
};

}  // namespace kelpie::sim
