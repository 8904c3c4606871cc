// kelpie: the command line program. Wiring only.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "app/actors_verb.h"
#include "app/backup.h"
#include "app/command_line.h"
#include "app/serve.h"
#include "kelpie_version.h"
#include "sim/cli.h"

namespace kelpie::app {
namespace {

int fail(int exit_code, const Error& error) {
  std::fprintf(stderr, "kelpie: %s\n", error.message.c_str());
  return exit_code;
}

int serve(const ConfigArguments& arguments) {
  const RealMachine machine;
  const auto loaded = load_settings(arguments, machine);
  if (!loaded.ok()) {
    return fail(kExitUsage, loaded.error());
  }
  const auto config = make_config(loaded->settings, machine);
  if (!config.ok()) {
    return fail(kExitUsage, config.error());
  }
  const auto served = run_serve(*config, kVersion);
  return served.ok() ? kExitOk : fail(kExitFailed, served.error());
}

int print_config(const ConfigArguments& arguments) {
  const RealMachine machine;
  const auto loaded = load_settings(arguments, machine);
  if (!loaded.ok()) {
    return fail(kExitUsage, loaded.error());
  }
  std::fputs(describe_config(*loaded, machine).c_str(), stdout);
  const auto config = make_config(loaded->settings, machine);
  return config.ok() ? kExitOk : fail(kExitUsage, config.error());
}

// `given` is its URL; empty: where the settings say that it listens.
Result<ServerPlace> choose_server(const std::string& given, const Settings& settings) {
  ServerPlace server{.url = given,
                     .api_key = TRY(choose_api_key(settings)),
                     .ca_file = settings.get("ca-file").text};
  if (server.url.empty()) {
    server.url = url_of(TRY(world::parse_address(settings.get("listen").text)));
  }
  return server;
}

int backup(const Command& command) {
  const auto loaded = load_settings(command.config, RealMachine());
  if (!loaded.ok()) {
    return fail(kExitUsage, loaded.error());
  }
  const auto server = choose_server(command.backup_server, loaded->settings);
  if (!server.ok()) {
    return fail(kExitUsage, server.error());
  }
  const auto done = run_backup({.directory = command.backup_to, .server = *server});
  return done.ok() ? kExitOk : fail(kExitFailed, done.error());
}

int actors(const Command& command) {
  const auto loaded = load_settings(command.config, RealMachine());
  if (!loaded.ok()) {
    return fail(kExitUsage, loaded.error());
  }
  const auto server = choose_server(command.actors.server, loaded->settings);
  if (!server.ok()) {
    return fail(kExitUsage, server.error());
  }
  const auto request = actors_request(command.actors);
  if (!request.ok()) {
    return fail(kExitUsage, request.error());
  }
  const auto done = run_actors(command.actors, *request, *server);
  return done.ok() ? kExitOk : fail(kExitFailed, done.error());
}

int restore(const Command& command) {
  const RealMachine machine;
  const auto loaded = load_settings(command.config, machine);
  if (!loaded.ok()) {
    return fail(kExitUsage, loaded.error());
  }
  auto store = make_store_config(loaded->settings, machine);
  if (!store.ok()) {
    return fail(kExitUsage, store.error());
  }
  const auto done = run_restore({.directory = command.restore_from, .store = *std::move(store)},
                                std::string(kVersion));
  return done.ok() ? kExitOk : fail(kExitFailed, done.error());
}

int run(const Command& command) {
  switch (command.verb) {
    case Verb::kServe:
      return serve(command.config);
    case Verb::kConfig:
      return print_config(command.config);
    case Verb::kBackup:
      return backup(command);
    case Verb::kRestore:
      return restore(command);
    case Verb::kActors:
      return actors(command);
    case Verb::kOfflineModel:
      break;
  }
  const auto served = run_offline_model(command.offline_listen, kVersion);
  return served.ok() ? kExitOk : fail(kExitFailed, served.error());
}

}  // namespace
}  // namespace kelpie::app

int main(int argc, char** argv) {
  using namespace kelpie::app;
  if (argc > 1 && std::string_view(argv[1]) == "sim") {
    return kelpie::sim::run_sim_cli(argc - 2, argv + 2, std::getenv("DST_SEED"), kelpie::kVersion);
  }
  const auto parsed =
      parse_command_line(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc),
                         "kelpie " + std::string(kelpie::kVersion));
  if (const auto* farewell = std::get_if<Farewell>(&parsed)) {
    std::fputs(farewell->text.c_str(), farewell->exit_code == kExitOk ? stdout : stderr);
    return farewell->exit_code;
  }
  return run(std::get<Command>(parsed));
}
