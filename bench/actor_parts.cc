#include <malloc.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "actor/message.h"
#include "actor/reminder.h"
#include "async/sleep.h"
#include "bench/actor_bench.h"
#include "bench/rows.h"
#include "store/chunked.h"
#include "store/keys.h"
#include "world/clock.h"

namespace kelpie::bench {
namespace {

constexpr Duration kDeadline = Duration::seconds(30);
constexpr int kInFlight = 1'000;

class StatelessActor final : public actor::MethodActor {
 public:
  Task<void> activate(store::Transaction&) override { co_return kOk; }
  Task<Bytes> invoke(actor::Turn& turn, std::shared_ptr<const actor::Invocation>) override {
    turn.read_only();
    co_return Bytes("answer");
  }
  [[nodiscard]] Result<Bytes> read(const actor::Invocation&) const override {
    return Bytes("answer");
  }
};

class StatefulActor final : public actor::MethodActor {
 public:
  StatefulActor(actor::ActorRef self, ActorBench& bench) : bench_(bench), id_(std::move(self.id)) {}
  Task<void> activate(store::Transaction& transaction) override {
    auto state = co_await store::get_chunked(
        transaction, store::keys::actor_state({kStateful, kNamespace, id_}));
    state_ = state ? std::move(*state) : Bytes();
    co_return kOk;
  }
  Task<Bytes> invoke(actor::Turn& turn, std::shared_ptr<const actor::Invocation> what) override {
    if (what->method == "fire") {
      ++bench_.fired;
      if (bench_.lateness != nullptr) {
        bench_.lateness->add(static_cast<double>(bench_.world().clock.wall().micros() -
                                                 std::stoll(what->arguments)));
      }
      co_return Bytes();
    }
    co_await store::set_chunked(turn.transaction(), store::keys::actor_state(turn.self().name()),
                                what->arguments);
    turn.after_commit([this, what] { state_ = what->arguments; });
    co_return Bytes();
  }
  [[nodiscard]] Result<Bytes> read(const actor::Invocation&) const override {
    return state_.substr(0, 8);
  }

