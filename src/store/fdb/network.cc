#include "store/fdb/network.h"

#include <csignal>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "store/fdb/errors.h"

namespace kelpie::store {
namespace {

const uint8_t* pointer_to(ByteView bytes) { return reinterpret_cast<const uint8_t*>(bytes.data()); }

Bytes little_endian_int64(int64_t number) {
  Bytes bytes;
  for (int shift = 0; shift < 64; shift += 8) {
    bytes += static_cast<char>(static_cast<uint64_t>(number) >> shift);
  }
  return bytes;
}

Error network_error(const FdbApi& api, FdbErrorCode code) {
  if (code == kFdbNetworkAlreadySetUp || code == kFdbNetworkCannotBeRestarted) {
    return base::failed_precondition(
        "FoundationDB's network runs once in a process and cannot be started again: restart the "
        "process (" +
        fdb_error_text(api, code) + ")");
  }
  return base::failed_precondition("cannot start FoundationDB's network: " +
                                   fdb_error_text(api, code));
}

// Sets one option after the other, up to the first that is refused.
class OptionSetter {
 public:
  explicit OptionSetter(const FdbApi& api) : api_(api) {}

  void flag(FdbNetworkOption option, std::string_view name) { set(option, name, nullptr, 0); }
  void text(FdbNetworkOption option, std::string_view name, const std::string& value) {
    if (!value.empty()) {
      set(option, name, pointer_to(value), value.size());
    }
  }
  void number(FdbNetworkOption option, std::string_view name, int64_t value) {
    const Bytes bytes = little_endian_int64(value);
    set(option, name, pointer_to(bytes), bytes.size());
  }
  Result<void> result() && {
    if (refused_) {
      return *std::move(refused_);
    }
    return kOk;
  }

 private:
  void set(FdbNetworkOption option, std::string_view name, const uint8_t* value, size_t bytes) {
    if (refused_) {
      return;
    }
    const FdbErrorCode code = api_.network_set_option(option, value, static_cast<int>(bytes));
    if (code == kFdbNetworkAlreadySetUp || code == kFdbNetworkCannotBeRestarted) {
      refused_ = network_error(api_, code);
    } else if (code != 0) {
      refused_ = base::invalid_argument("FoundationDB refuses its " + std::string(name) + ": " +
                                        fdb_error_text(api_, code));
    }
  }

  const FdbApi& api_;
  std::optional<Error> refused_;
};

Result<void> set_options(const FdbApi& api, const FdbNetworkOptions& options) {
  OptionSetter setter(api);
  setter.text(FdbNetworkOption::kTraceEnable, "trace directory", options.trace_dir);
  if (!options.trace_dir.empty()) {
    setter.text(FdbNetworkOption::kTraceFormat, "trace format", "json");
  }
  for (const std::string& knob : options.knobs) {
    setter.text(FdbNetworkOption::kKnob, "knob `" + knob + "`", knob);
  }
  // The password before the key that it opens.
  setter.text(FdbNetworkOption::kTlsPassword, "TLS password", options.tls.password);
  setter.text(FdbNetworkOption::kTlsCertPath, "TLS certificate", options.tls.cert_path);
  setter.text(FdbNetworkOption::kTlsKeyPath, "TLS key", options.tls.key_path);
  setter.text(FdbNetworkOption::kTlsCaPath, "TLS authorities", options.tls.ca_path);
  setter.text(FdbNetworkOption::kTlsVerifyPeers, "TLS peer check", options.tls.verify_peers);
  if (options.buggify) {
    setter.flag(FdbNetworkOption::kClientBuggifyEnable, "client buggify");
    setter.number(FdbNetworkOption::kClientBuggifySectionActivatedProbability,
                  "client buggify activation", options.buggify->activated);
    setter.number(FdbNetworkOption::kClientBuggifySectionFiredProbability, "client buggify firing",
                  options.buggify->fired);
  }
  return std::move(setter).result();
}

// Signals are the main thread's business.
void run_without_signals(const std::shared_ptr<const FdbApi>& api) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  const FdbErrorCode code = api->run_network();
  CHECK(code == 0);
}

}  // namespace

Result<std::unique_ptr<FdbNetwork>> FdbNetwork::start(const FdbLibrary& library,
                                                      const FdbNetworkOptions& options) {
  const FdbApi& api = *library.api;
  TRY(set_options(api, options));
  if (const FdbErrorCode code = api.setup_network(); code != 0) {
    return network_error(api, code);
  }
  return std::unique_ptr<FdbNetwork>(new FdbNetwork(library.api));
}

FdbNetwork::FdbNetwork(std::shared_ptr<const FdbApi> api)
    : api_(std::move(api)), thread_(run_without_signals, api_) {}

FdbNetwork::~FdbNetwork() {
  const FdbErrorCode code = api_->stop_network();
  CHECK(code == 0);
  thread_.join();
}

}  // namespace kelpie::store
