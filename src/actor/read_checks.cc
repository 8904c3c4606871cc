#include "actor/read_checks.h"

#include <utility>

#include "async/sleep.h"
#include "world/faults.h"

namespace kelpie::actor {
namespace {

constexpr int kAttemptsMax = 5;
constexpr Duration kRetryPause = Duration::millis(1);

}  // namespace

ReadChecks::ReadChecks(World& world, store::Database& database)
    : world_(world), database_(database), scope_(world.loop, [](const Error&) {}) {}

Task<void> ReadChecks::pass(std::shared_ptr<cluster::EpochFence> fence) {
  if (world_.faults.mutant("M25")) {
    co_return kOk;
  }
  if (next_ && next_->fence != fence) {
    // Joined again since: whoever waits under another epoch is told by its own check.
    Batch alone(world_.loop, std::move(fence));
    co_await check(alone);
    co_return std::move(alone.result);
  }
  if (!next_) {
    next_ = std::make_shared<Batch>(world_.loop, std::move(fence));
  }
  const std::shared_ptr<Batch> batch = next_;
  if (!working_) {
    working_ = true;
    scope_.spawn(work());
  }
  co_await batch->done.wait();
  ++passed_;
  co_return batch->result;
}

Task<void> ReadChecks::work() {
  // All that the loop has at hand comes along.
  co_await async::yield(world_.loop);
  while (next_) {
    const std::shared_ptr<Batch> batch = std::exchange(next_, nullptr);
    co_await check(*batch);
    batch->done.set();
  }
  working_ = false;
  co_return kOk;
}

Task<void> ReadChecks::check(Batch& batch) {
  for (int attempt = 1;; ++attempt) {
    ++checks_;
    auto transaction = database_.begin();
    batch.result = co_await batch.fence->guard(*transaction).result();
    if (batch.result.ok() || batch.result.error().code != Code::kAborted ||
        attempt == kAttemptsMax) {
      co_return kOk;
    }
    co_await async::sleep_for(world_.loop, kRetryPause * attempt);
  }
}

}  // namespace kelpie::actor
