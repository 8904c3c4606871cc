// ProviderSide: the model provider of a scenario: its host, its chaos, which agents use it, and
// what must hold of them.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "async/scope.h"
#include "llm/providers.h"
#include "sim/history.h"
#include "sim/provider/model_host.h"
#include "sim/provider/seeded_openssl.h"
#include "sim/simulation.h"

namespace kelpie::sim {

enum class ProviderUse : uint8_t {
  kAsDrawn,  // as the swarm says
  kAlways,
  kTls,  // always, and over TLS
};

// Of a provider that is not in use nothing exists, and nothing is drawn. With TLS it outlives
// everything else that uses OpenSSL.
class ProviderSide {
 public:
  ProviderSide(Simulation& simulation, ProviderUse use);
  ProviderSide(const ProviderSide&) = delete;
  ProviderSide& operator=(const ProviderSide&) = delete;
  ~ProviderSide();

  [[nodiscard]] bool in_use() const { return model_ != nullptr; }
  // For the servers of the scenario: their agents may then have kProviderHandle.
  [[nodiscard]] llm::ModelsConfig models() const;
  // The hosts' names with the provider's.
  [[nodiscard]] std::vector<std::string> linked(std::vector<std::string> hosts) const;
  void start();
  // Crashes and restarts, as the swarm says.
  void spawn_chaos(async::Scope& scope);
  // Of the hosts of the scenario, those that the core can do without.
  [[nodiscard]] std::vector<std::string> dispensable() const;
  // Ends what `spawn_chaos` began, whose scope is cancelled; a provider that is lost stays so.
  void heal(const Frozen& frozen = {});
  // Runs of its agents end by failing, because it is lost.
  [[nodiscard]] bool lost() const { return lost_; }

  // Three agents in four are the provider's.
  std::string model_of_next_agent();
  void agent_was_made(const std::string& agent, const std::string& model);
  // Something to break in the middle of a character.
  [[nodiscard]] std::string season(std::string text) const;

  // S16, L8 and the server's 500s. The history's end.
  [[nodiscard]] std::optional<Failure> judge(const History& history) const;

 private:
  Task<void> crashes();

  Simulation& simulation_;
  std::set<std::string> agents_;
  bool lost_ = false;
  // With TLS. Before all that uses OpenSSL.
  std::optional<SeededOpenSsl> openssl_;
  std::unique_ptr<TlsIdentity> identity_;
  std::unique_ptr<ModelHost> model_;  // null when it is not in use
};

}  // namespace kelpie::sim
