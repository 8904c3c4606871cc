#include "app/serve.h"

#include <fmt/format.h>

#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "api/server.h"
#include "app/open_store.h"
#include "app/until_asked.h"
#include "async/run_on.h"
#include "async/sleep.h"
#include "llm/providers.h"
#include "obs/metrics.h"
#include "real/loop_thread.h"
#include "real/process.h"
#include "real/real_log.h"
#include "real/real_loop.h"
#include "real/real_world.h"
#include "store/backup_stream.h"
#include "store/database.h"
#include "world/clock.h"

namespace kelpie::app {
namespace {

constexpr std::string_view kMemoryWarning = "IN-MEMORY ONLY - data will be lost on restart!";
// The one node of an embedded store. A name for ever: its epochs are kept under it.
constexpr std::string_view kNodeName = "local";
constexpr Duration kMemoryWatchInterval = Duration::seconds(10);

// Each loop is a node of its own.
std::string node_name(size_t loop) {
  std::string name(kNodeName);
  return loop == 0 ? name : name + "/" + std::to_string(loop);
}

std::vector<std::string> node_names(size_t loops) {
  std::vector<std::string> names;
  for (size_t loop = 0; loop < loops; ++loop) {
    names.push_back(node_name(loop));
  }
  return names;
}

Result<std::string> read_api_key(const ServeConfig& config, world::Log& log) {
  if (config.api_key.file.empty()) {
    return config.api_key.key;
  }
  const real::KeyFile file = TRY(real::read_key_file(config.api_key.file));
  if (!file.warning.empty()) {
    log.warn("the key file is not safe", {{"reason", file.warning}});
  }
  return file.key;
}

// A loop beside the first: its own world, models and server over the first loop's store.
struct ExtraLoop {
  ExtraLoop(world::Log& log, const api::LoopPeer& first, OpenStore& store,
            const llm::ModelsConfig& models_config, obs::Metrics& metrics,
            api::ServerOptions options)
      : real(thread.loop(), log, world::NodeName(node_name(options.loop))),
        database(store.database_for(thread.loop(), first.place)),
        models(llm::make_models(real.world(), models_config)),
        server(real.world(), *database, *models, metrics, std::move(options)) {}
  // The thread ends before what it works on.
  ~ExtraLoop() { thread.join(); }
  real::LoopThread thread;
  real::RealWorld real;
  std::unique_ptr<store::Database> database;
  std::unique_ptr<llm::Models> models;
  api::Server server;
};

// Every loop joins under an epoch of its own before the first request.
Task<void> start_all(Loop& loop, api::Server& first,
                     const std::vector<std::unique_ptr<ExtraLoop>>& extra) {
  co_await first.start();
  for (const auto& other : extra) {
    co_await async::run_on<void>(loop, other->server.as_peer().place,
                                 [&other] { return other->server.start(); });
  }
  co_return kOk;
}

// Nothing of the other loops is run here once they begin to go.
struct EndCrossings {
  api::Server& server;
  ~EndCrossings() { server.end_crossings(); }
};

// What the other loops hand back on their way out (transactions, streams) is dropped by the first
// loop while the store still stands.
struct GiveBack {
  real::RealLoop& loop;
  ~GiveBack() { loop.run_pending(); }
};

Task<void> watch_memory(Loop& loop, obs::Gauge& resident_bytes) {
  for (;;) {
    resident_bytes.set(static_cast<int64_t>(real::resident_memory_bytes()));
    co_await async::sleep_for(loop, kMemoryWatchInterval);
  }
}

// A store that has stopped makes every answer an error: better to end, and be started again.
// Serving that ends unasked is a failure of the process.
Task<void> end_with_store(OpenStore& store, world::Log& log, world::Listener& listener) {
  const std::string reason = co_await store.failed();
  log.error("the store has stopped, so this process ends", {{"reason", reason}});
  listener.close();
  co_return kOk;
}

// An engine with backups of its own has no snapshot to give.
void serve_backups(api::Server& server, OpenStore& store, World& world,
                   const std::string& version) {
  if (store.latest() == nullptr) {
    return;
  }
  server.serve_backups([&store, &world, version] {
    return std::make_unique<store::BackupStream>(
        world.loop, store.latest(),
        store::BackupOrigin{.engine = std::string(store.database().engine_name()),
                            .kelpie_version = version,
                            .now = world.clock.wall()});
  });
}

// Called on any loop when another process has fenced this one: what is left to do is to end.
std::function<void()> end_when_taken_over(Loop& loop, world::Log& log, world::Listener& listener) {
  return [&loop, &log, &listener] {
    loop.post_from_thread([&log, &listener] {
      log.error("another process has taken the store over, so this process ends");
      listener.close();
    });
  };
}

void announce(const ServeConfig& config, const std::string& version, std::string_view api_key,
              world::Log& log) {
  const BackendChoice& choice = config.store.backend;
  const std::string_view name = backend_name(choice.kind);
  fmt::print("kelpie {}\n", version);
  if (choice.kind == BackendKind::kMemory) {
    fmt::print("store    {} (from {}): {}\n", name, choice.source, kMemoryWarning);
    log.warn(kMemoryWarning, {{"source", choice.source}});
  } else {
    fmt::print("store    {} in {} (from {})\n", name, choice.path, choice.source);
  }
  fmt::print("auth     {}\n", api_key.empty() ? "none" : "API key");
  log.info("store chosen", {{"engine", name}, {"path", choice.path}, {"source", choice.source}});
  if (config.exposure == Exposure::kInsecureAllowed && api_key.empty() &&
      !is_loopback(config.listen.host)) {
    log.warn("--insecure: whoever reaches the address can read and change every agent",
             {{"address", config.listen.to_string()}});
  }
}

}  // namespace

Result<void> run_serve(const ServeConfig& config, const std::string& version) {
  real::RealLog log(real::LogOptions{.level = config.log_level, .format = config.log_format});
  real::ignore_broken_pipes();
  const uint64_t open_files = TRY(real::raise_open_file_limit());
  const std::string api_key = TRY(read_api_key(config, log));
  const llm::ModelsConfig models_config{.openai_api_key = config.openai_api_key,
                                        .openai_base_url = config.openai_base_url,
                                        .ca_file = config.ca_file};
  TRY(llm::check_models_config(models_config));
  announce(config, version, api_key, log);

  real::RealLoop loop;
  real::RealWorld real(loop, log, world::NodeName(node_name(0)));
  World& world = real.world();
  const auto store = TRY(open_store(config.store, world, version));
  const auto listener = TRY(loop.run(world.net.listen(config.listen)));
  const auto held_epoch = TRY(loop.run(prepare_store(*store, world, node_names(config.loops))));
  obs::Metrics metrics;
  const auto models = llm::make_models(world, models_config);
  api::ServerOptions options{.api_key = api_key,
                             .allowed_hosts = {config.listen.host},
                             .body_bytes_max = config.body_bytes_max,
                             .kelpie_version = version,
                             .loops = config.loops};
  if (held_epoch) {
    options.held_epoch = held_epoch;
    options.taken_over = end_when_taken_over(loop, log, *listener);
  }
  api::Server server(world, store->database(), *models, metrics, options);
  const GiveBack give_back{loop};
  std::vector<api::LoopPeer> peers{server.as_peer()};
  std::vector<std::unique_ptr<ExtraLoop>> extra;
  for (options.loop = 1; options.loop < config.loops; ++options.loop) {
    extra.push_back(
        std::make_unique<ExtraLoop>(log, peers.front(), *store, models_config, metrics, options));
    peers.push_back(extra.back()->server.as_peer());
  }
  server.route_over(std::move(peers));
  serve_backups(server, *store, world, version);
  const EndCrossings end_crossings{server};
  Scope background(loop, nullptr);
  background.spawn(end_with_store(*store, log, *listener));
  background.spawn(watch_memory(
      loop, metrics.gauge("process_resident_memory_bytes", "Memory in use, in bytes.")));

  log.info("starting", {{"version", version}, {"open_files_max", open_files}});
  for (const auto& other : extra) {
    other->thread.start();
  }
  TRY(loop.run(start_all(loop, server, extra)));
  UntilAsked until_asked(loop, log, *listener, config.drain_timeout);
  fmt::print("ready on http://{}\n", listener->address().to_string());
  std::fflush(stdout);
  log.info("serving", {{"address", listener->address().to_string()}});
  TRY(until_asked.run(server));
  log.info("stopped");
  return kOk;
}

}  // namespace kelpie::app
