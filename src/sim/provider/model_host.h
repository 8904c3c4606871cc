// ModelHost: a simulated host that serves the offline model's rules as an OpenAI-compatible
// endpoint, over the production HTTP server, and fails as providers do.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "sim/provider/model_faults.h"
#include "sim/provider/tls_listener.h"
#include "sim/simulation.h"
#include "world/net.h"

namespace kelpie::sim {

// What the endpoint's one model is called by an agent of a server that knows the host as `openai`.
inline constexpr std::string_view kProviderHandle = "openai/offline";

struct ModelHostOptions {
  world::Address address;
  ModelFaults faults;
  size_t flood_bytes = 0;                 // of an answer that is too large for the client
  const TlsIdentity* identity = nullptr;  // speaks TLS with it; outlives the host
};

// GET /v1/models, POST /v1/chat/completions, plain and streamed. What it answers, faults aside, is
// a function of the request alone. Like ServerNode it is told to start and crash; not from code
// that runs on the host.
class ModelHost {
 public:
  ModelHost(Simulation& simulation, SimHost& host, ModelHostOptions options);
  ModelHost(const ModelHost&) = delete;
  ModelHost& operator=(const ModelHost&) = delete;
  ~ModelHost();

  void start();
  void crash();
  // From now on every request is answered well; answers that are slow hurry up.
  void heal();
  [[nodiscard]] bool up() const { return parts_ != nullptr; }
  [[nodiscard]] SimHost& host() { return host_; }

  // The text of every answer that it has begun to give: what an agent has of this
  // model can be nothing else.
  [[nodiscard]] const std::set<std::string>& said() const { return said_; }
  [[nodiscard]] uint64_t requests() const { return requests_; }

 private:
  struct Parts;
  class Endpoint;
  class AnswerSource;

  Simulation& simulation_;
  SimHost& host_;
  ModelHostOptions options_;
  ChoiceStream& fault_choices_;
  ChoiceStream& shape_choices_;
  bool healed_ = false;
  uint64_t requests_ = 0;
  std::set<std::string> said_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace kelpie::sim
