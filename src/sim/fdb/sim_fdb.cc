#include "sim/fdb/sim_fdb.h"

#include <utility>

#include "base/check.h"

namespace kelpie::sim {

SimFdb::SimFdb(Simulation& simulation, SimFdbOptions options)
    : simulation_(simulation),
      options_(std::move(options)),
      host_(simulation.add_host(options_.host)),
      wire_(std::make_shared<FdbWire>(simulation, options_.host, options_.latency)) {
  World& world = host_.boot();
  cluster_ = std::make_unique<FdbCluster>(*wire_, world, host_.loop(), options_.faults);
  wire_->set_cluster(cluster_.get());
  configure_faults(simulation.ledger(), options_.faults);
}

SimFdb::~SimFdb() {
  const auto clients = wire_->clients();
  wire_->close();
  for (const std::shared_ptr<FdbClient>& client : clients) {
    client->reap();
  }
  host_.crash();
  cluster_.reset();
}

std::shared_ptr<store::FdbConnection> SimFdb::connect(SimHost& host) {
  CHECK(host.up());
  reap();
  const FdbClientId id(static_cast<uint32_t>(wire_->clients().size()));
  auto client = std::make_shared<FdbClient>(wire_, id, host.loop(), options_.faults);
  wire_->add(id, host.name(), client);
  return client->connection();
}

void SimFdb::reap() {
  for (const std::shared_ptr<FdbClient>& client : wire_->clients()) {
    if (!client->alive() && !client->reaped()) {
      client->reap();
      cluster_->forget(client->id());
    }
  }
}

void SimFdb::set_commit_observer(FdbStorage::Observer observer) {
  cluster_->backend().set_observer(std::move(observer));
}

const std::map<Bytes, Bytes>& SimFdb::contents() const { return cluster_->backend().contents(); }

bool SimFdb::holds_any(const store::KeyRange& range) const {
  return cluster_->backend().holds_any(range);
}

bool SimFdb::quiet() const {
  size_t commits = cluster_->commits_in_flight() + wire_->commits_under_way();
  for (const std::shared_ptr<FdbClient>& client : wire_->clients()) {
    commits += client->held_back();
  }
  return commits == 0;
}

void SimFdb::set_link(const std::string& host, Link link) {
  Links& links = simulation_.network().links();
  if (link == Link::kDown) {
    simulation_.ledger().configure(Fault::kNetworkPartition);
    links.cut(host, options_.host);
    links.cut(options_.host, host);
  } else {
    links.mend(host, options_.host);
    links.mend(options_.host, host);
  }
}

void SimFdb::break_down(FdbCluster::Outage outage, Duration length) {
  simulation_.ledger().configure(
      outage == FdbCluster::Outage::kRecovery ? Fault::kStoreRecovery : Fault::kStoreUnavailable);
  cluster_->break_down(outage, length);
}

void SimFdb::heal(const FdbFaults& left) {
  options_.faults = left;
  cluster_->heal(left);
  for (const std::shared_ptr<FdbClient>& client : wire_->clients()) {
    client->heal(left);
  }
}

FdbClient::Counts SimFdb::counts() const {
  FdbClient::Counts sum;
  for (const std::shared_ptr<FdbClient>& client : wire_->clients()) {
    const FdbClient::Counts& one = client->counts();
    sum.futures_made += one.futures_made;
    sum.futures_destroyed += one.futures_destroyed;
    sum.transactions_made += one.transactions_made;
    sum.transactions_destroyed += one.transactions_destroyed;
    sum.broken_commits += one.broken_commits;
    sum.unsent_commits += one.unsent_commits;
    sum.unsent_forgotten += one.unsent_forgotten;
  }
  return sum;
}

}  // namespace kelpie::sim
