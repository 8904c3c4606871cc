#include "api/server.h"

#include <utility>

#include "api/actor_metrics.h"
#include "cluster/sweep.h"
#include "world/faults.h"
#include "world/log.h"

namespace kelpie::api {
namespace {

// Either is right for a store that no other process reaches. One that holds a store keeps to what
// the others did.
cluster::OwnerRecords choose_records(World& world, const ServerOptions& options) {
  const bool changes = !options.held_epoch && world.faults.buggify("server.owner_records");
  return changes ? cluster::OwnerRecords::kPerActor : options.owner_records;
}

// Of which ids this server's loop runs the actors.
std::function<bool(std::string_view)> lives_on(const ServerOptions& options) {
  return [loop = options.loop, loops = options.loops](std::string_view id) {
    return home_loop(id, loops) == loop;
  };
}

}  // namespace

Server::Server(World& world, store::Database& database, llm::Models& models, obs::Metrics& metrics,
               ServerOptions options)
    : world_(world),
      database_(database),
      metrics_(metrics),
      options_(std::move(options)),
      ownership_(world, database, choose_records(world, options_)),
      runtime_(world, database, ownership_, options_.actors),
      agents_(world, database, runtime_, models, lives_on(options_)),
      actors_(world, database, runtime_, lives_on(options_)),
      routes_(world, agents_, models, metrics,
              RoutesOptions{options_.api_key, options_.kelpie_version, options_.allowed_hosts}),
      router_({as_peer()}),
      http_(std::in_place, world, router_,
            net::HttpServerOptions{.body_bytes_max = options_.body_bytes_max}),
      background_(world.loop, [this](const Error& error) {
        world_.log.error("a background task of the server failed", {{"error", error.to_string()}});
      }) {
  CHECK(options_.loop < options_.loops);
  if (options_.held_epoch) {
    ownership_.hold(*options_.held_epoch, options_.taken_over);
  }
  ownership_.on_joined([this] { background_.spawn(sweep()); });
  routes_.on_actors(&actors_);
  routes_.on_scrape([this] { refresh_metrics(); });
  runtime_.on_orphan([this] { background_.spawn(agents_.resume_all()); });
}

LoopPeer Server::as_peer() { return {{world_.loop, background_}, routes_, &actors_}; }

void Server::route_over(std::vector<LoopPeer> peers) {
  CHECK(peers.size() == options_.loops);
  CHECK(&peers.front().handler == &routes_);
  std::vector<ActorRoutes::Peer> others;
  for (size_t i = 1; i < peers.size(); ++i) {
    CHECK(peers[i].actors != nullptr);
    others.push_back({peers[i].place, *peers[i].actors});
  }
  actors_.set_peers(std::move(others));
  router_.set_peers(std::move(peers));
}

Task<void> Server::start() {
  if (ownership_.joined()) {
    background_.spawn(sweep());
  } else {
    co_await ownership_.join();
  }
  background_.spawn(agents_.resume_all());
  co_return kOk;
}

// What earlier processes owned, whichever way they kept it.
Task<void> Server::sweep() {
  const size_t removed = co_await cluster::sweep_owner_records(world_, database_);
  if (removed > 0) {
    world_.log.info("owner records of earlier epochs were removed",
                    {{"records", uint64_t{removed}}});
  }
  co_return kOk;
}

Task<void> Server::serve(world::Listener& listener) { return http_->serve(listener); }

void Server::end_crossings() {
  http_.reset();
  background_.cancel();
}

Task<void> Server::drain(Duration bound) {
  routes_.stop_being_ready();
  return http_->drain(bound);
}

void Server::refresh_metrics() {
  show_actor_metrics(metrics_, runtime_, options_.loop);
  const auto set = [this](std::string_view name, std::string_view help, uint64_t value) {
    metrics_.gauge(name, help, {{"loop", std::to_string(options_.loop)}})
        .set(static_cast<int64_t>(value));
  };
  set("kelpie_http_connections", "Open HTTP connections.", http_->connections());
  set("kelpie_http_body_bytes", "Bytes of request bodies in memory.", http_->buffered_body_bytes());
}

}  // namespace kelpie::api
