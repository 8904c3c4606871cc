// The command line: verbs, flags and help texts.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "app/actors_command.h"
#include "app/config.h"

namespace kelpie::app {

// What the process ends with. 128 + n: the second signal n ended it at once.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;  // could not start, or could not go on
inline constexpr int kExitUsage = 2;   // bad command line or configuration

enum class Verb : uint8_t { kServe, kConfig, kBackup, kRestore, kActors, kOfflineModel };

struct Command {
  Verb verb = Verb::kServe;
  ConfigArguments config;      // all but offline-model
  std::string backup_to;       // backup: --to
  std::string backup_server;   // backup: --server; empty: where the configuration says it listens
  std::string restore_from;    // restore: --from
  ActorsCommand actors;        // actors
  std::string offline_listen;  // offline-model
};

// Nothing to run: text to print, on standard output if all is well, and the exit code.
struct Farewell {
  int exit_code = kExitOk;
  std::string text;
};

// `arguments` without the program's name. `version` is what `--version` prints.
std::variant<Command, Farewell> parse_command_line(const std::vector<std::string>& arguments,
                                                   const std::string& version);

}  // namespace kelpie::app
