#include "api/server.h"

#include <utility>

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

}  // namespace

Server::Server(World& world, store::Database& database, llm::Models& models, obs::Metrics& metrics,
               ServerOptions options)
    : world_(world),
      metrics_(metrics),
      options_(std::move(options)),
      ownership_(world, database, choose_records(world, options_)),
      runtime_(world, database, ownership_, options_.actors),
      agents_(world, database, runtime_, models,
              [loop = options_.loop, loops = options_.loops](std::string_view agent_id) {
                return home_loop(agent_id, loops) == loop;
              }),
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
  routes_.on_scrape([this] { refresh_metrics(); });
  runtime_.on_orphan([this] { background_.spawn(agents_.resume_all()); });
}

LoopPeer Server::as_peer() { return {{world_.loop, background_}, routes_}; }

void Server::route_over(std::vector<LoopPeer> peers) {
  CHECK(peers.size() == options_.loops);
  CHECK(&peers.front().handler == &routes_);
  router_.set_peers(std::move(peers));
}

Task<void> Server::start() {
  if (!ownership_.joined()) {
    co_await ownership_.join();
  }
  background_.spawn(agents_.resume_all());
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
  const actor::RuntimeCounters& counters = runtime_.counters();
  const auto set = [this](std::string_view name, std::string_view help, uint64_t value) {
    metrics_.gauge(name, help, {{"loop", std::to_string(options_.loop)}})
        .set(static_cast<int64_t>(value));
  };
  set("kelpie_actors_active", "Actors in memory.", runtime_.active());
  set("kelpie_http_connections", "Open HTTP connections.", http_->connections());
  set("kelpie_http_body_bytes", "Bytes of request bodies in memory.", http_->buffered_body_bytes());
  set("kelpie_actor_activations", "Activations since the start.", counters.activations);
  set("kelpie_turns_committed", "Turns committed since the start.", counters.turns_committed);
  set("kelpie_turns_retried", "Turns tried again after a conflict.", counters.turns_retried);
  set("kelpie_turns_undecided", "Commits whose outcome had to be settled.",
      counters.turns_undecided);
  set("kelpie_fences_lost", "Turns refused because the epoch was replaced.", counters.fences_lost);
}

}  // namespace kelpie::api
