// FdbStorage: the storage of the simulated cluster: FoundationDB's rules hold above a map in
// memory, a batch takes its time, and who watches hears of each one as it becomes visible.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string_view>

#include "base/time.h"
#include "sim/choices.h"
#include "sim/scheduler.h"
#include "store/backend.h"
#include "store/memory/memory_backend.h"

namespace kelpie::sim {

// One Loop.
class FdbStorage final : public store::Backend {
 public:
  using Observer = std::function<void(const store::CommitBatch&)>;

  // While a batch is on its way, for as long as is drawn from `times`, the next one gathers.
  FdbStorage(Scheduler& scheduler, SimLoop& loop, ChoiceStream& times, Duration apply_max)
      : scheduler_(scheduler), loop_(loop), times_(times), apply_max_(apply_max) {}

  [[nodiscard]] std::string_view name() const override { return "simulated-fdb"; }
  [[nodiscard]] std::shared_ptr<const store::Snapshot> latest() const override {
    return memory_.latest();
  }
  Task<void> apply(store::CommitBatch batch) override;

  void set_observer(Observer observer) { observer_ = std::move(observer); }
  // The newest state, for oracles.
  [[nodiscard]] const std::map<Bytes, Bytes>& contents() const { return contents_; }
  [[nodiscard]] bool holds_any(const store::KeyRange& range) const;

 private:
  void note(const store::CommitBatch& batch);

  Scheduler& scheduler_;
  SimLoop& loop_;
  ChoiceStream& times_;
  Duration apply_max_;
  store::MemoryBackend memory_;
  std::map<Bytes, Bytes> contents_;
  Observer observer_;
};

}  // namespace kelpie::sim
