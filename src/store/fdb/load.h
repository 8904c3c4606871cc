// Loads FoundationDB's client library and agrees on an API version with it.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "store/fdb/c_api.h"

namespace kelpie::store {

inline constexpr const char* kFdbLibraryDefault = "libfdb_c.so";

// A loaded library. It stays loaded to the end of the process: its threads cannot be taken back.
struct FdbLibrary {
  std::shared_ptr<const FdbApi> api;
  int api_version = 0;
  std::string client_version;
  std::string path;  // as it was asked for
};

// `path` is a file, or a name that the system's loader finds; empty for kFdbLibraryDefault. Once
// per process: the library takes one API version for good.
//   not_found            there is no such library; the message says what to install
//   failed_precondition  it is not FoundationDB's client, or none of our API versions is its own
Result<FdbLibrary> load_fdb_library(std::string path);

// The newest of 730, 720 and 710 that the library knows, which from then on is the process's.
Result<int> select_fdb_api_version(const FdbApi& api);

}  // namespace kelpie::store
