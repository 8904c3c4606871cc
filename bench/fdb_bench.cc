// Goal B5: a warm durable turn on FoundationDB, beside a raw loop over the same library.
//
//   fdb_bench --fdb-cluster FILE [--fdb-library PATH] [--rounds N] [--samples N] [--turns N]
//
// Warm is: the read version is one that an earlier commit proved, less one, so the commit is the
// only round trip; the engine's counters show it. It writes below Kelpie's own prefix (agents
// `agent-000000000` and following, node `bench`), and clears that at its end: for a cluster that
// serves nothing else.
#include <algorithm>
#include <memory>
#include <utility>

#include "bench/harness.h"
#include "bench/raw_fdb.h"
#include "bench/rows.h"
#include "real/real_loop.h"
#include "store/fdb/fdb_database.h"
#include "store/fdb/load.h"
#include "store/fdb/network.h"
#include "store/keys.h"

namespace kelpie::bench {
namespace {

constexpr int kInFlight[] = {200, 1'000};
constexpr int kAgents = 1'000;

// What has been proven about the epoch so far: the node's fence, as far as a commit is concerned.
struct Warm {
  store::Version read_version;
};

// Writes the epoch, and finds a version at which it is known.
Task<store::Version> write_epoch(store::Database& database) {
  auto transaction = database.begin();
  transaction->set(epoch_key(), "bench");
  co_return co_await transaction->commit();
}

Task<void> clear_all(store::Database& database) {
  auto transaction = database.begin();
  for (int agent = 0; agent < kAgents; ++agent) {
    const std::string id = agent_id(agent);
    transaction->clear_range(store::keys::agent(id));
    transaction->clear_range(store::keys::actor({kActorType, kNamespace, id}));
  }
  transaction->clear(epoch_key());
  co_await transaction->commit();
  co_return kOk;
}

Task<void> warm_turn(store::Database& database, TurnRows rows, Warm& warm, Samples& times) {
  const Stopwatch watch;
  auto transaction = database.begin();
  transaction->set_read_version(warm.read_version);
  const store::Version committed = co_await commit_turn(*transaction, std::move(rows));
  times.add(watch.microseconds());
  warm.read_version = std::max(warm.read_version, store::Version(committed.get() - 1));
  co_return kOk;
}

class FdbBench {
 public:
  FdbBench(const Flags& flags, std::shared_ptr<store::FdbConnection> connection)
      : flags_(flags),
        connection_(std::move(connection)),
        database_(loop_, connection_),
        source_(world::Rng(3), spread_agents(kAgents, kAgents)) {}

  Result<void> measure(Report& report) {
    const int samples = flags_.number("--samples");
    const int turns = flags_.number("--turns");
    TRY(both({.in_flight = 1, .operations = std::max(1, samples / 5)}, nullptr, ""));
    for (int round = 0; round < flags_.number("--rounds"); ++round) {
      TRY(both({.in_flight = 1, .operations = samples}, &report, "B5.alone"));
      for (const int in_flight : kInFlight) {
        TRY(both({.in_flight = in_flight, .operations = turns}, &report,
                 "B5." + std::to_string(in_flight)));
      }
    }
    report.fact("B5.samples", samples);
    report.fact("B5.turns", turns);
    report.fact("B5.bytes", static_cast<double>(source_.next(0).bytes()));
    return loop_.run(clear_all(database_));
  }

 private:
  // Ours, then the raw loop; each from an epoch that was written just now.
  Result<void> both(Load load, Report* report, const std::string& series) {
    Samples times(load.operations);
    Warm warm{TRY(loop_.run(write_epoch(database_)))};
    const store::FdbCounters before = database_.counters();
    const Throughput ours = TRY(loop_.run(keep_in_flight(loop_, load, [&](int slot) {
      return warm_turn(database_, source_.next(slot), warm, times);
    })));
    const auto trips = database_.counters().round_trips() - before.round_trips();
    Samples raw_times(load.operations);
    RawFdb raw(connection_, source_, TRY(loop_.run(write_epoch(database_))));
    const Throughput theirs = TRY(raw.commit_turns(load, raw_times));
    if (report != nullptr) {
      report->add_times(series, times);
      report->add_times(series + ".raw", raw_times);
      report->add(series, "turns/s", ours.per_second);
      report->add(series + ".raw", "turns/s", theirs.per_second);
      report->add(series + ".processor", "us", ours.processor_us);
      report->add(series + ".raw.processor", "us", theirs.processor_us);
      report->add("B5.round_trips", "a turn", static_cast<double>(trips) / load.operations);
    }
    return kOk;
  }

  const Flags& flags_;
  real::RealLoop loop_;
  std::shared_ptr<store::FdbConnection> connection_;
  store::FdbDatabase database_;
  TurnSource source_;
};

Result<void> run(const Flags& flags) {
  const std::string& cluster = flags.text("--fdb-cluster");
  if (cluster.empty()) {
    return base::invalid_argument(
        "--fdb-cluster names the cluster file of a FoundationDB that serves nothing else");
  }
  const store::FdbLibrary library = TRY(store::load_fdb_library(flags.text("--fdb-library")));
  const auto network = TRY(store::FdbNetwork::start(library, {}));
  Report report;
  report.fact("B5.client", library.client_version);
  {
    FdbBench bench(flags, TRY(store::FdbConnection::open(library, cluster)));
    TRY(bench.measure(report));
  }
  report.print();
  return kOk;
}

}  // namespace
}  // namespace kelpie::bench

int main(int argc, char** argv) {
  return kelpie::bench::run_main({argv, static_cast<size_t>(argc)},
                                 {{"--fdb-cluster", ""},
                                  {"--fdb-library", ""},
                                  {"--rounds", "7"},
                                  {"--samples", "1000"},
                                  {"--turns", "50000"}},
                                 kelpie::bench::run);
}
