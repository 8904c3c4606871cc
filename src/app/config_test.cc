#include "app/config.h"

#include <gtest/gtest.h>

#include "app/fake_machine.h"

namespace kelpie::app {
namespace {

class ConfigTest : public testing::Test {
 protected:
  ConfigTest() { machine_.variables["HOME"] = "/home/me"; }
  Result<ServeConfig> config() {
    const auto loaded = load_settings(arguments_, machine_);
    return loaded.ok() ? make_config(loaded->settings, machine_)
                       : Result<ServeConfig>(loaded.error());
  }
  std::string error() {
    const auto made = config();
    return made.ok() ? "" : made.error().message;
  }
  ConfigArguments arguments_;
  FakeMachine machine_;
};

TEST_F(ConfigTest, NeedsNothingToBeSaid) {
  const auto made = config();
  ASSERT_TRUE(made.ok()) << made.error().to_string();
  EXPECT_EQ(made->listen.to_string(), "127.0.0.1:8283");
  EXPECT_EQ(made->loops, 1u);
  EXPECT_EQ(made->body_bytes_max, 32u << 20);
  EXPECT_EQ(made->drain_timeout, Duration::seconds(30));
  EXPECT_EQ(made->store.backend.path, "/home/me/.local/share/kelpie");
  EXPECT_EQ(made->api_key.key, "");
}

TEST_F(ConfigTest, TakesFlagsBeforeTheEnvironmentBeforeTheFileBeforeTheDefault) {
  machine_.files["kelpie.toml"] = "listen = \"127.0.0.1:1\"\n";
  EXPECT_EQ(config()->listen.port, 1);
  machine_.variables["KELPIE_LISTEN"] = "127.0.0.1:2";
  EXPECT_EQ(config()->listen.port, 2);
  arguments_.flags["listen"] = "[::1]:3";
  EXPECT_EQ(config()->listen.to_string(), "[::1]:3");
}

TEST_F(ConfigTest, RefusesAnOpenAddressWithoutAKeyAndNamesTheWaysOut) {
  arguments_.flags["listen"] = "0.0.0.0:8283";
  EXPECT_NE(error().find("--insecure"), std::string::npos) << error();
  EXPECT_NE(error().find("--api-key-file"), std::string::npos);
  machine_.variables["KELPIE_API_KEY"] = "k";
  EXPECT_EQ(error(), "");
  machine_.variables.erase("KELPIE_API_KEY");
  arguments_.flags["api-key-file"] = "/key";
  EXPECT_EQ(error(), "");
  arguments_.flags.erase("api-key-file");
  arguments_.flags["insecure"] = "true";
  EXPECT_EQ(config()->exposure, Exposure::kInsecureAllowed);
}

TEST_F(ConfigTest, PrefersTheKeyFromTheStrongerSource) {
  machine_.files["kelpie.toml"] = "api_key_file = \"/from-file\"\n";
  EXPECT_EQ(config()->api_key.file, "/from-file");
  machine_.variables["LETTA_SERVER_PASSWORD"] = "theirs";
  EXPECT_EQ(config()->api_key.key, "theirs");
  EXPECT_EQ(config()->api_key.file, "");
  machine_.variables["KELPIE_API_KEY"] = "ours";
  EXPECT_EQ(config()->api_key.key, "ours");
  arguments_.flags["api-key-file"] = "/flag";
  EXPECT_EQ(config()->api_key.file, "/flag");
  EXPECT_EQ(config()->api_key.key, "");
  arguments_.flags["api-key-file"] = "";
  EXPECT_NE(error().find("api-key-file"), std::string::npos);
}

TEST_F(ConfigTest, SaysWhatWasExpectedWhatCameAndWhereFrom) {
  const std::map<std::string, std::string> bad = {{"listen", "nowhere"},
                                                  {"loops", "two"},
                                                  {"log-level", "loud"},
                                                  {"log-format", "xml"},
                                                  {"body-bytes-max", "1B"},
                                                  {"drain-timeout", "soon"},
                                                  {"insecure", "perhaps"},
                                                  {"rocksdb-block-cache-bytes", "0"},
                                                  {"rocksdb-write-buffer-bytes", "-"}};
  for (const auto& [name, value] : bad) {
    arguments_.flags = {{name, value}};
    const std::string message = error();
    EXPECT_TRUE(message.starts_with(name + ": ")) << message;
    EXPECT_NE(message.find("expected"), std::string::npos) << message;
    EXPECT_NE(message.find("\"" + value + "\""), std::string::npos) << message;
    EXPECT_NE(message.find("(from --" + name + ")"), std::string::npos) << message;
  }
}

TEST_F(ConfigTest, RefusesNoLoopsAndTooMany) {
  for (const char* loops : {"0", "257"}) {
    arguments_.flags["loops"] = loops;
    EXPECT_NE(error().find(loops), std::string::npos) << error();
  }
}

TEST_F(ConfigTest, RefusesAnUnknownKeyOfTheFileByItsLine) {
  machine_.files["kelpie.toml"] = "# a comment\nlisten = \"127.0.0.1:1\"\nlisten_to = 2\n";
  EXPECT_TRUE(error().starts_with("kelpie.toml:3: unknown key \"listen_to\"")) << error();
  // A secret does not belong into a file that is shown around.
  machine_.files["kelpie.toml"] = "api_key = \"k\"\n";
  EXPECT_TRUE(error().starts_with("kelpie.toml:1: unknown key")) << error();
}

TEST_F(ConfigTest, TakesTheSetupOfFoundationDbsClientFromEverySource) {
  arguments_.flags["fdb-library"] = "/opt/libfdb_c.so";
  arguments_.flags["fdb-tls-cert-file"] = "/tls/cert";
  machine_.variables["KELPIE_FDB_TLS_KEY_FILE"] = "/tls/key";
  machine_.variables["FDB_TLS_KEY_FILE"] = "/weaker";
  machine_.variables["FDB_TLS_VERIFY_PEERS"] = "Check.Valid=1";
  machine_.variables["KELPIE_FDB_KNOBS_FILE"] = "/knobs";
  machine_.files["/knobs"] = "a=1\n";
  machine_.files["kelpie.toml"] = "fdb_tls_ca_file = \"/tls/ca\"\nfdb_tls_password = \"hush\"\n";
  const auto made = config();
  ASSERT_TRUE(made.ok()) << made.error().to_string();
  const FdbConfig& fdb = made->store.fdb;
  EXPECT_EQ(fdb.library, "/opt/libfdb_c.so");
  EXPECT_EQ(fdb.tls_cert_file, "/tls/cert");
  EXPECT_EQ(fdb.tls_key_file, "/tls/key");
  EXPECT_EQ(fdb.tls_ca_file, "/tls/ca");
  EXPECT_EQ(fdb.tls_verify_peers, "Check.Valid=1");
  EXPECT_EQ(fdb.tls_password, "hush");
  EXPECT_EQ(fdb.knobs, (Knobs{{"a", "1"}}));
}

TEST_F(ConfigTest, AKnobsFileThatCannotBeReadIsAnError) {
  arguments_.flags["fdb-knobs-file"] = "/knobs";
  EXPECT_NE(error().find("/knobs (from --fdb-knobs-file), found none"), std::string::npos);
  machine_.files["/knobs"] = "fine=1\nnot fine\n";
  EXPECT_TRUE(error().starts_with("/knobs:2: ")) << error();
  machine_.unreadable = {"/knobs"};
  EXPECT_TRUE(error().starts_with("fdb-knobs-file: cannot read /knobs")) << error();
}

TEST_F(ConfigTest, RefusesAFileThatIsNotTomlByItsLine) {
  machine_.files["kelpie.toml"] = "listen = 1\nloops =\n";
  EXPECT_TRUE(error().starts_with("kelpie.toml:2: ")) << error();
  machine_.files["kelpie.toml"] = "[server]\nlisten = \"x\"\n";
  EXPECT_TRUE(error().starts_with("kelpie.toml:1: server: expected a string")) << error();
}

TEST_F(ConfigTest, TakesIntegersAndBooleansOfTheFileAsTheyAre) {
  machine_.files["kelpie.toml"] =
      "body_bytes_max = 2048\ninsecure = true\nlog_level = \"debug\"\nlog_format = \"json\"\n";
  const auto made = config();
  ASSERT_TRUE(made.ok()) << made.error().to_string();
  EXPECT_EQ(made->body_bytes_max, 2048u);
  EXPECT_EQ(made->exposure, Exposure::kInsecureAllowed);
  EXPECT_EQ(made->log_level, world::LogLevel::kDebug);
  EXPECT_EQ(made->log_format, real::LogFormat::kJson);
}

TEST_F(ConfigTest, AFileThatWasNamedMustExist) {
  arguments_.config_path = "/etc/k.toml";
  EXPECT_NE(error().find("/etc/k.toml (from --config)"), std::string::npos) << error();
  arguments_.config_path.reset();
  machine_.variables["KELPIE_CONFIG"] = "/etc/e.toml";
  EXPECT_NE(error().find("KELPIE_CONFIG"), std::string::npos) << error();
  machine_.files["/etc/e.toml"] = "listen = \"127.0.0.1:5\"\n";
  machine_.files["kelpie.toml"] = "listen = \"127.0.0.1:6\"\n";
  EXPECT_EQ(config()->listen.port, 5);
}

TEST_F(ConfigTest, ShowsEveryValueWithItsSourceAndMasksSecrets) {
  machine_.files["kelpie.toml"] = "log_level = \"debug\"\n";
  machine_.variables["OPENAI_API_KEY"] = "sk-secret";
  machine_.variables["KELPIE_API_KEY"] = "very-secret";
  machine_.variables["FDB_TLS_PASSWORD"] = "tls-secret";
  arguments_.flags["data-dir"] = "/d";
  const auto loaded = load_settings(arguments_, machine_);
  ASSERT_TRUE(loaded.ok());
  const std::string text = describe_config(*loaded, machine_);
  EXPECT_EQ(text.find("secret"), std::string::npos) << text;
  for (const char* part : {"environment OPENAI_API_KEY", "file kelpie.toml:1", "flag --data-dir",
                           "default", "rocksdb /d"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  }
  for (const SettingSpec& spec : setting_specs()) {
    EXPECT_NE(text.find(spec.name), std::string::npos) << spec.name;
  }
}

TEST(IsLoopback, KnowsTheAddressesOfThisMachineOnly) {
  for (const char* host : {"127.0.0.1", "127.1.2.3", "localhost", "::1"}) {
    EXPECT_TRUE(is_loopback(host)) << host;
  }
  for (const char* host : {"0.0.0.0", "::", "127.0.0.1.example.com", "127.example.com", "10.0.0.1",
                           "127.0.0", "127.0.0.256", "", "128.0.0.1"}) {
    EXPECT_FALSE(is_loopback(host)) << host;
  }
}

}  // namespace
}  // namespace kelpie::app
