#include "app/backend_choice.h"

#include <gtest/gtest.h>

#include "app/fake_machine.h"

namespace kelpie::app {
namespace {

constexpr char kStandardFile[] = "/etc/foundationdb/fdb.cluster";
constexpr char kCluster[] = "test:abc@127.0.0.1:4500";

SettingValue said(const std::string& text, Source source, const std::string& origin) {
  return SettingValue{.text = text, .source = source, .origin = origin};
}

SettingValue flag(const std::string& text, const std::string& origin) {
  return said(text, Source::kFlag, origin);
}
SettingValue variable(const std::string& text, const std::string& origin) {
  return said(text, Source::kEnvironment, origin);
}

class ChooseBackend : public testing::Test {
 protected:
  ChooseBackend() { inputs_.default_data_dir = "/home/me/.local/share/kelpie"; }
  Result<BackendChoice> choose() { return choose_backend(inputs_, machine_); }
  BackendInputs inputs_;
  FakeMachine machine_;
};

TEST_F(ChooseBackend, TakesTheDefaultDirectoryWhenNothingIsSaid) {
  EXPECT_EQ(choose().value(), (BackendChoice{.kind = BackendKind::kRocksDb,
                                             .path = "/home/me/.local/share/kelpie",
                                             .source = "default"}));
}

TEST_F(ChooseBackend, FollowsTheOrderOfSources) {
  machine_.files = {{"/env", kCluster}, {"/file", kCluster}, {kStandardFile, kCluster}};
  inputs_.flags.data_dir = flag("/data", "--data-dir");
  inputs_.environment.fdb_cluster_file = variable("/env", "KELPIE_FDB_CLUSTER");
  inputs_.environment.data_dir = variable("/env-data", "KELPIE_DATA_DIR");
  inputs_.file.fdb_cluster_file = said("/file", Source::kFile, "kelpie.toml:1");
  EXPECT_EQ(choose()->source, "--data-dir");
  inputs_.flags = {};
  EXPECT_EQ(choose()->source, "KELPIE_FDB_CLUSTER");
  inputs_.environment.fdb_cluster_file.reset();
  EXPECT_EQ(choose()->source, "KELPIE_DATA_DIR");
  EXPECT_EQ(choose()->path, "/env-data");
  inputs_.environment = {};
  EXPECT_EQ(choose()->source, "kelpie.toml:1");
  inputs_.file = {};
  EXPECT_EQ(choose()->source, "detected");
  EXPECT_EQ(choose()->path, kStandardFile);
  machine_.files.clear();
  EXPECT_EQ(choose()->source, "default");
}

TEST_F(ChooseBackend, RefusesTwoChoicesOfOneSourceNamingBoth) {
  inputs_.flags.memory_only = flag("true", "--memory-only");
  inputs_.flags.data_dir = flag("/data", "--data-dir");
  const auto refused = choose();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kInvalidArgument);
  EXPECT_NE(refused.error().message.find("--memory-only"), std::string::npos);
  EXPECT_NE(refused.error().message.find("--data-dir"), std::string::npos);
  inputs_.file = std::exchange(inputs_.flags, {});
  EXPECT_FALSE(choose().ok());
}

TEST_F(ChooseBackend, KeepsNoPathForMemory) {
  inputs_.flags.memory_only = flag("true", "--memory-only");
  EXPECT_EQ(choose().value(),
            (BackendChoice{.kind = BackendKind::kMemory, .path = "", .source = "--memory-only"}));
}

TEST_F(ChooseBackend, EachSourceMayNameACluster) {
  machine_.files = {{"/c", kCluster}};
  for (BackendWishes* wishes : {&inputs_.flags, &inputs_.environment, &inputs_.file}) {
    wishes->fdb_cluster_file = flag("/c", "from here");
    EXPECT_EQ(choose().value(),
              (BackendChoice{.kind = BackendKind::kFdb, .path = "/c", .source = "from here"}));
    *wishes = {};
  }
}

TEST_F(ChooseBackend, AClusterFileThatCannotBeUsedIsAnErrorThatSaysWhyAndNoFallback) {
  machine_.full_directories = {"/directory"};
  machine_.unreadable = {"/secret"};
  machine_.files = {{"/wrong", "127.0.0.1:4500"}, {"/empty", "# nothing\n"}};
  const std::pair<const char*, const char*> kBad[] = {
      {"/gone", "found none"},       {"", "found none"}, {"/directory", "found a directory"},
      {"/secret", "cannot be read"}, {"/wrong", "no @"}, {"/empty", "expected a cluster string"}};
  for (const auto& [path, reason] : kBad) {
    for (BackendWishes* wishes : {&inputs_.flags, &inputs_.environment, &inputs_.file}) {
      wishes->fdb_cluster_file = flag(path, "said here");
      const auto refused = choose();
      ASSERT_FALSE(refused.ok()) << path;
      for (const char* part : {path, reason, "said here"}) {
        EXPECT_NE(refused.error().message.find(part), std::string::npos)
            << part << " in " << refused.error().message;
      }
      *wishes = {};
    }
  }
}

TEST_F(ChooseBackend, ADetectedClusterIsUsedAndMustBeSound) {
  for (const char* path :
       {"/etc/foundationdb/fdb.cluster", "/usr/local/etc/foundationdb/fdb.cluster",
        "/opt/foundationdb/fdb.cluster", "/var/lib/foundationdb/fdb.cluster"}) {
    machine_.files = {{path, kCluster}};
    EXPECT_EQ(choose().value(),
              (BackendChoice{.kind = BackendKind::kFdb, .path = path, .source = "detected"}));
    machine_.files = {{path, "nonsense"}};
    EXPECT_FALSE(choose().ok());
    machine_.files.clear();
    machine_.unreadable = {path};
    EXPECT_FALSE(choose().ok());
    machine_.unreadable.clear();
  }
}

TEST_F(ChooseBackend, ADetectedClusterNeedsNoHome) {
  inputs_.default_data_dir.clear();
  machine_.files = {{kStandardFile, kCluster}};
  EXPECT_EQ(choose()->kind, BackendKind::kFdb);
}

TEST_F(ChooseBackend, ADataDirectoryThatWasSaidIsTakenBesideACluster) {
  machine_.files = {{kStandardFile, kCluster}};
  machine_.full_directories = {inputs_.default_data_dir};
  inputs_.flags.data_dir = flag(inputs_.default_data_dir, "--data-dir");
  EXPECT_EQ(choose()->kind, BackendKind::kRocksDb);
  inputs_.flags = {};
  inputs_.flags.memory_only = flag("true", "--memory-only");
  EXPECT_EQ(choose()->kind, BackendKind::kMemory);
}

TEST_F(ChooseBackend, ADetectedClusterBesideExistingDataIsRefusedNamingBoth) {
  machine_.files = {{kStandardFile, kCluster}};
  machine_.full_directories = {inputs_.default_data_dir};
  const auto refused = choose();
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find(kStandardFile), std::string::npos);
  EXPECT_NE(refused.error().message.find(inputs_.default_data_dir), std::string::npos);
}

