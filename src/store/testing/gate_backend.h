// GateBackend: a MemoryBackend whose batches wait at a gate and fail on demand. Test support.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "async/event.h"
#include "async/loop.h"
#include "store/memory/memory_backend.h"

namespace kelpie::store::testing {

class GateBackend final : public Backend {
 public:
  explicit GateBackend(Loop& loop) : gate(loop) { gate.set(); }

  [[nodiscard]] std::string_view name() const override { return "gate"; }
  [[nodiscard]] std::shared_ptr<const Snapshot> latest() const override {
    return std::make_shared<View>(memory_.latest(), unreadable);
  }
  Task<void> apply(CommitBatch batch) override {
    ++batches;
    co_await gate.wait();
    if (next_error) {
      co_return *std::exchange(next_error, std::nullopt);
    }
    memory_.apply_now(std::move(batch));
    co_return kOk;
  }

  async::Event gate;
  int batches = 0;
  // The next apply fails with this, and applies nothing.
  std::optional<Error> next_error;
  // Reading one of these keys is data_loss.
  std::set<Bytes> unreadable;

 private:
  class View final : public Snapshot {
   public:
    View(std::shared_ptr<const Snapshot> inner, const std::set<Bytes>& unreadable)
        : inner_(std::move(inner)), unreadable_(unreadable) {}
    [[nodiscard]] Version version() const override { return inner_->version(); }
    Task<std::optional<Bytes>> get(Bytes key) const override {
      if (unreadable_.contains(key)) {
        co_return base::data_loss("the block of this key fails its check");
      }
      co_return co_await inner_->get(std::move(key));
    }
    Task<RangePage> range(RangeRead read) const override { return inner_->range(std::move(read)); }

   private:
    std::shared_ptr<const Snapshot> inner_;
    const std::set<Bytes>& unreadable_;
  };
  MemoryBackend memory_;
};

}  // namespace kelpie::store::testing
