// DurableDisk: one host's disk under the production commit pipeline. It survives crashes of its
// host; what was written and not synced survives them, or does not, as a prefix.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

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
  uint64_t write_fail_rate = 0;  // a batch is refused: the disk is full
  uint64_t sync_fail_rate = 0;   // a batch is written and its sync fails
};

class DurableDisk {
 public:
  DurableDisk(Scheduler& scheduler, Choices& choices, FaultLedger& ledger, DiskOptions options);
  DurableDisk(const DurableDisk&) = delete;
  DurableDisk& operator=(const DurableDisk&) = delete;

  // The engine of one incarnation of the host. The disk outlives it and its snapshots. One at a
  // time.
  std::unique_ptr<store::Backend> open(SimLoop& loop);
  // The host is gone: each batch that was written and not synced is kept or lost; those kept are a
  // prefix of what was written.
  void crash();

  // Hears of each batch between its write and its sync: the moment to crash at.
  void set_write_listener(std::function<void()> listener) { on_write_ = std::move(listener); }

  // From now on reads fail so often.
  void set_read_fail_rate(uint64_t per_million);
  // No more faults of any kind.
  void heal();

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
  [[nodiscard]] std::optional<Bytes> read(const Bytes& key, store::Version at) const;
  [[nodiscard]] store::RangePage read_range(const store::RangeRead& read, store::Version at) const;
  Duration read_time();
  Duration sync_time();
  bool read_fails(const SimLoop& loop);
  bool write_fails(const SimLoop& loop);
  bool sync_fails(const SimLoop& loop);
  void count(std::string_view who, Fault fault);

  Scheduler& scheduler_;
  FaultLedger& ledger_;
  DiskOptions options_;
  ChoiceStream& times_;
  ChoiceStream& faults_;
  ChoiceStream& crashes_;
  std::function<void()> on_write_;
  std::map<Bytes, History> keys_;
  store::Version written_{0};
  store::Version synced_{0};
};

}  // namespace kelpie::sim
