#include "app/command_line.h"

#include <gtest/gtest.h>

#include <utility>

namespace kelpie::app {
namespace {

std::variant<Command, Farewell> parse(const std::vector<std::string>& arguments) {
  return parse_command_line(arguments, "kelpie 1.2.3+abc");
}

Farewell farewell(const std::vector<std::string>& arguments) {
  const auto parsed = parse(arguments);
  return std::holds_alternative<Farewell>(parsed) ? std::get<Farewell>(parsed)
                                                  : Farewell{.exit_code = -1};
}

TEST(CommandLine, CollectsTheFlagsThatWereGivenAndNoOthers) {
  const auto parsed = parse({"serve", "--listen", "[::1]:1", "--memory-only", "--config=/c.toml"});
  ASSERT_TRUE(std::holds_alternative<Command>(parsed));
  const Command& command = std::get<Command>(parsed);
  EXPECT_EQ(command.verb, Verb::kServe);
  EXPECT_EQ(command.config.flags,
            (std::map<std::string, std::string>{{"listen", "[::1]:1"}, {"memory-only", "true"}}));
  EXPECT_EQ(command.config.config_path, "/c.toml");
}

TEST(CommandLine, GivesConfigTheFlagsOfServe) {
  const auto parsed = parse({"config", "--data-dir", "/d"});
  ASSERT_TRUE(std::holds_alternative<Command>(parsed));
  EXPECT_EQ(std::get<Command>(parsed).verb, Verb::kConfig);
  EXPECT_EQ(std::get<Command>(parsed).config.flags.at("data-dir"), "/d");
}

TEST(CommandLine, TellsABackupWhereToAndOfWhichServer) {
  const auto parsed = parse({"backup", "--to", "/b", "--server", "http://h:1", "--api-key-file",
                             "/key", "--config", "/c.toml"});
  ASSERT_TRUE(std::holds_alternative<Command>(parsed));
  const Command& command = std::get<Command>(parsed);
  EXPECT_EQ(command.verb, Verb::kBackup);
  EXPECT_EQ(command.backup_to, "/b");
  EXPECT_EQ(command.backup_server, "http://h:1");
  EXPECT_EQ(command.config.flags.at("api-key-file"), "/key");
  EXPECT_EQ(farewell({"backup"}).exit_code, kExitUsage);
  EXPECT_EQ(farewell({"backup", "--to", "/b", "--data-dir", "/d"}).exit_code, kExitUsage);
}

TEST(CommandLine, TellsARestoreWhereFromAndIntoWhichStore) {
  const auto parsed = parse({"restore", "--from", "/b", "--data-dir", "/d"});
  ASSERT_TRUE(std::holds_alternative<Command>(parsed));
  const Command& command = std::get<Command>(parsed);
  EXPECT_EQ(command.verb, Verb::kRestore);
  EXPECT_EQ(command.restore_from, "/b");
  EXPECT_EQ(command.config.flags.at("data-dir"), "/d");
  EXPECT_EQ(farewell({"restore", "--data-dir", "/d"}).exit_code, kExitUsage);
  EXPECT_EQ(farewell({"restore", "--from", "/b", "--listen", "h:1"}).exit_code, kExitUsage);
}

TEST(CommandLine, TellsActorsWhatToAskOfWhichServer) {
  const auto parsed = parse({"actors", "list", "agent/default", "--stored", "--limit", "5",
                             "--json", "--server", "http://h:1", "--api-key-file", "/key"});
  ASSERT_TRUE(std::holds_alternative<Command>(parsed));
  const Command& command = std::get<Command>(parsed);
  EXPECT_EQ(command.verb, Verb::kActors);
  EXPECT_EQ(command.actors.action, ActorsAction::kList);
  EXPECT_EQ(command.actors.filter, "agent/default");
  EXPECT_TRUE(command.actors.stored);
  EXPECT_TRUE(command.actors.json);
  EXPECT_EQ(command.actors.limit, "5");
  EXPECT_EQ(command.actors.server, "http://h:1");
  EXPECT_EQ(command.config.flags.at("api-key-file"), "/key");
}

TEST(CommandLine, EachVerbOfActorsIsItsOwn) {
  const std::pair<const char*, ActorsAction> verbs[] = {{"show", ActorsAction::kShow},
                                                        {"explain", ActorsAction::kExplain},
                                                        {"pause", ActorsAction::kPause},
                                                        {"resume", ActorsAction::kResume},
                                                        {"deactivate", ActorsAction::kDeactivate},
                                                        {"inbox", ActorsAction::kInbox},
                                                        {"reminders", ActorsAction::kReminders}};
  for (const auto& [name, action] : verbs) {
    const auto parsed = parse({"actors", name, "agent/default/a"});
    ASSERT_TRUE(std::holds_alternative<Command>(parsed)) << name;
    EXPECT_EQ(std::get<Command>(parsed).actors.action, action) << name;
    EXPECT_EQ(std::get<Command>(parsed).actors.actor, "agent/default/a") << name;
    EXPECT_EQ(farewell({"actors", name}).exit_code, kExitUsage) << name;
    EXPECT_EQ(farewell({"actors", name, "--help"}).exit_code, kExitOk) << name;
  }
  const auto inbox = parse({"actors", "inbox", "a/b/c", "--drop", "00"});
  ASSERT_TRUE(std::holds_alternative<Command>(inbox));
  EXPECT_EQ(std::get<Command>(inbox).actors.drop, "00");
  EXPECT_EQ(farewell({"actors"}).exit_code, kExitUsage);
  EXPECT_EQ(farewell({"actors", "show", "a/b/c", "--stored"}).exit_code, kExitUsage);
}

TEST(CommandLine, GivesTheOfflineModelAnAddressOfItsOwn) {
  const auto parsed = parse({"offline-model", "--listen", "127.0.0.1:9"});
  ASSERT_TRUE(std::holds_alternative<Command>(parsed));
  EXPECT_EQ(std::get<Command>(parsed).verb, Verb::kOfflineModel);
  EXPECT_EQ(std::get<Command>(parsed).offline_listen, "127.0.0.1:9");
}

TEST(CommandLine, PrintsItsVersion) {
  const Farewell version = farewell({"--version"});
  EXPECT_EQ(version.exit_code, kExitOk);
  EXPECT_EQ(version.text, "kelpie 1.2.3+abc\n");
}

TEST(CommandLine, HelpNamesEverySettingAndItsVariable) {
  const Farewell help = farewell({"serve", "--help"});
  EXPECT_EQ(help.exit_code, kExitOk);
  for (const SettingSpec& spec : setting_specs()) {
    if (spec.flag != FlagKind::kNone) {
      EXPECT_NE(help.text.find(spec.flag_name()), std::string::npos) << spec.name;
    }
    for (const std::string_view variable : spec.variables) {
      EXPECT_NE(help.text.find(variable), std::string::npos) << variable;
    }
  }
}

TEST(CommandLine, RefusesWhatItDoesNotKnowByItsName) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"serve", "--no-such-flag"}, {"no-such-verb"}, {"serve", "--listen"}, {}}) {
    EXPECT_EQ(farewell(arguments).exit_code, kExitUsage);
  }
  EXPECT_NE(farewell({"serve", "--no-such-flag"}).text.find("--no-such-flag"), std::string::npos);
}

TEST(CommandLine, HasNoFlagForASecret) {
  for (const SettingSpec& spec : setting_specs()) {
    if (spec.secrecy == Secrecy::kSecret) {
      EXPECT_EQ(spec.flag, FlagKind::kNone) << spec.name;
      EXPECT_EQ(farewell({"serve", spec.flag_name(), "x"}).exit_code, kExitUsage);
    }
  }
}

}  // namespace
}  // namespace kelpie::app
