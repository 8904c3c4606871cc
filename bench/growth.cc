#include <memory>
#include <utility>
#include <vector>

#include "bench/gets.h"
#include "bench/rows.h"
#include "bench/store_bench.h"

namespace kelpie::bench {
namespace {

// Room for what the agents in use need, and for the indexes and filters of all tables.
constexpr size_t kBlockCacheBytes = 256'000'000;
constexpr int kWarmUpsPerSlot = 5;

class SizedStore {
 public:
  static Result<std::unique_ptr<SizedStore>> make(Bench& bench, const StoreRun& run,
                                                  std::string label, int agents) {
    auto pair =
        TRY(PairOfStores::make(bench, run.directory + "/" + label, agents, kBlockCacheBytes));
    return std::unique_ptr<SizedStore>(
        new SizedStore(bench, run, std::move(label), agents, std::move(pair)));
  }

  Result<void> warm_up() {
    TRY(turns(kWarmUpsPerSlot * source_.agents()));
    static_cast<void>(TRY(bench_.loop.run(store_gets(*pair_->ours->database, used_, run_.gets))));
    static_cast<void>(TRY(raw_gets(pair_->raw->db(), used_, run_.gets)));
    return kOk;
  }

  Result<void> measure(Report& report) {
    const std::string series = "B15." + label_;
    const Throughput measured = TRY(turns(run_.turns));
    report.add(series + ".turns", "turns/s", measured.per_second);
    const Throughput raw_measured =
        TRY(raw_turns(pair_->raw->db(), source_, run_.turns, source_.agents()));
    report.add(series + ".raw.turns", "turns/s", raw_measured.per_second);
    Samples gets = TRY(bench_.loop.run(store_gets(*pair_->ours->database, used_, run_.gets)));
    report.add_times(series + ".get", gets);
    Samples raw = TRY(raw_gets(pair_->raw->db(), used_, run_.gets));
    report.add_times(series + ".raw.get", raw);
    return kOk;
  }

 private:
  SizedStore(Bench& bench, const StoreRun& run, std::string label, int agents,
             std::unique_ptr<PairOfStores> pair)
      : bench_(bench),
        run_(run),
        label_(std::move(label)),
        used_(spread_agents(run.agents_few, agents)),
        pair_(std::move(pair)),
        source_(world::Rng(2), used_) {}

  Result<Throughput> turns(int turns) {
    return bench_.loop.run(keep_in_flight(
        bench_.loop, {.in_flight = source_.agents(), .operations = turns},
        [this](int slot) { return store_turn(*pair_->ours->database, source_.next(slot)); }));
  }

  Bench& bench_;
  const StoreRun& run_;
  std::string label_;
  std::vector<int> used_;
  std::unique_ptr<PairOfStores> pair_;
  TurnSource source_;
};

}  // namespace

Result<void> measure_growth(Bench& bench, const StoreRun& run, Report& report) {
  auto few = TRY(SizedStore::make(bench, run, "few", run.agents_few));
  const Stopwatch loading;
  auto many = TRY(SizedStore::make(bench, run, "many", run.agents_many));
  report.fact("B15.agents_few", run.agents_few);
  report.fact("B15.agents_many", run.agents_many);
  report.fact("B15.load_s", loading.microseconds() / 1e6);
  TRY(few->warm_up());
  TRY(many->warm_up());
  for (int round = 0; round < run.rounds; ++round) {
    SizedStore& first = round % 2 == 0 ? *few : *many;
    SizedStore& second = round % 2 == 0 ? *many : *few;
    TRY(first.measure(report));
    TRY(second.measure(report));
  }
  return kOk;
}

}  // namespace kelpie::bench
