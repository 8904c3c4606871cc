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
    : simulation_(simulation),
      host_(host),
      fdb_(fdb),
      address_(std::move(address)),
      drained_(simulation.loop()) {}

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
  abandoned_ = false;
  stopping_ = false;
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
    if (end == End::kTakenOver || abandoned_) {
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
  drained_.set();
}

bool SharedServer::serving() const { return up() && !stopping_ && parts_->server; }

Task<bool> SharedServer::stop() {
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
  host_.loop().run_pending();
  host_.stop();
  co_return true;
}

// On the host's own loop, as the process does it. It may be crashed or taken over in the middle.
Task<void> SharedServer::drain(SharedServer& node, Parts& parts) {
  if (parts.listener != nullptr) {
    parts.listener->close();
  }
  if (parts.server) {
    const Result<void> drained = co_await parts.server->drain(kDrainBound).result();
    if (!drained.ok()) {
      node.simulation_.fail("S21", "the drain failed: " + drained.error().to_string());
    }
  }
  node.simulation_.loop().post_from_thread([&node, started = node.starts_] {
    if (node.starts_ == started) {
      node.drained_.set();
    }
  });
  co_return kOk;
}

}  // namespace kelpie::sim
