#include "sim/provider/provider_side.h"

#include <fmt/format.h>

#include <utility>

#include "async/sleep.h"
#include "llm/offline_rules.h"
#include "sim/provider/provider_oracles.h"

namespace kelpie::sim {
namespace {

constexpr std::string_view kHost = "provider";
constexpr uint16_t kPort = 8080;
constexpr std::string_view kLabel = "provider/side";
constexpr Duration kPatience = Duration::seconds(15);
// Far above every honest answer of a run.
constexpr size_t kReplyBytesMax = 256 * 1024;
constexpr size_t kFloodBytes = kReplyBytesMax + 1'000;

}  // namespace

ProviderSide::ProviderSide(Simulation& simulation, ProviderUse use) : simulation_(simulation) {
  const ProviderSwarm& swarm = simulation.swarm().provider;
  if (use == ProviderUse::kAsDrawn && !swarm.in_use) {
    return;
  }
  const world::Address address{std::string(kHost), kPort};
  if (use == ProviderUse::kTls) {
    openssl_.emplace(simulation.choices().fork("provider/openssl"), simulation.scheduler());
    identity_ = std::make_unique<TlsIdentity>(std::string(kHost));
    simulation.network().flip_bits(address, swarm.bit_flip_rate);
  }
  model_ = std::make_unique<ModelHost>(simulation, simulation.add_host(std::string(kHost)),
                                       ModelHostOptions{.address = address,
                                                        .faults = swarm.faults,
                                                        .flood_bytes = kFloodBytes,
                                                        .identity = identity_.get()});
}

ProviderSide::~ProviderSide() = default;

llm::ModelsConfig ProviderSide::models() const {
  llm::ModelsConfig config;
  if (in_use()) {
    config.openai_api_key = "the-key-of-the-provider";
    config.openai_base_url =
        fmt::format("{}://{}:{}/v1", identity_ ? "https" : "http", kHost, kPort);
    config.ca_pem = identity_ ? identity_->certificate_pem() : "";
    config.request_timeout = kPatience;
    config.reply_bytes_max = kReplyBytesMax;
  }
  return config;
}

std::vector<std::string> ProviderSide::linked(std::vector<std::string> hosts) const {
  if (in_use()) {
    hosts.emplace_back(kHost);
  }
  return hosts;
}

void ProviderSide::start() {
  if (in_use()) {
    model_->start();
  }
}

void ProviderSide::spawn_chaos(async::Scope& scope) {
  if (in_use() && simulation_.swarm().provider.crash_interval > Duration()) {
    scope.spawn(crashes());
  }
}

Task<void> ProviderSide::crashes() {
  ChoiceStream& choices = simulation_.choices().stream(kLabel);
  const Duration mean = simulation_.swarm().provider.crash_interval;
  for (;;) {
    co_await async::sleep_for(simulation_.loop(), choices.between(Duration::millis(1), mean * 2));
    model_->crash();
    co_await async::sleep_for(simulation_.loop(),
                              choices.between(Duration::millis(10), Duration::seconds(5)));
    model_->start();
  }
}

std::vector<std::string> ProviderSide::dispensable() const { return linked({}); }

void ProviderSide::heal(const Frozen& frozen) {
  if (!in_use()) {
    return;
  }
  model_->heal();
  const std::string& host = model_->host().name();
  lost_ = frozen.has_lost(host);
  if (frozen.is_dead(host)) {
    if (model_->up()) {
      model_->crash();
    }
  } else if (!model_->up()) {
    model_->start();
  }
}

std::string ProviderSide::model_of_next_agent() {
  const bool remote = in_use() && simulation_.choices().choose(kLabel, 4) != 0;
  return std::string(remote ? kProviderHandle : llm::kOfflineHandle);
}

void ProviderSide::agent_was_made(const std::string& agent, const std::string& model) {
  if (model == kProviderHandle) {
    agents_.insert(agent);
  }
}

std::string ProviderSide::season(std::string text) const {
  return in_use() ? std::move(text) + " süß 🦭 藻" : text;
}

std::optional<Failure> ProviderSide::judge(const History& history) const {
  if (std::optional<Failure> failed = check_failed_runs(history, agents_)) {
    return failed;
  }
  return in_use() ? check_answers_were_said(history, agents_, model_->said()) : std::nullopt;
}

}  // namespace kelpie::sim
