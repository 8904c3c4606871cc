// SimFdb: the FoundationDB cluster of one run, on a host of its own, under the production adapter.
//
//   SimFdb fdb(simulation, {});
//   store::FdbDatabase database(world.loop, fdb.connect(host));  // one on each loop of the host
//
// What a node calls is FoundationDB's C API; its calls travel as messages to the cluster and its
// answers as messages back (wire.h). The cluster runs the production commit pipeline, so commits
// that arrive together share a version (cluster.h). Faults are received, and counted, when the code
// of a node looks at a future's error.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "sim/fdb/client.h"
#include "sim/fdb/cluster.h"
#include "sim/fdb/faults.h"
#include "sim/fdb/wire.h"
#include "sim/simulation.h"

namespace kelpie::sim {

struct SimFdbOptions {
  std::string host = "cluster";  // its name on the network's links
  FdbLatency latency{};
  FdbFaults faults{};
};

// Not thread safe. Outlived by the simulation; may end before its clients, whose calls then lead
// nowhere. From no code that runs on a node, but for `connect`.
class SimFdb {
 public:
  SimFdb(Simulation& simulation, SimFdbOptions options);
  SimFdb(const SimFdb&) = delete;
  SimFdb& operator=(const SimFdb&) = delete;
  ~SimFdb();

  // For the present incarnation of a host, which is up; all of its loops share it. What an earlier
  // incarnation left behind is forgotten, but for the commits that it had sent.
  std::shared_ptr<store::FdbConnection> connect(SimHost& host);

  // Hears of each batch as it becomes visible, in the order of versions.
  void set_commit_observer(FdbStorage::Observer observer);
  // The newest state, for oracles.
  [[nodiscard]] const std::map<Bytes, Bytes>& contents() const;
  [[nodiscard]] bool holds_any(const store::KeyRange& range) const;
  // No commit is on its way, is being carried out, lands late, or is held back by a client.
  [[nodiscard]] bool quiet() const;

  // Both directions between a host and the cluster. (Network::links cuts them one by one.)
  enum class Link : uint8_t { kUp, kDown };
  void set_link(const std::string& host, Link link);
  // An outage now; without an effect during another.
  void break_down(FdbCluster::Outage outage, Duration length);
  // No more faults from now on but those of `left`, and no outages; commits that land late still
  // do. Links stay as they are.
  void heal(const FdbFaults& left = {});

  [[nodiscard]] const FdbCluster::Tally& tally() const { return cluster_->tally(); }
  [[nodiscard]] size_t watches() const { return cluster_->watches(); }
  // That have arrived and are not over.
  [[nodiscard]] size_t commits_in_flight() const { return cluster_->commits_in_flight(); }
  // Of all clients so far.
  [[nodiscard]] FdbClient::Counts counts() const;

 private:
  void reap();

  Simulation& simulation_;
  SimFdbOptions options_;
  SimHost& host_;
  std::shared_ptr<FdbWire> wire_;
  std::unique_ptr<FdbCluster> cluster_;
};

}  // namespace kelpie::sim
