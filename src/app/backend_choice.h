// Which store a server opens: one pure function, in a fixed order, with the source of the choice.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "app/machine.h"
#include "app/settings.h"
#include "base/result.h"

namespace kelpie::app {

enum class BackendKind : uint8_t { kMemory, kRocksDb, kFdb };
std::string_view backend_name(BackendKind kind);

struct BackendChoice {
  BackendKind kind = BackendKind::kRocksDb;
  std::string path;    // data directory or cluster file; empty for memory
  std::string source;  // `--data-dir`, `KELPIE_DATA_DIR`, `kelpie.toml:3`, `default`, …
  bool operator==(const BackendChoice&) const = default;
};

// What was said, where; each is absent when that source says nothing.
struct BackendWishes {
  std::optional<SettingValue> memory_only;
  std::optional<SettingValue> fdb_cluster_file;
  std::optional<SettingValue> data_dir;
};

struct BackendInputs {
  BackendWishes flags;
  BackendWishes environment;
  BackendWishes file;
  std::string default_data_dir;
};

// flag > KELPIE_FDB_CLUSTER > FDB_CLUSTER_FILE > KELPIE_DATA_DIR > configuration file > a cluster
// file at a standard path > the embedded store in the default data directory. A choice that cannot
// be used is an error, never another choice. Errors, `invalid_argument` or `failed_precondition`:
// two choices by flags, or two in the file; a cluster file, said or found, that is missing, a
// directory, unreadable or no cluster file; a cluster that is merely there while the default
// directory holds data.
Result<BackendChoice> choose_backend(const BackendInputs& inputs, const Machine& machine);

// `invalid_argument` for a switch that is neither true nor false, and when a data directory is
// needed and neither HOME nor XDG_DATA_HOME says where.
Result<BackendInputs> backend_inputs(const Settings& settings, const Machine& machine);

}  // namespace kelpie::app
