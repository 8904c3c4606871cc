#include "store/fdb/load.h"

#include <dlfcn.h>

#include <array>
#include <optional>
#include <utility>

#include "store/fdb/errors.h"

namespace kelpie::store {
namespace {

constexpr std::array kApiVersions = {730, 720, 710};

Error missing_library(const std::string& path, const char* reason) {
  return base::not_found(
      "cannot load FoundationDB's client library `" + path + "` (" +
      (reason == nullptr ? "no reason given" : reason) +
      "): install the package foundationdb-clients of version 7.1 or later, or give the library's "
      "path with --fdb-library or KELPIE_FDB_LIBRARY");
}

// Fills one member of the table after the other and remembers the first that is missing.
class Symbols {
 public:
  explicit Symbols(void* library) : library_(library) {}

  template <class Function>
  void find(const char* name, Function*& out) {
    out = reinterpret_cast<Function*>(dlsym(library_, name));
    if (out == nullptr && !missing_) {
      missing_ = name;
    }
  }
  [[nodiscard]] const std::optional<std::string>& missing() const { return missing_; }

 private:
  void* library_;
  std::optional<std::string> missing_;
};

void find_process_functions(Symbols& symbols, FdbApi& api) {
  symbols.find("fdb_select_api_version_impl", api.select_api_version_impl);
  symbols.find("fdb_get_max_api_version", api.get_max_api_version);
  symbols.find("fdb_get_client_version", api.get_client_version);
  symbols.find("fdb_get_error", api.get_error);
  symbols.find("fdb_error_predicate", api.error_predicate);
  symbols.find("fdb_network_set_option", api.network_set_option);
  symbols.find("fdb_setup_network", api.setup_network);
  symbols.find("fdb_run_network", api.run_network);
  symbols.find("fdb_stop_network", api.stop_network);
  symbols.find("fdb_create_database", api.create_database);
  symbols.find("fdb_database_destroy", api.database_destroy);
  symbols.find("fdb_database_create_transaction", api.database_create_transaction);
}

void find_transaction_functions(Symbols& symbols, FdbApi& api) {
  symbols.find("fdb_transaction_destroy", api.transaction_destroy);
  symbols.find("fdb_transaction_cancel", api.transaction_cancel);
  symbols.find("fdb_transaction_set_option", api.transaction_set_option);
  symbols.find("fdb_transaction_set_read_version", api.transaction_set_read_version);
  symbols.find("fdb_transaction_get_read_version", api.transaction_get_read_version);
  symbols.find("fdb_transaction_get", api.transaction_get);
  symbols.find("fdb_transaction_get_key", api.transaction_get_key);
  symbols.find("fdb_transaction_get_range", api.transaction_get_range);
  symbols.find("fdb_transaction_set", api.transaction_set);
  symbols.find("fdb_transaction_atomic_op", api.transaction_atomic_op);
  symbols.find("fdb_transaction_clear", api.transaction_clear);
  symbols.find("fdb_transaction_clear_range", api.transaction_clear_range);
  symbols.find("fdb_transaction_add_conflict_range", api.transaction_add_conflict_range);
  symbols.find("fdb_transaction_watch", api.transaction_watch);
  symbols.find("fdb_transaction_commit", api.transaction_commit);
  symbols.find("fdb_transaction_get_committed_version", api.transaction_get_committed_version);
  symbols.find("fdb_transaction_get_versionstamp", api.transaction_get_versionstamp);
  symbols.find("fdb_transaction_on_error", api.transaction_on_error);
}

void find_future_functions(Symbols& symbols, FdbApi& api) {
  symbols.find("fdb_future_cancel", api.future_cancel);
  symbols.find("fdb_future_destroy", api.future_destroy);
  symbols.find("fdb_future_set_callback", api.future_set_callback);
  symbols.find("fdb_future_get_error", api.future_get_error);
  symbols.find("fdb_future_get_int64", api.future_get_int64);
  symbols.find("fdb_future_get_key", api.future_get_key);
  symbols.find("fdb_future_get_value", api.future_get_value);
  symbols.find("fdb_future_get_keyvalue_array", api.future_get_keyvalue_array);
}

}  // namespace

Result<int> select_fdb_api_version(const FdbApi& api) {
  const int newest = api.get_max_api_version();
  FdbErrorCode refusal = 0;
  for (const int version : kApiVersions) {
    if (version > newest) {
      continue;
    }
    refusal = api.select_api_version_impl(version, version);
    if (refusal == 0) {
      return version;
    }
    if (refusal == kFdbApiVersionAlreadySet) {
      return base::failed_precondition(
          "FoundationDB's client library is loaded already in this process: load it once (" +
          fdb_error_text(api, refusal) + ")");
    }
  }
  std::string text = "FoundationDB's client library speaks API versions up to " +
                     std::to_string(newest) + ", Kelpie speaks 710, 720 and 730";
  if (refusal != 0) {
    text += "; it refused with " + fdb_error_text(api, refusal);
  }
  return base::failed_precondition(text + ": install foundationdb-clients 7.1 or later");
}

Result<FdbLibrary> load_fdb_library(std::string path) {
  if (path.empty()) {
    path = kFdbLibraryDefault;
  }
  // Never closed: the network thread's code must not go away under it.
  void* const handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    return missing_library(path, dlerror());
  }
  auto api = std::make_shared<FdbApi>();
  Symbols symbols(handle);
  find_process_functions(symbols, *api);
  find_transaction_functions(symbols, *api);
  find_future_functions(symbols, *api);
  if (symbols.missing()) {
    return base::failed_precondition("`" + path + "` is not FoundationDB's client library of " +
                                     "version 7.1 or later: it has no function " +
                                     *symbols.missing());
  }
  FdbLibrary library;
  library.api_version = TRY(select_fdb_api_version(*api));
  library.client_version = api->get_client_version();
  library.api = std::move(api);
  library.path = std::move(path);
  return library;
}

}  // namespace kelpie::store
