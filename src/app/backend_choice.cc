#include "app/backend_choice.h"

#include <array>
#include <utility>
#include <vector>

#include "app/fdb_files.h"
#include "app/values.h"

namespace kelpie::app {
namespace {

constexpr std::array<std::string_view, 4> kStandardClusterFiles = {
    "/etc/foundationdb/fdb.cluster", "/usr/local/etc/foundationdb/fdb.cluster",
    "/opt/foundationdb/fdb.cluster", "/var/lib/foundationdb/fdb.cluster"};

BackendChoice choice(BackendKind kind, const SettingValue& value) {
  return BackendChoice{
      .kind = kind, .path = kind == BackendKind::kMemory ? "" : value.text, .source = value.origin};
}

// The one choice that a source makes, if it makes one.
Result<std::optional<BackendChoice>> only_choice(const BackendWishes& wishes) {
  std::vector<BackendChoice> choices;
  if (wishes.memory_only) {
    choices.push_back(choice(BackendKind::kMemory, *wishes.memory_only));
  }
  if (wishes.fdb_cluster_file) {
    choices.push_back(choice(BackendKind::kFdb, *wishes.fdb_cluster_file));
  }
  if (wishes.data_dir) {
    choices.push_back(choice(BackendKind::kRocksDb, *wishes.data_dir));
  }
  if (choices.size() > 1) {
    return base::invalid_argument("expected one store, got two: " + choices[0].source + " and " +
                                  choices[1].source + "; drop one of them");
  }
  return choices.empty() ? std::optional<BackendChoice>() : choices.front();
}

// The environment may well hold a variable for each: there the order decides.
std::optional<BackendChoice> first_choice(const BackendWishes& wishes) {
  if (wishes.fdb_cluster_file) {
    return choice(BackendKind::kFdb, *wishes.fdb_cluster_file);
  }
  if (wishes.data_dir) {
    return choice(BackendKind::kRocksDb, *wishes.data_dir);
  }
  return std::nullopt;
}

// The client library would wait for ever for a cluster whose file it cannot make sense of.
Result<void> check_cluster_file(const BackendChoice& chosen, const Machine& machine) {
  const std::string named = chosen.path + " (from " + chosen.source + ")";
  if (machine.is_directory(chosen.path)) {
    return base::failed_precondition(
        "expected a FoundationDB cluster file at " + named +
        ", found a directory; name the file, often fdb.cluster, in it");
  }
  const auto text = machine.read_file(chosen.path);
  if (!text.ok()) {
    return base::failed_precondition("the FoundationDB cluster file " + named +
                                     " cannot be read: give this user access to it, or choose " +
                                     "another store with --data-dir");
  }
  if (!text->has_value()) {
    return base::failed_precondition("expected a FoundationDB cluster file at " + named +
                                     ", found none");
  }
  const auto cluster = parse_cluster_file(**text);
  if (!cluster.ok()) {
    return Error(cluster.error()).with_context("the FoundationDB cluster file " + named);
  }
  return kOk;
}

// A choice that cannot be opened is an error, never a silent fallback.
Result<BackendChoice> checked(BackendChoice chosen, const Machine& machine) {
  if (chosen.kind == BackendKind::kFdb) {
    TRY(check_cluster_file(chosen, machine));
  }
  if (chosen.kind == BackendKind::kRocksDb && chosen.path.empty()) {
    return base::invalid_argument("expected a directory (from " + chosen.source +
                                  "), got an empty name");
  }
  return chosen;
}

std::optional<std::string> detected_cluster(const Machine& machine) {
  for (const std::string_view path : kStandardClusterFiles) {
    if (machine.is_file(std::string(path))) {
      return std::string(path);
    }
  }
  return std::nullopt;
}

std::optional<SettingValue> wish(const Settings& settings, Source source, std::string_view name) {
  const SettingValue* value = settings.from(source, name);
  return value == nullptr ? std::optional<SettingValue>() : *value;
}

Result<BackendWishes> wishes_from(const Settings& settings, Source source) {
  BackendWishes wishes{.memory_only = wish(settings, source, "memory-only"),
                       .fdb_cluster_file = wish(settings, source, "fdb-cluster-file"),
                       .data_dir = wish(settings, source, "data-dir")};
  if (wishes.memory_only) {
    auto on = parse_bool(wishes.memory_only->text);
    if (!on.ok()) {
      return std::move(on).error().with_context("memory-only (from " + wishes.memory_only->origin +
                                                ")");
    }
    if (!*on) {
      wishes.memory_only.reset();
    }
  }
  return wishes;
}

std::string default_data_dir(const Machine& machine) {
  if (const auto data_home = machine.environment("XDG_DATA_HOME")) {
    return *data_home + "/kelpie";
  }
  if (const auto home = machine.environment("HOME")) {
    return *home + "/.local/share/kelpie";
  }
  return "";
}

}  // namespace

std::string_view backend_name(BackendKind kind) {
  switch (kind) {
    case BackendKind::kMemory:
      return "memory";
    case BackendKind::kRocksDb:
      return "rocksdb";
    case BackendKind::kFdb:
      break;
  }
  return "fdb";
}

Result<BackendChoice> choose_backend(const BackendInputs& inputs, const Machine& machine) {
  if (auto flagged = TRY(only_choice(inputs.flags))) {
    return checked(*std::move(flagged), machine);
  }
  if (auto from_environment = first_choice(inputs.environment)) {
    return checked(*std::move(from_environment), machine);
  }
  if (auto from_file = TRY(only_choice(inputs.file))) {
    return checked(*std::move(from_file), machine);
  }
  if (const auto cluster = detected_cluster(machine)) {
    // Agents must never seem to vanish because somebody installed FoundationDB.
    if (!inputs.default_data_dir.empty() && machine.holds_data(inputs.default_data_dir)) {
      return base::failed_precondition("found a FoundationDB cluster file at " + *cluster +
                                       " and data in " + inputs.default_data_dir +
                                       "; choose one: --fdb-cluster-file " + *cluster +
                                       " or --data-dir " + inputs.default_data_dir);
    }
    return checked({.kind = BackendKind::kFdb, .path = *cluster, .source = "detected"}, machine);
  }
  if (inputs.default_data_dir.empty()) {
    return base::invalid_argument(
        "no place for the data: neither XDG_DATA_HOME nor HOME is set; choose one with --data-dir");
  }
  return BackendChoice{
      .kind = BackendKind::kRocksDb, .path = inputs.default_data_dir, .source = "default"};
}

Result<BackendInputs> backend_inputs(const Settings& settings, const Machine& machine) {
  return BackendInputs{.flags = TRY(wishes_from(settings, Source::kFlag)),
                       .environment = TRY(wishes_from(settings, Source::kEnvironment)),
                       .file = TRY(wishes_from(settings, Source::kFile)),
                       .default_data_dir = default_data_dir(machine)};
}

}  // namespace kelpie::app
