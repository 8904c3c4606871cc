#include "app/command_line.h"

#include <CLI/CLI.hpp>
#include <map>
#include <sstream>
#include <utility>

#include "app/settings.h"

namespace kelpie::app {
namespace {

constexpr std::string_view kAbout =
    "Kelpie serves durable AI agents over a Letta-compatible REST API.";
constexpr std::string_view kFooter =
    "Exit codes: 0 ended as asked, 1 could not start or go on, 2 bad command line or\n"
    "configuration, 128+n ended at once by a second signal n.";
constexpr std::string_view kConfigFooter =
    "Each setting is taken from its flag, else from its environment variable, else from the\n"
    "configuration file (TOML, one flat table, underscores for hyphens), else from its default.\n"
    "The file is --config, else $KELPIE_CONFIG, else ./kelpie.toml if there is one.";

std::string setting_help(const SettingSpec& spec) {
  std::string help(spec.help);
  if (!spec.default_text.empty() && spec.flag == FlagKind::kValue) {
    help += " (default " + std::string(spec.default_text) + ")";
  }
  for (const std::string_view variable : spec.variables) {
    help += variable.empty() ? "" : " [$" + std::string(variable) + "]";
  }
  return help;
}

// Which settings a verb takes.
using SettingFilter = bool (*)(std::string_view name);
bool every_setting(std::string_view) { return true; }
bool client_setting(std::string_view name) {
  return name == "listen" || name.starts_with("api-key") || name == "ca-file";
}
bool store_setting(std::string_view name) {
  return name == "data-dir" || name == "memory-only" || name.starts_with("fdb-") ||
         name.starts_with("rocksdb-");
}

// Secrets are never flags: other users of the machine see the command lines of all processes.
std::string secrets_help(SettingFilter wanted) {
  std::string help;
  for (const SettingSpec& spec : setting_specs()) {
    if (spec.flag == FlagKind::kNone && wanted(spec.name)) {
      help += "\n  " + setting_help(spec);
    }
  }
  return help;
}

void add_settings(CLI::App& app, ConfigArguments& into, SettingFilter wanted) {
  app.add_option_function<std::string>(
         "--config", [&into](const std::string& path) { into.config_path = path; },
         "Configuration file [$KELPIE_CONFIG]")
      ->type_name("PATH");
  for (const SettingSpec& spec : setting_specs()) {
    const std::string name(spec.name);
    if (!wanted(name)) {
      continue;
    }
    if (spec.flag == FlagKind::kSwitch) {
      app.add_flag_callback(
          spec.flag_name(), [&into, name] { into.flags[name] = "true"; }, setting_help(spec));
    } else if (spec.flag == FlagKind::kValue) {
      app.add_option_function<std::string>(
             spec.flag_name(), [&into, name](const std::string& text) { into.flags[name] = text; },
             setting_help(spec))
          ->type_name("VALUE");
    }
  }
  app.footer("Never flags, which other users of the machine would see:" + secrets_help(wanted) +
             "\n\n" + std::string(kConfigFooter));
}

// Where the server is that a verb asks.
void add_server(CLI::App& app, std::string& server, ConfigArguments& config) {
  app.add_option("--server", server,
                 "The server's URL (default: where --listen says that it listens)")
      ->type_name("URL");
  add_settings(app, config, client_setting);
}

struct ActorsVerb {
  ActorsAction action;
  std::string_view name;
  std::string_view help;
};
constexpr ActorsVerb kActorsVerbs[] = {
    {ActorsAction::kList, "list", "List the actors that are in memory, or stored"},
    {ActorsAction::kShow, "show", "What is stored of an actor, and whether it is in memory"},
    {ActorsAction::kExplain, "explain", "Who owns an actor, and why"},
    {ActorsAction::kPause, "pause", "Have an actor answer operators alone, until it is resumed"},
    {ActorsAction::kResume, "resume", "Have a paused actor go on"},
    {ActorsAction::kDeactivate, "deactivate",
     "Take an actor out of memory; the next call brings "
     "it back"},
    {ActorsAction::kInbox, "inbox", "Messages that wait, and those that failed too often"},
    {ActorsAction::kReminders, "reminders", "An actor's reminders"},
};

void add_actors_verb(CLI::App& actors, const ActorsVerb& verb, Command& command) {
  ActorsCommand& into = command.actors;
  CLI::App& app = *actors.add_subcommand(std::string(verb.name), std::string(verb.help));
  app.callback([&into, action = verb.action] { into.action = action; });
  if (verb.action == ActorsAction::kList) {
    app.add_option("actors", into.filter, "Of a type, or of type/namespace")->type_name("ACTORS");
    app.add_flag("--stored", into.stored, "Those in the store, whether or not in memory");
    app.add_option("--cursor", into.cursor, "Go on where a list ended")->type_name("CURSOR");
  } else {
    app.add_option("actor", into.actor, "type/namespace/id")->required()->type_name("ACTOR");
  }
  if (verb.action == ActorsAction::kInbox) {
    app.add_option("--retry", into.retry, "Put this parked message at the inbox's end")
        ->type_name("STAMP");
    app.add_option("--drop", into.drop, "Forget this parked message")->type_name("STAMP");
  }
  if (verb.action == ActorsAction::kList || verb.action == ActorsAction::kInbox ||
      verb.action == ActorsAction::kReminders) {
    app.add_option("--limit", into.limit, "At most so many rows, 1 to 1000 (default 100)")
        ->type_name("N");
  }
  app.add_flag("--json", into.json, "The server's answer, for machines");
  add_server(app, into.server, command.config);
}

CLI::App* add_actors(CLI::App& app, Command& command) {
  CLI::App* actors = app.add_subcommand("actors", "Look after the actors of a running server");
  actors->require_subcommand(1);
  for (const ActorsVerb& verb : kActorsVerbs) {
    add_actors_verb(*actors, verb, command);
  }
  return actors;
}

}  // namespace

std::variant<Command, Farewell> parse_command_line(const std::vector<std::string>& arguments,
                                                   const std::string& version) {
  Command command;
  CLI::App app{std::string(kAbout), "kelpie"};
  app.set_version_flag("--version", version);
  app.require_subcommand(1);
  app.footer(std::string(kFooter));
  CLI::App* serve = app.add_subcommand("serve", "Run the server");
  add_settings(*serve, command.config, every_setting);
  CLI::App* config = app.add_subcommand("config", "Print every setting with its value and source");
  add_settings(*config, command.config, every_setting);
  CLI::App* backup = app.add_subcommand("backup", "Take a backup of a running server");
  backup->add_option("--to", command.backup_to, "Directory for the backup, missing or empty")
      ->required()
      ->type_name("DIR");
  add_server(*backup, command.backup_server, command.config);
  CLI::App* restore =
      app.add_subcommand("restore", "Make a new data directory from a backup; checks it first");
  restore->add_option("--from", command.restore_from, "Directory of the backup")
      ->required()
      ->type_name("DIR");
  add_settings(*restore, command.config, store_setting);
  const CLI::App* actors = add_actors(app, command);
  CLI::App* offline =
      app.add_subcommand("offline-model", "Serve the built-in model as an OpenAI-compatible API");
  command.offline_listen = "127.0.0.1:8284";
  offline->add_option("--listen", command.offline_listen, "Address to serve on")
      ->capture_default_str()
      ->type_name("VALUE");
  // Taken before this parser runs; here for the help.
  app.add_subcommand("sim", "Run the deterministic simulator (kelpie sim --help)");

  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    const int code = app.exit(error, out, out);
    return Farewell{.exit_code = code == 0 ? kExitOk : kExitUsage, .text = out.str()};
  }
  command.verb = serve->parsed()     ? Verb::kServe
                 : config->parsed()  ? Verb::kConfig
                 : backup->parsed()  ? Verb::kBackup
                 : restore->parsed() ? Verb::kRestore
                 : actors->parsed()  ? Verb::kActors
                                     : Verb::kOfflineModel;
  return command;
}

}  // namespace kelpie::app
