#include "api/server.h"

#include <utility>

#include "world/log.h"

namespace kelpie::api {

Server::Server(World& world, store::Database& database, llm::Models& models,
               obs::Metrics& metrics, ServerOptions options)
    : world_(world),
      metrics_(metrics),
      ownership_(world, database, options.owner_records),
      runtime_(world, database, ownership_, options.actors),
      agents_(world, database, runtime_, models),
      routes_(world, agents_, models, metrics,
              RoutesOptions{options.api_key, options.kelpie_version}),
      http_(world, routes_, net::HttpServerOptions{.body_bytes_max = options.body_bytes_max}),
      background_(world.loop, [this](const Error& error) {
        world_.log.error("a background task of the server failed",
                         {{"error", error.to_string()}});
      }) {
  routes_.on_scrape([this] { refresh_metrics(); });
}

Task<void> Server::start() {
  co_await ownership_.join();
  background_.spawn(agents_.resume_all());
  co_return kOk;
}

Task<void> Server::serve(world::Listener& listener) { return http_.serve(listener); }

Task<void> Server::drain(Duration bound) {
  routes_.stop_being_ready();
  return http_.drain(bound);
}

void Server::refresh_metrics() {
  const actor::RuntimeCounters& counters = runtime_.counters();
  const auto set = [this](std::string_view name, std::string_view help, uint64_t value) {
    metrics_.gauge(name, help).set(static_cast<int64_t>(value));
  };
  set("kelpie_actors_active", "Actors in memory.", runtime_.active());
  set("kelpie_http_connections", "Open HTTP connections.", http_.connections());
  set("kelpie_actor_activations", "Activations since the start.", counters.activations);
  set("kelpie_turns_committed", "Turns committed since the start.", counters.turns_committed);
  set("kelpie_turns_retried", "Turns tried again after a conflict.", counters.turns_retried);
  set("kelpie_turns_undecided", "Commits whose outcome had to be settled.",
      counters.turns_undecided);
  set("kelpie_fences_lost", "Turns refused because the epoch was replaced.",
      counters.fences_lost);
}

}  // namespace kelpie::api
