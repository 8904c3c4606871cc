#include "sim/first_light.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "async/event.h"
#include "async/scope.h"
#include "async/sleep.h"
#include "sim/agent_client.h"
#include "sim/agent_oracles.h"
#include "sim/chaos.h"
#include "sim/model/idempotency_trace.h"
#include "sim/model/ownership_trace.h"
#include "sim/provider/provider_side.h"
#include "sim/rude_client.h"
#include "sim/server_node.h"
#include "store/keys.h"

namespace kelpie::sim {
namespace {

constexpr size_t kClients = 3;
constexpr size_t kAgentsMax = 4;
constexpr size_t kBursts = 4;
constexpr Duration kLivenessBound = Duration::seconds(120);
constexpr Duration kLongPatience = Duration::seconds(20);
// A run whose provider does not answer takes about a minute to say so, and there may be many.
constexpr Duration kLostProviderBound = Duration::hours(4);
constexpr Duration kLostProviderPatience = Duration::minutes(5);
constexpr size_t kLostCalls = 3;

class FirstLight final : public Scenario {
 public:
  FirstLight(Simulation& simulation, ProviderUse use)
      : simulation_(simulation),
        address_{"node", 8283},
        provider_(simulation, use),
        node_(simulation, simulation.add_host("node"), address_, {.models = provider_.models()}),
        choices_(simulation.choices().stream("first_light")),
        hosts_chaos_(simulation, {&node_.host()},
                     provider_.linked({"node", "client-1", "client-2", "client-3"})),
        chaos_(simulation.loop(), [this](const Error& error) { broken(error); }),
        work_(simulation.loop(), [this](const Error& error) { broken(error); }),
        lost_(simulation.loop(), [this](const Error& error) { broken(error); }) {
    history_.reserve(10'000);
    node_.disk().set_write_listener([this] { written_.set(); });
    // Where the seed mixes both ways to own actors, neither rule fits all writes.
    judges_owners_ = !simulation.choices().seed_has("buggify/server.owner_records",
                                                    simulation.swarm().buggify_per_million);
    node_.disk().set_observer([this](const store::CommitBatch& batch) {
      commits_.batch(batch);
      if (judges_owners_) {
        owners_.batch(batch);
      }
    });
    for (size_t i = 0; i < kClients; ++i) {
      SimHost& host = simulation.add_host(fmt::format("client-{}", i + 1));
      host.boot();
      clients_.push_back(std::make_unique<AgentClient>(simulation, host, address_, history_));
    }
  }

  Task<void> run() override;
  void judge() override;
  [[nodiscard]] uint64_t operations() const override { return history_.size(); }

 private:
  void broken(const Error& error) { simulation_.fail("scenario", error.to_string()); }
  void step(std::string_view what) { simulation_.scheduler().note("sim", "step", what); }
  auto sleep(Duration length) { return async::sleep_for(simulation_.loop(), length); }

  Task<void> client_work(AgentClient& client);
  Task<void> one_operation(AgentClient& client);
  Task<void> create(AgentClient& client);
  std::string pick_agent();
  std::string text_for(AgentClient& client);

  void spawn_chaos();
  Task<void> crashes();
  Task<void> moment_to_crash();
  Task<void> read_failures();
  Task<void> kills();
  Task<void> stops();
  Task<void> rudeness();
  void activation_window();

  Frozen freeze();
  void heal(const Frozen& frozen);
  Task<void> thaw();
  Task<void> lost_work(AgentClient& client);
  [[nodiscard]] Duration bound() const {
    return provider_.lost() ? kLostProviderBound : kLivenessBound;
  }
  Task<void> liveness();
  Task<void> bursts();
  Task<void> burst(AgentClient& client, std::string agent);
  Task<void> all_runs_end();
  std::optional<std::string> unfinished() const;
  Task<void> answers(std::string agent, int64_t deadline_ns);
  // Of the core, any one.
  AgentClient& core_client() { return *clients_[core_[choices_.choose(core_.size())]]; }
  Task<void> audit();
  Task<void> restart();

  Simulation& simulation_;
  world::Address address_;
  History history_;
  ProviderSide provider_;
  ServerNode node_;
  IdempotencyTrace commits_{{}};
  OwnershipTrace owners_{cluster::OwnerRecords::kNone};
  bool judges_owners_ = false;
  ChoiceStream& choices_;
  std::vector<std::unique_ptr<AgentClient>> clients_;
  std::vector<size_t> core_ = {0, 1, 2};  // the clients that are not lost
  std::vector<std::string> agents_;       // acknowledged, and no delete was ever called
  Chaos hosts_chaos_;
  bool chaos_on_ = true;
  int64_t settled_ns_ = kNever;
  async::Event written_{simulation_.loop()};
  async::Event answered_{simulation_.loop()};
  async::Scope chaos_;
  async::Scope work_;
  async::Scope lost_;  // last, with chaos_ and work_: their tasks use everything above
};

Task<void> FirstLight::run() {
  step("set-up");
  provider_.start();
  node_.start();
  while (agents_.size() < 2) {
    if (simulation_.now_ns() > kLivenessBound.nanos()) {
      simulation_.fail("L1", "no agent could be created");
      co_return kOk;
    }
    co_await create(*clients_[agents_.size()]);
    co_await sleep(Duration::millis(100));
  }
  step("chaos");
  spawn_chaos();
  for (const auto& client : clients_) {
    work_.spawn(client_work(*client));
  }
  co_await sleep(simulation_.swarm().chaos);
  chaos_on_ = false;
  step("heal");
  co_await work_.drain();
  chaos_.cancel();
  heal(freeze());
  step("liveness: every run ends by itself");
  co_await all_runs_end();
  co_await bursts();
  step("liveness: every agent answers");
  co_await liveness();
  settled_ns_ = simulation_.now_ns();
  step("audit");
  co_await audit();
  co_await thaw();
  step("cold restart");
  co_await restart();
  step("audit after the restart");
  co_await audit();
  co_await restart();
  co_return kOk;
}

Task<void> FirstLight::create(AgentClient& client) {
  const std::string model = provider_.model_of_next_agent();
  const size_t place = co_await client.create(kLongPatience, model);
  const Op& op = history_[place];
  if (op.outcome == Outcome::kOk && !op.agent.empty()) {
    provider_.agent_was_made(op.agent, model);
    agents_.push_back(op.agent);
  }
  co_return kOk;
}

std::string FirstLight::pick_agent() { return agents_[choices_.choose(agents_.size())]; }

std::string FirstLight::text_for(AgentClient& client) {
  const std::string text = provider_.season(client.new_text());
  switch (choices_.choose(4)) {
    case 0:
      return fmt::format("{}\ncall memory_insert {{\"label\":\"human\",\"new_string\":\"{}\"}}",
                         text, text);
    default:
      return text;
  }
}

Task<void> FirstLight::one_operation(AgentClient& client) {
  const Duration patience = choices_.between(Duration::millis(500), kLongPatience);
  const uint64_t dice = choices_.choose(100);
  if (dice < 45) {
    co_await client.send(pick_agent(), text_for(client), patience);
  } else if (dice < 75) {
    const size_t limit = choices_.choose(4) == 0 ? 1 + choices_.choose(20) : 1'000;
    co_await client.list(pick_agent(), limit, patience);
  } else if (dice < 92) {
    co_await client.get(pick_agent(), patience);
  } else if (dice < 96) {
    if (agents_.size() < kAgentsMax) {
      co_await create(client);
    }
  } else if (agents_.size() > 2) {
    const std::string agent = pick_agent();
    std::erase(agents_, agent);
    co_await client.remove(agent, patience);
  }
  co_return kOk;
}

Task<void> FirstLight::client_work(AgentClient& client) {
  while (chaos_on_) {
    co_await one_operation(client);
    answered_.set();
    co_await async::sleep_for(client.host().loop(),
                              choices_.between(Duration::millis(1), Duration::seconds(2)));
  }
  co_return kOk;
}

void FirstLight::spawn_chaos() {
  const Swarm& swarm = simulation_.swarm();
  if (swarm.crash_interval > Duration()) {
    chaos_.spawn(crashes());
  }
  if (swarm.activation_read_fail_rate > 0) {
    chaos_.spawn(read_failures());
  }
  if (swarm.kill_interval > Duration()) {
    chaos_.spawn(kills());
  }
  if (swarm.stop_interval > Duration()) {
    simulation_.ledger().configure(Fault::kGracefulStop);
    chaos_.spawn(stops());
  }
  if (swarm.rude_interval > Duration()) {
    chaos_.spawn(rudeness());
  }
  hosts_chaos_.spawn(chaos_);
  provider_.spawn_chaos(chaos_);
}

// Crashes at any time find little: most are aimed at the moments around a write and around an
// answer.
Task<void> FirstLight::moment_to_crash() {
  const Duration mean = simulation_.swarm().crash_interval;
  co_await sleep(choices_.between(Duration::millis(1), mean * 2));
  const uint64_t aim = choices_.choose(4);
  if (aim == 0) {
    co_return kOk;
  }
  async::Event& moment = aim == 1 ? answered_ : written_;
  moment.clear();
  co_await moment.wait();
  co_await sleep(choices_.between(Duration::nanos(0), Duration::millis(choices_.between(0, 3))));
  co_return kOk;
}

Task<void> FirstLight::crashes() {
  simulation_.ledger().configure(Fault::kCrashDuringTransaction);
  for (;;) {
    co_await moment_to_crash();
    if (node_.up()) {
      if (node_.disk().undecided()) {
        simulation_.ledger().receive(Fault::kCrashDuringTransaction);
      }
      node_.crash();
    }
    co_await sleep(choices_.between(Duration::millis(10), Duration::seconds(3)));
    if (!node_.up()) {
      node_.start();
      activation_window();
    }
  }
}

// Actors are activated by the first calls after a start, so that is when reads fail most.
void FirstLight::activation_window() {
  node_.disk().set_read_fail_rate(simulation_.swarm().activation_read_fail_rate);
}

Task<void> FirstLight::read_failures() {
  for (;;) {
    activation_window();
    co_await sleep(choices_.between(Duration::millis(200), Duration::seconds(3)));
    node_.disk().set_read_fail_rate(simulation_.swarm().disk.read_fail_rate);
    co_await sleep(choices_.between(Duration::seconds(1), Duration::seconds(10)));
  }
}

Task<void> FirstLight::rudeness() {
  const Duration mean = simulation_.swarm().rude_interval;
  RudeClient rude(simulation_, clients_.back()->host(), address_, history_);
  for (uint64_t number = 1;; ++number) {
    co_await sleep(choices_.between(Duration::millis(1), mean * 2));
    co_await rude.misbehave(pick_agent(), fmt::format("message rude/{};", number));
  }
}

Task<void> FirstLight::kills() {
  const Duration mean = simulation_.swarm().kill_interval;
  for (;;) {
    co_await sleep(choices_.between(Duration::millis(1), mean * 2));
    if (node_.up()) {
      node_.kill();
      co_await sleep(choices_.between(Duration::millis(10), Duration::seconds(1)));
    }
    if (!node_.up()) {
      node_.start();
    }
  }
}

// Crashes may come in the middle of it.
Task<void> FirstLight::stops() {
  const Duration mean = simulation_.swarm().stop_interval;
  for (;;) {
    co_await sleep(choices_.between(Duration::millis(1), mean * 2));
    if (node_.up()) {
      const bool busy = in_flight(history_);
      if (co_await node_.stop() && busy) {
        simulation_.ledger().receive(Fault::kGracefulStop);
      }
      co_await sleep(choices_.between(Duration::millis(10), Duration::seconds(3)));
    }
    if (!node_.up()) {
      node_.start();
    }
  }
}

Frozen FirstLight::freeze() {
  Frozen frozen = Frozen::draw(simulation_.choices().stream("liveness"), simulation_.swarm(),
                               {.servers = provider_.dispensable(),
                                .clients = {"client-2", "client-3"},
                                .network = true,
                                .disk = true});
  std::erase_if(core_, [&](size_t i) { return frozen.has_lost(clients_[i]->host().name()); });
  return frozen;
}

void FirstLight::heal(const Frozen& frozen) {
  hosts_chaos_.heal(frozen);
  provider_.heal(frozen);
  simulation_.heal(frozen);
  node_.disk().heal(frozen.disk);
  // Who told it to stop has forgotten it.
  if (node_.stopping()) {
    node_.crash();
  }
  if (!node_.up()) {
    node_.start();
  }
  for (const auto& client : clients_) {
    if (frozen.has_lost(client->host().name())) {
      lost_.spawn(lost_work(*client));
    }
  }
}

// A client that the core does not hear of, or that does not hear of it, must not hold it up.
Task<void> FirstLight::lost_work(AgentClient& client) {
  for (size_t left = kLostCalls; left > 0; --left) {
    co_await client.send(pick_agent(), client.new_text(), kLongPatience);
  }
  co_return kOk;
}

// What was broken for good is well again: what was under way may still arrive.
Task<void> FirstLight::thaw() {
  if (simulation_.frozen().nothing()) {
    co_return kOk;
  }
  step("thaw");
  heal({});
  co_await lost_.drain();
  co_await all_runs_end();
  settled_ns_ = simulation_.now_ns();
  co_return kOk;
}

// What the store itself says is still to do; nothing when all is done.
std::optional<std::string> FirstLight::unfinished() const {
  const DurableDisk& disk = node_.disk();
  for (const Op& op : history_) {
    if (!op.agent.empty() && disk.holds_any(store::keys::agent_queue(op.agent))) {
      return "a run of " + op.agent + " is queued and does not end";
    }
  }
  if (disk.holds_any(store::keys::agents_working())) {
    return "an agent without queued runs is marked as working";
  }
  return std::nullopt;
}

// Sends nothing: a message would wake an agent that has lost the wake-up of an earlier one.
Task<void> FirstLight::all_runs_end() {
  const int64_t deadline_ns = simulation_.now_ns() + bound().nanos();
  for (;;) {
    const std::optional<std::string> left = unfinished();
    if (!left) {
      co_return kOk;
    }
    if (simulation_.now_ns() > deadline_ns) {
      simulation_.fail("L2", "after all faults have ended, " + *left);
      co_return kOk;
    }
    co_await sleep(Duration::millis(500));
  }
}

// Messages that meet the end of an earlier run, and then silence: nothing hides a lost wake-up.
Task<void> FirstLight::bursts() {
  for (size_t round = 0; round < kBursts && !simulation_.failure(); ++round) {
    const std::string agent = pick_agent();
    async::Scope senders(simulation_.loop(), [this](const Error& error) { broken(error); });
    const size_t clients = 1 + choices_.choose(core_.size());
    for (size_t i = 0; i < clients; ++i) {
      senders.spawn(burst(*clients_[core_[i]], agent));
    }
    co_await senders.drain();
    co_await all_runs_end();
  }
  co_return kOk;
}

Task<void> FirstLight::burst(AgentClient& client, std::string agent) {
  for (uint64_t left = 1 + choices_.choose(2); left > 0; --left) {
    co_await async::sleep_for(client.host().loop(),
                              choices_.between(Duration::nanos(0), Duration::millis(4)));
    co_await client.send(agent, client.new_text(), kLongPatience);
  }
  co_return kOk;
}

Task<void> FirstLight::liveness() {
  const int64_t deadline_ns = simulation_.now_ns() + bound().nanos();
  for (const std::string& agent : std::vector<std::string>(agents_)) {
    co_await answers(agent, deadline_ns);
  }
  co_return kOk;
}

// A message to the agent is answered in time, which also says that all accepted before it have
// ended: an agent works its runs off in order.
Task<void> FirstLight::answers(std::string agent, int64_t deadline_ns) {
  AgentClient& client = *clients_.front();
  for (;;) {
    const size_t place = co_await client.send(
        agent, client.new_text(), provider_.lost() ? kLostProviderPatience : kLongPatience);
    const Op& op = history_[place];
    if (op.outcome == Outcome::kOk || (provider_.lost() && !op.model_error.empty())) {
      co_return kOk;
    }
    if (op.outcome == Outcome::kAbsent || simulation_.now_ns() > deadline_ns) {
      // Absence is for the oracles of safety to judge.
      if (op.outcome != Outcome::kAbsent) {
        simulation_.fail("L1",
                         "an agent does not answer after all faults have ended: " + op.to_string());
      }
      co_return kOk;
    }
    co_await sleep(Duration::millis(200));
  }
}

Task<void> FirstLight::audit() {
  for (const std::string& agent : std::vector<std::string>(agents_)) {
    for (int attempt = 0;; ++attempt) {
      AgentClient& client = core_client();
      const size_t place = co_await client.list(agent, 1'000, kLongPatience);
      const Op& op = history_[place];
      if (op.outcome == Outcome::kOk || op.outcome == Outcome::kAbsent) {
        break;
      }
      if (attempt == 20) {
        simulation_.fail("L1", "an audit gets no answer: " + op.to_string());
        co_return kOk;
      }
      co_await sleep(Duration::millis(500));
    }
    co_await clients_[core_.back()]->get(agent, kLongPatience);
  }
  co_return kOk;
}

Task<void> FirstLight::restart() {
  // What an audit resumed may run on another host's loop: a host is only stopped from our own.
  co_await async::yield(simulation_.loop());
  while (!node_.up()) {
    co_await sleep(Duration::millis(100));
  }
  if (choices_.choose(2) == 0) {
    node_.crash();
  } else {
    co_await node_.stop();
  }
  // One that has died of itself meanwhile has failed the run.
  if (!node_.up()) {
    node_.start();
  }
  co_return kOk;
}

void FirstLight::judge() {
  if (simulation_.failure()) {
    return;
  }
  // What clients saw says more than what the store was given.
  std::optional<Failure> found = check_agents(history_, settled_ns_, node_.disk().contents());
  if (!found) {
    found = commits_.failure();
  }
  if (!found) {
    found = owners_.failure();
  }
  if (!found) {
    found = provider_.judge(history_);
  }
  if (found) {
    simulation_.fail(found->oracle, found->message);
  }
}

}  // namespace

std::unique_ptr<Scenario> make_first_light(Simulation& simulation) {
  return std::make_unique<FirstLight>(simulation, ProviderUse::kAsDrawn);
}

std::unique_ptr<Scenario> make_provider(Simulation& simulation) {
  return std::make_unique<FirstLight>(simulation, ProviderUse::kAlways);
}

std::unique_ptr<Scenario> make_tls(Simulation& simulation) {
  return std::make_unique<FirstLight>(simulation, ProviderUse::kTls);
}

}  // namespace kelpie::sim
