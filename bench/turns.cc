#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "actor/actor.h"
#include "actor/runtime.h"
#include "bench/rows.h"
#include "bench/store_bench.h"
#include "cluster/ownership.h"

namespace kelpie::bench {
namespace {

constexpr int kWarmUpsPerSlot = 5;

// Counts the batches that an engine is given.
class CountingBackend final : public store::Backend {
 public:
  explicit CountingBackend(store::Backend& backend) : backend_(backend) {}
  [[nodiscard]] std::string_view name() const override { return backend_.name(); }
  [[nodiscard]] std::shared_ptr<const store::Snapshot> latest() const override {
    return backend_.latest();
  }
  Task<void> apply(store::CommitBatch batch) override {
    ++batches_;
    return backend_.apply(std::move(batch));
  }
  [[nodiscard]] int batches() const { return batches_; }

 private:
  store::Backend& backend_;
  int batches_ = 0;
};

struct Counted {
  std::unique_ptr<store::RocksdbBackend> engine;
  std::unique_ptr<CountingBackend> backend;
  std::unique_ptr<store::LocalDatabase> database;
};

Result<Counted> open_counted(Bench& bench, const std::string& directory) {
  Counted opened;
  opened.engine = TRY(store::RocksdbBackend::open(bench.loop, {.directory = directory}));
  opened.backend = std::make_unique<CountingBackend>(*opened.engine);
  opened.database = std::make_unique<store::LocalDatabase>(bench.real.world(), *opened.backend);
  return opened;
}

// An actor whose turns write what the store's turns write; its head is the runtime's.
class TurnActor final : public actor::Actor {
 public:
  Task<void> activate(store::Transaction&) override { co_return kOk; }
  Task<void> write(actor::Turn& turn, TurnRows rows) {
    turn.transaction().set(std::move(rows.data.key), std::move(rows.data.value));
    turn.transaction().set(std::move(rows.dedupe.key), std::move(rows.dedupe.value));
    co_return kOk;
  }
};

Task<void> actor_turn(actor::Runtime& runtime, std::string id, TurnRows rows) {
  return runtime.call<TurnActor>(
      actor::ActorRef{.type = kActorType, .ns = kNamespace, .id = std::move(id)},
      [rows = std::move(rows)](TurnActor& self, actor::Turn& turn) {
        return self.write(turn, rows);
      });
}

void add(Report& report, const std::string& series, const Throughput& measured) {
  report.add(series, "turns/s", measured.per_second);
  report.add(series + ".processor", "us", measured.processor_us);
}

// Everything that takes part, open at the same time.
class TurnsBench {
 public:
  TurnsBench(Bench& bench, const StoreRun& run, Report& report)
      : bench_(bench),
        run_(run),
        report_(report),
        source_(world::Rng(1), spread_agents(run.in_flight, run.in_flight)) {}

  Result<void> open() {
    store_ = TRY(open_counted(bench_, run_.directory + "/store"));
    actors_ = TRY(open_counted(bench_, run_.directory + "/actors"));
    plain_ = TRY(RawStore::open(RawOptions::kPlain, {.directory = run_.directory + "/plain"}));
    same_ = TRY(RawStore::open(RawOptions::kEngine, {.directory = run_.directory + "/same"}));
    ownership_ = std::make_unique<cluster::Ownership>(bench_.real.world(), *actors_.database,
                                                      cluster::OwnerRecords::kNone);
    TRY(bench_.loop.run(ownership_->join()));
    runtime_ = std::make_unique<actor::Runtime>(bench_.real.world(), *actors_.database, *ownership_,
                                                actor::RuntimeOptions{});
    runtime_->register_type(kActorType, [](actor::ActorServices) {
      return std::unique_ptr<actor::Actor>(std::make_unique<TurnActor>());
    });
    return kOk;
  }

  Result<void> measure() {
    const int warm_ups = kWarmUpsPerSlot * run_.in_flight;
    TRY(by_store(warm_ups));
    TRY(by_actors(warm_ups));
    const int batches_before = store_.backend->batches();
    for (int round = 0; round < run_.rounds; ++round) {
      // Who goes first changes, so that no one always meets what another left behind.
      if (round % 2 == 0) {
        TRY(ours());
        TRY(baselines());
      } else {
        TRY(baselines());
        TRY(ours());
      }
    }
    report_.fact("B3.turns", run_.turns);
    report_.fact("B3.in_flight", run_.in_flight);
    report_.fact("B3.bytes", static_cast<double>(source_.next(0).bytes()));
    report_.fact("B3.turns_per_batch", static_cast<double>(run_.turns) * run_.rounds /
                                           (store_.backend->batches() - batches_before));
    return kOk;
  }

 private:
  Result<Throughput> by_store(int turns) {
    return bench_.loop.run(keep_in_flight(
        bench_.loop, {.in_flight = run_.in_flight, .operations = turns},
        [this](int slot) { return store_turn(*store_.database, source_.next(slot)); }));
  }
  Result<Throughput> by_actors(int turns) {
    return bench_.loop.run(keep_in_flight(
        bench_.loop, {.in_flight = run_.in_flight, .operations = turns},
        [this](int slot) { return actor_turn(*runtime_, agent_id(slot), source_.next(slot)); }));
  }

  Result<void> ours() {
    const int before = store_.backend->batches();
    add(report_, "B3.store", TRY(by_store(run_.turns)));
    turns_per_batch_ = std::max(1, run_.turns / (store_.backend->batches() - before));
    add(report_, "B3.actors", TRY(by_actors(run_.turns)));
    return kOk;
  }
  // With batches as large as ours are when half of those in flight wait for the other half.
  Result<void> baselines() {
    const int batch = turns_per_batch_ > 0 ? turns_per_batch_ : std::max(1, run_.in_flight / 2);
    add(report_, "B3.plain", TRY(raw_turns(plain_->db(), source_, run_.turns, batch)));
    add(report_, "B3.same", TRY(raw_turns(same_->db(), source_, run_.turns, batch)));
    return kOk;
  }

  Bench& bench_;
  const StoreRun& run_;
  Report& report_;
  TurnSource source_;
  int turns_per_batch_ = 0;
  Counted store_;
  Counted actors_;
  std::unique_ptr<RawStore> plain_;
  std::unique_ptr<RawStore> same_;
  std::unique_ptr<cluster::Ownership> ownership_;
  std::unique_ptr<actor::Runtime> runtime_;
};

}  // namespace

Result<void> measure_turns(Bench& bench, const StoreRun& run, Report& report) {
  TurnsBench turns(bench, run, report);
  TRY(turns.open());
  return turns.measure();
}

}  // namespace kelpie::bench
