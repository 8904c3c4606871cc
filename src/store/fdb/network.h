// FdbNetwork: the thread on which FoundationDB's client does its work.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "store/fdb/load.h"

namespace kelpie::store {

// Files in PEM; empty: not set.
struct FdbTls {
  std::string cert_path;
  std::string key_path;
  std::string ca_path;
  std::string verify_peers;  // FoundationDB's pattern language
  std::string password;      // of the key
};

// Faults that the client makes up by itself, for tests; percent.
struct FdbClientBuggify {
  int activated = 25;
  int fired = 25;
};

struct FdbNetworkOptions {
  FdbTls tls;
  std::vector<std::string> knobs;  // name=value
  std::string trace_dir;           // empty: no trace files
  std::optional<FdbClientBuggify> buggify;
};

// One per process and never again: the library's network cannot be restarted. Owned by main; it
// outlives every database, and a process that has it must not fork without exec. Destroying it
// stops the network and joins its thread.
class FdbNetwork {
 public:
  //   invalid_argument     the library refuses an option; the message names it
  //   failed_precondition  this process has, or had, a network already
  static Result<std::unique_ptr<FdbNetwork>> start(const FdbLibrary& library,
                                                   const FdbNetworkOptions& options);
  FdbNetwork(const FdbNetwork&) = delete;
  FdbNetwork& operator=(const FdbNetwork&) = delete;
  ~FdbNetwork();

 private:
  explicit FdbNetwork(std::shared_ptr<const FdbApi> api);

  std::shared_ptr<const FdbApi> api_;
  std::thread thread_;
};

}  // namespace kelpie::store
