#include "sim/takeover/shared_server.h"

#include <optional>
#include <string>
#include <utility>

#include "api/server.h"
#include "async/scope.h"
#include "async/sleep.h"
#include "base/check.h"
#include "cluster/ownership.h"
#include "llm/providers.h"
#include "obs/metrics.h"
#include "sim/server_node.h"
#include "store/fdb/fdb_database.h"
#include "store/schema.h"
#include "world/log.h"

namespace kelpie::sim {
namespace {

constexpr Duration kRestartDelay = Duration::millis(200);
constexpr Duration kDrainBound = Duration::seconds(10);

}  // namespace

struct SharedServer::Parts {
  Parts(SharedServer& node, World& in_world)
      : world(in_world),
        database(world.loop, node.fdb_.connect(node.host_)),
        models(llm::make_models(world, {})),
        scope(world.loop, [&node, &log = world.log](const Error& error) {
          log.warn("the server ended", {{"error", error.to_string()}});
          node.ended(End::kFailed);
        }) {
    scope.spawn(serve(node, *this));
  }
  ~Parts() {
    scope.cancel();
    if (server) {
      server->end_crossings();
    }
  }

  World& world;
  store::FdbDatabase database;
  std::unique_ptr<llm::Models> models;
  obs::Metrics metrics;
  std::optional<api::Server> server;
  std::unique_ptr<world::Listener> listener;
  async::Scope scope;  // last: its tasks use everything above
};

SharedServer::SharedServer(Simulation& simulation, SimHost& host, SimFdb& fdb,
                           world::Address address)
    : simulation_(simulation), host_(host), fdb_(fdb), address_(std::move(address)) {}

SharedServer::~SharedServer() = default;

// In the order of serve.cc.
Task<void> SharedServer::serve(SharedServer& node, Parts& parts) {
  parts.listener = co_await parts.world.net.listen(node.address_);
  co_await store::check_schema(parts.database, {});
  const cluster::Epoch epoch =
      co_await cluster::take_over(parts.world, parts.database, {parts.world.self.get()});
  co_await store::open_schema(parts.database, parts.world, {});
  parts.server.emplace(parts.world, parts.database, *parts.models, parts.metrics,
                       api::ServerOptions{.api_key = std::string(kApiKey),
                                          .kelpie_version = "simulated",
                                          .held_epoch = epoch,
                                          .taken_over = [&node] { node.ended(End::kTakenOver); }});
  co_await parts.server->start();
  co_await parts.server->serve(*parts.listener);
  co_return kOk;
}

void SharedServer::start() {
  CHECK(!up());
  ++starts_;
  World& world = host_.boot();
  parts_ = std::make_unique<Parts>(*this, world);
}

// Once its own code is off the stack.
void SharedServer::ended(End end) {
  Loop& home = simulation_.loop();
  home.post_from_thread([this, end, &home, started = starts_] {
    if (!up() || starts_ != started) {
      return;
    }
    crash();
    if (end == End::kTakenOver) {
      return;
    }
    if (simulation_.healed()) {
      simulation_.fail("start", host_.name() + " ended after all faults had ended");
    }
    home.start_timer(home.now() + kRestartDelay, [this, started] {
      if (!up() && starts_ == started) {
        start();
      }
    });
  });
}

void SharedServer::crash() {
  CHECK(up());
  host_.crash();
  simulation_.destroy_crashed(host_, [this] { parts_.reset(); });
}

Task<void> SharedServer::stop() {
  CHECK(up());
  if (parts_->listener != nullptr) {
    parts_->listener->close();
  }
  if (parts_->server) {
    const Result<void> drained = co_await parts_->server->drain(kDrainBound).result();
    if (!drained.ok()) {
      simulation_.fail("S21", "the drain failed: " + drained.error().to_string());
    }
  }
  co_await async::yield(simulation_.loop());
  parts_.reset();
  host_.loop().run_pending();
  host_.stop();
  co_return kOk;
}

}  // namespace kelpie::sim
