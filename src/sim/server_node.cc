#include "sim/server_node.h"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "api/server.h"
#include "async/run_on.h"
#include "async/sleep.h"
#include "base/check.h"
#include "base/limits.h"
#include "obs/metrics.h"
#include "store/local_database.h"
#include "store/remote_database.h"

namespace kelpie::sim {
namespace {

constexpr Duration kRestartDelay = Duration::millis(200);
constexpr Duration kDrainBound = Duration::seconds(10);

api::ServerOptions server_options(size_t loop, size_t loops) {
  return api::ServerOptions{.api_key = std::string(kApiKey),
                            .body_bytes_max = base::kHttpBodyBytesMax,
                            .kelpie_version = "simulated",
                            .loop = loop,
                            .loops = loops};
}

}  // namespace

// A loop beside the first: its own models and server over the first loop's store.
struct ServerNode::Beside {
  Beside(World& in_world, const api::LoopPeer& first, store::Database& database,
         const llm::ModelsConfig& config, obs::Metrics& metrics, api::ServerOptions options)
      : world(in_world),
        remote(world.loop, first.place, database),
        models(llm::make_models(world, config)),
        server(world, remote, *models, metrics, std::move(options)) {}

  World& world;
  store::RemoteDatabase remote;
  std::unique_ptr<llm::Models> models;
  api::Server server;
};

// The server's objects, as `kelpie serve` wires them; the World and the Backend are simulated.
struct ServerNode::Parts {
  Parts(ServerNode& node, World& in_world)
      : host(node.host_),
        world(in_world),
        backend(node.disk_.open(host.loop())),
        database(world, *backend),
        models(llm::make_models(world, node.options_.models)),
        server(world, database, *models, metrics,
               server_options(0, node.simulation_.swarm().loops)),
        scope(world.loop, [&node](const Error& error) { node.died(error); }) {
    std::vector<api::LoopPeer> peers{server.as_peer()};
    const size_t loops = node.simulation_.swarm().loops;
    for (size_t loop = 1; loop < loops; ++loop) {
      beside.push_back(std::make_unique<Beside>(host.add_loop(), peers.front(), database,
                                                node.options_.models, metrics,
                                                server_options(loop, loops)));
      peers.push_back(beside.back()->server.as_peer());
    }
    server.route_over(std::move(peers));
    scope.spawn(end_with_store(node, *this));
    scope.spawn(serve(*this, node.address_));
  }
  // In the order of serve.cc. After a crash nothing is pending any more.
  ~Parts() {
    scope.cancel();
    server.end_crossings();
    for (const auto& each : beside) {
      dynamic_cast<SimLoop&>(each->world.loop).run_pending();
    }
    beside.clear();
    host.loop().run_pending();
  }
  // What main() does for a real process.
  static Task<void> serve(Parts& self, world::Address address) {
    co_await self.server.start();
    for (const auto& each : self.beside) {
      co_await async::run_on<void>(self.world.loop, each->server.as_peer().place,
                                   [&each] { return each->server.start(); });
    }
    self.listener = co_await self.world.net.listen(address);
    co_await self.server.serve(*self.listener);
    co_return kOk;
  }

  SimHost& host;
  World& world;
  std::unique_ptr<store::Backend> backend;
  store::LocalDatabase database;
  std::unique_ptr<llm::Models> models;
  obs::Metrics metrics;
  api::Server server;
  std::vector<std::unique_ptr<Beside>> beside;
  std::unique_ptr<world::Listener> listener;
  async::Scope scope;  // last: its tasks use everything above
};

ServerNode::ServerNode(Simulation& simulation, SimHost& host, world::Address address,
                       ServerNodeOptions options)
    : simulation_(simulation),
      host_(host),
      address_(std::move(address)),
      options_(std::move(options)),
      disk_(simulation.scheduler(), simulation.choices(), simulation.ledger(),
            simulation.swarm().disk),
      drained_(simulation.loop()) {}

ServerNode::~ServerNode() = default;

void ServerNode::start() {
  CHECK(!up());
  ++starts_;
  stopping_ = false;
  store_stopped_ = false;
  disk_errors_before_ = simulation_.ledger().disk_errors();
  undecided_writes_before_ = simulation_.ledger().undecided_writes();
  World& world = host_.boot();
  parts_ = std::make_unique<Parts>(*this, world);
}

// A store that has stopped for good ends the process.
Task<void> ServerNode::end_with_store(ServerNode& node, Parts& parts) {
  const std::string reason = co_await parts.database.failed();
  parts.world.log.error("the store has stopped, so this process ends", {{"reason", reason}});
  node.store_stopped_ = true;
  co_return base::unavailable("the store has stopped: " + reason);
}

// The process has ended by itself: its host is crashed once its own code is off the stack, and
// the supervisor starts it again.
void ServerNode::died(const Error& error) {
  const bool explained = store_stopped_
                             ? simulation_.undecided_write_since(undecided_writes_before_)
                             : simulation_.disk_error_since(disk_errors_before_);
  if (!explained) {
    simulation_.fail("start", "the server ended, and no fault explains it: " + error.to_string());
    return;
  }
  simulation_.loop().post([this, died_at = starts_] {
    if (!up() || starts_ != died_at) {
      return;
    }
    crash();
    const Instant due = simulation_.loop().now() + kRestartDelay;
    simulation_.loop().start_timer(due, [this, died_at] {
      if (!up() && starts_ == died_at) {
        start();
      }
    });
  });
}

void ServerNode::crash() {
  CHECK(up());
  host_.crash();
  disk_.crash();
  went_down();
}

void ServerNode::kill() {
  CHECK(up());
  simulation_.ledger().receive(Fault::kOutOfMemory);
  host_.crash();
  disk_.killed();
  went_down();
}

void ServerNode::went_down() {
  simulation_.destroy_crashed(host_, [this] { parts_.reset(); });
  drained_.set();
}

Task<bool> ServerNode::stop() {
  CHECK(up() && !stopping_);
  stopping_ = true;
  drained_.clear();
  host_.loop().post_from_thread([this] { parts_->scope.spawn(drain(*this, *parts_)); });
  const uint64_t started = starts_;
  // Out of the server's own call stack, before it is destroyed.
  co_await drained_.wait();
  if (!up() || starts_ != started) {
    co_return false;
  }
  parts_.reset();
  host_.stop();
  disk_.crash();
  co_return true;
}

// On the host's own loop, as the process does it. Power may go off in the middle.
Task<void> ServerNode::drain(ServerNode& node, Parts& parts) {
  if (parts.listener != nullptr) {
    parts.listener->close();
  }
  const Result<void> drained = co_await parts.server.drain(kDrainBound).result();
  if (!drained.ok()) {
    node.simulation_.fail("S21", "the drain failed: " + drained.error().to_string());
  }
  node.simulation_.loop().post_from_thread([&node, started = node.starts_] {
    if (node.starts_ == started) {
      node.drained_.set();
    }
  });
  co_return kOk;
}

}  // namespace kelpie::sim
