// Server: the whole of a node above its World and its store: ownership, actors, agents, routes,
// HTTP. The binary and the simulator build the same one.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "actor/runtime.h"
#include "agent/service.h"
#include "api/actor_routes.h"
#include "api/loop_router.h"
#include "api/routes.h"
#include "async/scope.h"
#include "async/task.h"
#include "base/limits.h"
#include "base/time.h"
#include "cluster/ownership.h"
#include "llm/model.h"
#include "net/http_server.h"
#include "obs/metrics.h"
#include "store/database.h"
#include "world/net.h"
#include "world/world.h"

namespace kelpie::api {

struct ServerOptions {
  std::string api_key;  // empty: everyone may call
  // Names beside IP addresses and localhost by which a server without a key may be called.
  std::vector<std::string> allowed_hosts;
  size_t body_bytes_max = base::kHttpBodyBytesMax;
  std::string kelpie_version;
  // Claims by record are for a store that several processes share.
  cluster::OwnerRecords owner_records = cluster::OwnerRecords::kNone;
  // On a store that other processes can reach, and that this one has taken over
  // (Ownership::hold). The function is called on this server's loop.
  std::optional<cluster::Epoch> held_epoch;
  std::function<void()> taken_over;
  actor::RuntimeOptions actors;
  // This server's loop among those of the process; see LoopRouter.
  size_t loop = 0;
  size_t loops = 1;
};

// One Loop. What it refers to outlives it. Destroying it drops everything where it stands.
class Server {
 public:
  Server(World& world, store::Database& database, llm::Models& models, obs::Metrics& metrics,
         ServerOptions options);

  // Joins under a new epoch, and begins to resume the runs that a crash interrupted. Before
  // `serve`.
  Task<void> start();
  // Spreads requests over these loops; the first is this server's. At most once, before `serve`.
  void route_over(std::vector<LoopPeer> peers);
  // This loop's part in another's `route_over`.
  [[nodiscard]] LoopPeer as_peer();
  // Drops the connections and what other loops asked of this one, and takes no more of it. Before
  // another loop of `route_over` is destroyed; this server serves no longer.
  void end_crossings();
  // Answers requests for a backup by this. Before `serve`.
  void serve_backups(Routes::OpenBackup open) { routes_.on_backup(std::move(open)); }
  // Until the listener is closed.
  Task<void> serve(world::Listener& listener);
  // Lets requests in flight end, for at most `bound`; the listener is closed before.
  Task<void> drain(Duration bound);

 private:
  void refresh_metrics();
  Task<void> sweep();

  World& world_;
  store::Database& database_;
  obs::Metrics& metrics_;
  ServerOptions options_;
  cluster::Ownership ownership_;
  actor::Runtime runtime_;
  agent::Service agents_;
  ActorRoutes actors_;
  Routes routes_;
  LoopRouter router_;
  std::optional<net::HttpServer> http_;
  Scope background_;
};

}  // namespace kelpie::api
