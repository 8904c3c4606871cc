// ActorTest: a node with script actors over a store in memory, in virtual time. Test support.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actor/due_queue.h"
#include "actor/runtime.h"
#include "actor/testing/hooked_database.h"
#include "actor/testing/script_actor.h"
#include "async/select.h"
#include "base/limits.h"
#include "net/testing/test_world.h"
#include "store/keys.h"
#include "store/local_database.h"
#include "store/memory/memory_backend.h"

namespace kelpie::actor::testing {

// Goes with the loop.
class LoopClock final : public world::Clock {
 public:
  explicit LoopClock(Loop& loop) : loop_(loop) {}
  [[nodiscard]] WallTime wall() const override {
    return WallTime::from_nanos(1'795'208'532'000'000'000 + loop_.now().nanos()) + step;
  }
  Duration step;

 private:
  Loop& loop_;
};

using Answer = std::optional<Result<Bytes>>;

class ActorTest : public ::testing::Test {
 protected:
  ActorTest() { start(); }
  ~ActorTest() override { crash(); }

  void start(RuntimeOptions options = {}) {
    crash();
    rng_ = world::Rng(machine_.rng.next());
    run(ownership_.join()).value();
    runtime_.emplace(world_, database_, ownership_, options);
    runtime_->register_type(
        kScriptType,
        [this](ActorServices services) {
          return std::make_unique<ScriptActor>(std::move(services), journal_);
        },
        TypeOptions{.methods = &ScriptActor::kind_of});
  }
  void serve(DueOptions options = {}) {
    due_.emplace(world_, *runtime_, std::move(options));
    due_->start();
  }
  void crash() {
    callers_.emplace(machine_.loop, nullptr);
    due_.reset();
    runtime_.reset();
  }

  static ActorRef ref(std::string id) { return {kScriptType, "default", std::move(id)}; }
  template <class T>
  Result<T> run(Task<T> task) {
    return machine_.loop.run(std::move(task));
  }
  void pass(Duration length) { run(async::sleep_task(machine_.loop, length)).value(); }

  Result<Bytes> invoke(std::string id, std::string method, Bytes arguments,
                       CallOptions options = {}) {
    return run(runtime_->invoke(ref(std::move(id)), {std::move(method), std::move(arguments)},
                                std::move(options)));
  }
  Result<Bytes> act(std::string id, Bytes program, CallOptions options = {}) {
    return invoke(std::move(id), "do", std::move(program), std::move(options));
  }
  // What has committed, whatever is in memory.
  Bytes text(std::string id) {
    auto transaction = local_.begin();
    return run(transaction->get(store::keys::actor_state(ref(std::move(id)).name())))
        .value()
        .value_or("");
  }
  // Begins a call, and does not wait for it.
  std::shared_ptr<Answer> begin(std::string id, std::string method, Bytes arguments,
                                CallOptions options = {}) {
    auto answer = std::make_shared<Answer>();
    callers_->spawn(
        answer_into(runtime_->invoke(ref(std::move(id)), {std::move(method), std::move(arguments)},
                                     std::move(options)),
                    answer));
    return answer;
  }
  std::shared_ptr<Answer> begin(std::string id, Bytes program, CallOptions options = {}) {
    return begin(std::move(id), "do", std::move(program), std::move(options));
  }
  CallOptions deadline_in(Duration length) {
    return CallOptions{.deadline = machine_.loop.now() + length};
  }
  static CallOptions once(std::string key, int64_t sequence = 0) {
    return CallOptions{.once = Once{std::move(key), sequence}};
  }
  // Of all shards of the queue of what is due.
  std::vector<Bytes> marks() {
    std::vector<Bytes> keys;
    for (int64_t shard = 0; shard < base::kDueShards; ++shard) {
      auto transaction = local_.begin();
      const auto page = run(transaction->get_range({.range = store::keys::due_shard(shard)}));
      for (const store::KeyValue& row : page.value().rows) {
        keys.push_back(row.key);
      }
    }
    return keys;
  }
  bool has_head(std::string id) {
    auto transaction = local_.begin();
    return run(transaction->get(store::keys::actor_head(ref(std::move(id)).name())))
        .value()
        .has_value();
  }

  net::testing::TestWorld machine_;
  LoopClock clock_{machine_.loop};
  world::Rng rng_{1};
  World world_{machine_.loop,          clock_, rng_, machine_.net, machine_.log, machine_.faults,
               world::NodeName("test")};
  store::MemoryBackend backend_;
  store::LocalDatabase local_{world_, backend_};
  HookedDatabase database_{local_};
  cluster::Ownership ownership_{world_, database_, cluster::OwnerRecords::kNone};
  Journal journal_;
  std::optional<Runtime> runtime_;
  std::optional<DueQueue> due_;
  std::optional<Scope> callers_;

 private:
  static Task<void> answer_into(Task<Bytes> call, std::shared_ptr<Answer> answer) {
    answer->emplace(co_await std::move(call).result());
    co_return kOk;
  }
};

}  // namespace kelpie::actor::testing