TEST_F(ChooseBackend, WithoutAHomeADirectoryMustBeNamed) {
  inputs_.default_data_dir.clear();
  EXPECT_FALSE(choose().ok());
  inputs_.flags.data_dir = flag("", "--data-dir");
  EXPECT_FALSE(choose().ok());
  inputs_.flags.data_dir = flag("/d", "--data-dir");
  EXPECT_TRUE(choose().ok());
}

TEST(BackendInputs, KeepsSourcesApartAndPrefersKelpiesOwnVariable) {
  FakeMachine machine;
  machine.variables = {{"FDB_CLUSTER_FILE", "/theirs"},
                       {"KELPIE_FDB_CLUSTER", "/ours"},
                       {"XDG_DATA_HOME", "/xdg"},
                       {"HOME", "/home/me"}};
  const auto settings = Settings::gather({{"data-dir", "/d"}}, machine, std::nullopt);
  ASSERT_TRUE(settings.ok());
  const auto inputs = backend_inputs(*settings, machine);
  ASSERT_TRUE(inputs.ok());
  EXPECT_EQ(inputs->flags.data_dir->text, "/d");
  EXPECT_EQ(inputs->environment.fdb_cluster_file->text, "/ours");
  EXPECT_FALSE(inputs->environment.data_dir.has_value());
  EXPECT_EQ(inputs->default_data_dir, "/xdg/kelpie");
  machine.variables.erase("XDG_DATA_HOME");
  EXPECT_EQ(backend_inputs(*settings, machine)->default_data_dir, "/home/me/.local/share/kelpie");
}

TEST(BackendInputs, ASwitchThatIsOffIsNoChoice) {
  const FakeMachine machine;
  const auto file = parse_config_file("k.toml", "memory_only = false\ndata_dir = \"/d\"\n");
  const auto settings = Settings::gather({}, machine, file.value());
  EXPECT_FALSE(backend_inputs(*settings, machine)->file.memory_only.has_value());
  const auto broken = parse_config_file("k.toml", "memory_only = \"maybe\"\n");
  const auto bad = Settings::gather({}, machine, broken.value());
  EXPECT_FALSE(backend_inputs(*bad, machine).ok());
}

}  // namespace
}  // namespace kelpie::app
