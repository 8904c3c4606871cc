// Wake-ups: whoever waits for something that has happened goes on (L2, M30). A task that never ends
// is found by SmallRun.
#include <memory>
#include <optional>
#include <string>

#include "async/channel.h"
#include "async/event.h"
#include "async/select.h"
#include "async/semaphore.h"
#include "async/sleep.h"
#include "sim/explore/small_scenarios.h"
#include "store/local_database.h"
#include "store/memory/memory_backend.h"

namespace kelpie::sim {
namespace {

// Two senders and two receivers of a channel with room for one.
class ChannelWakeUps final : public SmallScenario {
 public:
  explicit ChannelWakeUps(SmallRun& run) : run_(run) {}

  Task<void> set_up() override { co_return kOk; }
  void start() override {
    for (int i = 1; i <= 2; ++i) {
      run_.spawn(host_, "sender " + std::to_string(i), channel_.send(i));
      run_.spawn(host_, "receiver " + std::to_string(i), receive());
    }
  }
  Task<void> judge() override {
    if (sum_ != 3 || channel_.size() > 0) {
      run_.fail("L2", "1 and 2 were sent, and received was a sum of " + std::to_string(sum_));
    }
    run_.end_in(std::to_string(first_));
    co_return kOk;
  }

 private:
  Task<void> receive() {
    const std::optional<int> value = co_await channel_.receive();
    sum_ += value.value_or(0);
    first_ = first_ == 0 ? value.value_or(0) : first_;
    co_return kOk;
  }

  SmallRun& run_;
  SimHost& host_{run_.add_host("host")};
  async::Channel<int> channel_{host_.loop(), 1};
  int sum_ = 0;
  int first_ = 0;
};

// Three tasks want one permit; one of them gives up at any moment.
class SemaphoreWakeUps final : public SmallScenario {
 public:
  explicit SemaphoreWakeUps(SmallRun& run) : run_(run) {}

  Task<void> set_up() override { co_return kOk; }
  void start() override {
    run_.spawn(host_, "the first", hold());
    run_.spawn(host_, "who gives up", give_up());
    run_.spawn(host_, "the last", hold());
  }
  Task<void> judge() override {
    if (held_max_ > 1 || semaphore_.waiting() > 0) {
      run_.fail("L2", std::to_string(held_max_) + " held one permit at a time");
    }
    run_.end_in(std::to_string(holds_));
    co_return kOk;
  }

 private:
  // A task that is dropped does not count itself out, so this counts in its destructor.
  struct Holding {
    explicit Holding(int& count) : held(count) { ++held; }
    Holding(const Holding&) = delete;
    Holding& operator=(const Holding&) = delete;
    ~Holding() { --held; }
    int& held;
  };
  Task<void> hold() {
    const async::Semaphore::Permit permit = co_await semaphore_.acquire();
    const Holding holding(held_);
    held_max_ = std::max(held_max_, held_);
    co_await async::yield(host_.loop());
    ++holds_;
    co_return kOk;
  }
  Task<void> give_up() {
    static_cast<void>(co_await async::timeout(host_.loop(), Duration(), hold()).result());
    co_return kOk;
  }

  SmallRun& run_;
  SimHost& host_{run_.add_host("host")};
  async::Semaphore semaphore_{host_.loop(), 1};
  int held_ = 0;
  int held_max_ = 0;
  int holds_ = 0;
};

// A memory engine whose reads and writes take a while.
class SlowBackend final : public store::Backend {
 public:
  explicit SlowBackend(Loop& loop) : loop_(loop) {}
  [[nodiscard]] std::string_view name() const override { return "memory"; }
  [[nodiscard]] std::shared_ptr<const store::Snapshot> latest() const override {
    return std::make_shared<View>(loop_, memory_.latest());
  }
  Task<void> apply(store::CommitBatch batch) override {
    co_await async::yield(loop_);
    memory_.apply_now(std::move(batch));
    co_await async::yield(loop_);
    co_return kOk;
  }

 private:
  class View final : public store::Snapshot {
   public:
    View(Loop& loop, std::shared_ptr<const store::Snapshot> inner)
        : loop_(loop), inner_(std::move(inner)) {}
    [[nodiscard]] store::Version version() const override { return inner_->version(); }
    Task<std::optional<Bytes>> get(Bytes key) const override {
      co_await async::yield(loop_);
      co_return co_await inner_->get(std::move(key));
    }
    Task<store::RangePage> range(store::RangeRead read) const override {
      return inner_->range(std::move(read));
    }

   private:
    Loop& loop_;
    std::shared_ptr<const store::Snapshot> inner_;
  };
  Loop& loop_;
  store::MemoryBackend memory_;
};

// A watch of what a key was, against the commit that changes it.
class WatchAgainstCommit final : public SmallScenario {
 public:
  explicit WatchAgainstCommit(SmallRun& run) : run_(run) {}

  Task<void> set_up() override { co_return kOk; }
  void start() override {
    run_.spawn(host_, "the watcher", watch());
    run_.spawn(host_, "the writer", write());
  }
  Task<void> judge() override {
    run_.end_in(waited_ ? "waited" : "seen");
    co_return kOk;
  }

 private:
  Task<void> watch() {
    const std::unique_ptr<store::Transaction> transaction = database_.begin();
    const bool there = (co_await transaction->get("key")).has_value();
    const std::unique_ptr<store::Watch> watch = transaction->watch("key");
    co_await transaction->commit();
    if (!there) {
      waited_ = true;
      co_await watch->changed();
    }
    co_return kOk;
  }
  Task<void> write() {
    const std::unique_ptr<store::Transaction> transaction = database_.begin();
    transaction->set("key", "value");
    co_await transaction->commit();
    co_return kOk;
  }

  SmallRun& run_;
  SimHost& host_{run_.add_host("host")};
  SlowBackend backend_{host_.loop()};
  store::LocalDatabase database_{host_.world(), backend_};
  bool waited_ = false;
};

}  // namespace

std::unique_ptr<SmallScenario> make_channel_wake_ups(SmallRun& run) {
  return std::make_unique<ChannelWakeUps>(run);
}
std::unique_ptr<SmallScenario> make_semaphore_wake_ups(SmallRun& run) {
  return std::make_unique<SemaphoreWakeUps>(run);
}
std::unique_ptr<SmallScenario> make_watch_against_commit(SmallRun& run) {
  return std::make_unique<WatchAgainstCommit>(run);
}

}  // namespace kelpie::sim
