#include "sim/server_node.h"

#include <fmt/format.h>

#include <utility>

#include "api/server.h"
#include "async/sleep.h"
#include "base/check.h"
#include "base/limits.h"
#include "llm/providers.h"
#include "obs/metrics.h"
#include "store/local_database.h"

namespace kelpie::sim {
namespace {

constexpr Duration kRestartDelay = Duration::millis(200);
constexpr Duration kDrainBound = Duration::seconds(10);

// What main() does for a real process.
Task<void> serve(World& world, api::Server& server, world::Address address,
                 std::unique_ptr<world::Listener>& listener) {
  co_await server.start();
  listener = co_await world.net.listen(address);
  co_await server.serve(*listener);
  co_return kOk;
}

}  // namespace

// The server's objects, as `kelpie serve` wires them; the World and the Backend are simulated.
struct ServerNode::Parts {
  Parts(ServerNode& node, World& in_world)
      : world(in_world),
        backend(node.disk_.open(node.host_.loop())),
        database(world, *backend),
        models(llm::make_models(world, llm::ModelsConfig{})),
        server(world, database, *models, metrics,
               api::ServerOptions{.api_key = std::string(kApiKey),
                                  .body_bytes_max = base::kHttpBodyBytesMax,
                                  .kelpie_version = "simulated"}),
        scope(world.loop, [&node](const Error& error) { node.died(error); }) {
    scope.spawn(serve(world, server, node.address_, listener));
  }

  World& world;
  std::unique_ptr<store::Backend> backend;
  store::LocalDatabase database;
  std::unique_ptr<llm::Models> models;
  obs::Metrics metrics;
  api::Server server;
  std::unique_ptr<world::Listener> listener;
  async::Scope scope;  // last: its task uses everything above
};

ServerNode::ServerNode(Simulation& simulation, SimHost& host, world::Address address)
    : simulation_(simulation),
      host_(host),
      address_(std::move(address)),
      disk_(simulation.scheduler(), simulation.choices(), simulation.ledger(),
            simulation.swarm().disk) {}

ServerNode::~ServerNode() = default;

void ServerNode::start() {
  CHECK(!up());
  ++starts_;
  World& world = host_.boot();
  parts_ = std::make_unique<Parts>(*this, world);
}

void ServerNode::died(const Error& error) {
  const FaultLedger& ledger = simulation_.ledger();
  const bool explained =
      ledger.received(Fault::kStorageReadFail) > 0 || ledger.received(Fault::kStorageWriteFail) > 0;
  if (!explained) {
    simulation_.fail("start", "the server ended, and no fault explains it: " + error.to_string());
    return;
  }
  const Instant due = simulation_.loop().now() + kRestartDelay;
  simulation_.loop().start_timer(due, [this, died_at = starts_] {
    if (up() && starts_ == died_at) {
      crash();
      start();
    }
  });
}

void ServerNode::crash() {
  CHECK(up());
  host_.crash();
  disk_.crash();
  const uint64_t before = simulation_.trace().hash();
  parts_.reset();
  // A real crash runs no destructor, so those that run here must change nothing.
  if (simulation_.trace().hash() != before) {
    simulation_.fail("S3", "a destructor had an effect after the crash of " + host_.name());
  }
}

Task<void> ServerNode::stop() {
  CHECK(up());
  if (parts_->listener != nullptr) {
    parts_->listener->close();
  }
  const Result<void> drained = co_await parts_->server.drain(kDrainBound).result();
  // Out of the server's own call stack, before it is destroyed.
  co_await async::yield(simulation_.loop());
  if (!drained.ok()) {
    simulation_.fail("S21", "the drain failed: " + drained.error().to_string());
  }
  parts_.reset();
  host_.stop();
  disk_.crash();
  co_return kOk;
}

}  // namespace kelpie::sim
