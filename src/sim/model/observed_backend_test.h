// ObservedBackend: a MemoryBackend that shows each batch that it applied. Test support.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "store/memory/memory_backend.h"

namespace kelpie::sim {

class ObservedBackend final : public store::Backend {
 public:
  using Observer = std::function<void(const store::CommitBatch&)>;
  explicit ObservedBackend(Observer observer) : observer_(std::move(observer)) {}

  [[nodiscard]] std::string_view name() const override { return "observed"; }
  [[nodiscard]] std::shared_ptr<const store::Snapshot> latest() const override {
    return memory_.latest();
  }
  Task<void> apply(store::CommitBatch batch) override {
    observer_(batch);
    memory_.apply_now(std::move(batch));
    co_return kOk;
  }

 private:
  Observer observer_;
  store::MemoryBackend memory_;
};

}  // namespace kelpie::sim