 private:
  ActorBench& bench_;
  std::string id_;
  Bytes state_;
};

actor::MethodKind kind_of(std::string_view method) {
  return method == "read" ? actor::MethodKind::kReadOnly : actor::MethodKind::kTurn;
}

// What a call costs that does nothing but go through the loop's queue.
Task<void> hop(Loop& loop) {
  co_await async::yield(loop);
  co_return kOk;
}

Task<void> call(ActorBench& bench, actor::ActorRef to, actor::Invocation what) {
  static_cast<void>(co_await bench.runtime->invoke(std::move(to), std::move(what),
                                                   {.deadline = bench.loop().now() + kDeadline}));
  co_return kOk;
}

Task<Samples> times_of_calls(ActorBench& bench, const char* type, const char* method, int calls) {
  Samples times(calls);
  for (int i = 0; i < calls; ++i) {
    const Stopwatch watch;
    co_await call(bench, actor_of(type, 0), {method, ""});
    times.add(watch.microseconds());
  }
  co_return times;
}

Task<void> read_unchecked(ActorBench& bench, actor::ActorRef to) {
  const auto activation = bench.runtime->residents().find(to);
  CHECK(activation != nullptr);
  static_cast<void>(
      co_await static_cast<const actor::MethodActor&>(activation->actor()).read({"read", ""}));
  co_return kOk;
}

double resident_mb_of_heap() {
  const struct mallinfo2 now = mallinfo2();
  return static_cast<double>(now.uordblks + now.hblkhd);
}

Task<void> activate_all(ActorBench& bench, const char* type, int from, int to) {
  auto operation = [&bench, type, next = from](int) mutable {
    return call(bench, actor_of(type, next++), {"touch", ""});
  };
  static_cast<void>(co_await keep_in_flight(bench.loop(), {kInFlight, to - from}, operation));
  co_return kOk;
}

}  // namespace

actor::ActorRef actor_of(const char* type, int number) {
  return {type, kNamespace, agent_id(number)};
}

Result<void> ActorBench::open(const std::string& directory) {
  store = TRY(OpenStore::open(machine, {.directory = directory}));
  ownership.emplace(world(), *store->database, cluster::OwnerRecords::kNone);
  TRY(machine.loop.run(ownership->join()));
  runtime.emplace(
      world(), *store->database, *ownership,
      actor::RuntimeOptions{.idle_timeout = Duration::hours(1), .resident_max = 2'000'000});
  runtime->register_type(kStateless,
                         [](actor::ActorServices) { return std::make_unique<StatelessActor>(); },
                         {.methods = kind_of, .stays_without_state = true});
  runtime->register_type(kStateful,
                         [this](actor::ActorServices services) {
                           return std::make_unique<StatefulActor>(std::move(services.self), *this);
                         },
                         {.methods = kind_of, .stays_without_state = true});
  due.emplace(world(), *runtime, actor::DueOptions{});
  return kOk;
}

Result<void> measure_calls(ActorBench& bench, const ActorRun& run, Report& report) {
  for (int round = 0; round < run.rounds; ++round) {
    const auto hops = TRY(bench.machine.loop.run(
        keep_in_flight(bench.loop(), {1, run.calls}, [&bench](int) { return hop(bench.loop()); })));
    report.add("B1.hop", "hops/s", hops.per_second);
    for (const auto& [series, method] : {std::pair("B1.turn", "touch"), {"B1.read", "read"}}) {
      const auto calls = TRY(bench.machine.loop.run(
          keep_in_flight(bench.loop(), {kInFlight, run.calls}, [&bench, method = method](int) {
            return call(bench, actor_of(kStateless, 0), {method, ""});
          })));
      report.add(series, "calls/s", calls.per_second);
      Samples times =
          TRY(bench.machine.loop.run(times_of_calls(bench, kStateless, method, run.calls / 10)));
      report.add_times(series, times);
    }
  }
  return kOk;
}

Result<void> measure_reads(ActorBench& bench, const ActorRun& run, Report& report) {
  TRY(bench.machine.loop.run(call(bench, actor_of(kStateful, 0), {"put", state_of(0)})));
  for (int round = 0; round < run.rounds; ++round) {
    const auto unchecked = TRY(
        bench.machine.loop.run(keep_in_flight(bench.loop(), {kInFlight, run.calls}, [&bench](int) {
          return read_unchecked(bench, actor_of(kStateful, 0));
        })));
    report.add("B6.unchecked", "reads/s", unchecked.per_second);
    const auto reads = TRY(
        bench.machine.loop.run(keep_in_flight(bench.loop(), {kInFlight, run.calls}, [&bench](int) {
          return call(bench, actor_of(kStateful, 0), {"read", ""});
        })));
    report.add("B6.read", "reads/s", reads.per_second);
    Samples times =
        TRY(bench.machine.loop.run(times_of_calls(bench, kStateful, "read", run.calls / 10)));
    report.add_times("B6.read", times);
  }
  return kOk;
}

Result<void> measure_activations(ActorBench& bench, const ActorRun& run, Report& report) {
  const int actors = std::min(run.actors, 20'000);
  for (int actor = 0; actor < actors; ++actor) {
    TRY(bench.machine.loop.run(call(bench, actor_of(kStateful, actor), {"put", state_of(actor)})));
  }
  int next = 0;
  for (int round = 0; round < run.rounds; ++round) {
    const Stopwatch watch;
    TRY(bench.machine.loop.run(activate_all(bench, kStateless, next, next + actors)));
    report.add("B7.stateless", "activations/s", actors / watch.microseconds() * 1e6);
    next += actors;
    Samples cold(actors);
    for (int actor = 0; actor < std::min(actors, 2'000); ++actor) {
      TRY(bench.machine.loop.run(bench.runtime->deactivate(actor_of(kStateful, actor))));
      bench.machine.loop.run_pending();
      const Stopwatch one;
      TRY(bench.machine.loop.run(call(bench, actor_of(kStateful, actor), {"read", ""})));
      cold.add(one.microseconds());
    }
    report.add_times("B7.cold", cold);
  }
  return kOk;
}

Result<void> measure_memory(ActorBench& bench, const ActorRun& run, Report& report) {
  struct Small {
    int64_t number = 0;
  };
  const double before_small = resident_mb_of_heap();
  std::vector<std::unique_ptr<Small>> small(static_cast<size_t>(run.actors));
  std::ranges::generate(small, [] { return std::make_unique<Small>(); });
  report.add("B8.malloc", "B", (resident_mb_of_heap() - before_small) / run.actors);
  small.clear();
  small.shrink_to_fit();
  const double before = resident_mb_of_heap();
  const Stopwatch arriving;
  TRY(bench.machine.loop.run(activate_all(bench, kStateless, 0, run.actors)));
  report.add("B8.storm", "activations/s", run.actors / arriving.microseconds() * 1e6);
  report.add("B8.actor", "B", (resident_mb_of_heap() - before) / run.actors);
  const Stopwatch leaving;
  TRY(bench.machine.loop.run(bench.runtime->stop()));
  report.add("B8.evictions", "actors/s", run.actors / leaving.microseconds() * 1e6);
  report.add("B8.after", "B", (resident_mb_of_heap() - before) / run.actors);
  return kOk;
}

namespace {

// Pending reminders as a turn would have written them.
Task<void> write_pending(ActorBench& bench, int from, int to, WallTime due) {
  auto transaction = bench.store->database->begin();
  for (int number = from; number < to; ++number) {
    const actor::ActorRef ref = actor_of(kStateful, number);
    const actor::Reminder reminder{.name = "r", .due = due, .what = {"fire", "0"}};
    transaction->set(store::keys::actor_reminder(ref.name(), "r"), reminder.encode());
    transaction->set(
        store::keys::due(actor::due_shard_of(ref), due.micros() + number, ref.name(), "r"), "");
  }
  static_cast<void>(co_await transaction->commit());
  co_return kOk;
}

Task<void> set_one(actor::Actor&, actor::Turn& turn, WallTime due) {
  co_return co_await actor::set_reminder(
      turn, {.name = "soon", .due = due, .what = {"fire", std::to_string(due.micros())}})
      .result();
}

// Some reminders over one second, each of another actor; yields how late they were.
Task<Samples> fire_some(ActorBench& bench, int count) {
  Samples late(count);
  bench.lateness = &late;
  const uint64_t before = bench.fired;
  const WallTime first = bench.world().clock.wall() + Duration::millis(1'500);
  for (int i = 0; i < count; ++i) {
    const WallTime due = first + Duration::micros(int64_t{1'000'000} / count * i);
    const actor::TurnBody body = [due](actor::Actor& self, actor::Turn& turn) {
      return set_one(self, turn, due);
    };
    static_cast<void>(
        co_await bench.runtime->run(actor_of(kStateful, i), body, {}, actor::Fencing::kAtOnce));
  }
  while (bench.fired - before < static_cast<uint64_t>(count)) {
    co_await async::sleep_for(bench.loop(), Duration::millis(10));
  }
  bench.lateness = nullptr;
  co_return late;
}

}  // namespace

Result<void> measure_reminders(ActorBench& bench, const ActorRun& run, Report& report) {
  constexpr int kAtOnce = 10'000;
  constexpr int kSoon = 1'000;
  bench.due->start();
  for (int round = 0; round < run.rounds; ++round) {
    Samples few = TRY(bench.machine.loop.run(fire_some(bench, kSoon)));
    report.add_times("B9.few", few);
  }
  const WallTime far = bench.world().clock.wall() + Duration::hours(1'000);
  for (int from = 0; from < run.reminders; from += kAtOnce) {
    TRY(bench.machine.loop.run(
        write_pending(bench, from, std::min(from + kAtOnce, run.reminders), far)));
  }
  for (int round = 0; round < run.rounds; ++round) {
    Samples many = TRY(bench.machine.loop.run(fire_some(bench, kSoon)));
    report.add_times("B9.many", many);
  }
  report.fact("reminders_pending", run.reminders);
  return bench.machine.loop.run(bench.due->stop());
}

}  // namespace kelpie::bench
