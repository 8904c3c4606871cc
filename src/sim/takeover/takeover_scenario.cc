#include "sim/takeover/takeover_scenario.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "async/scope.h"
#include "async/sleep.h"
#include "sim/agent_client.h"
#include "sim/agent_oracles.h"
#include "sim/chaos.h"
#include "sim/model/idempotency_trace.h"
#include "sim/model/ownership_trace.h"
#include "sim/takeover/shared_server.h"
#include "store/keys.h"

namespace kelpie::sim {
namespace {

constexpr size_t kAgentsMax = 4;
constexpr size_t kClients = 3;
constexpr Duration kLivenessBound = Duration::seconds(120);
constexpr Duration kLongPatience = Duration::seconds(20);
constexpr Duration kTakeOverInterval = Duration::seconds(10);

class TakeOver final : public Scenario {
 public:
  explicit TakeOver(Simulation& simulation)
      : simulation_(simulation),
        fdb_(simulation, SimFdbOptions{.faults = simulation.swarm().fdb}),
        ownership_(cluster::OwnerRecords::kNone),
        choices_(simulation.choices().stream("takeover")),
        keeper_(simulation.choices().stream("takeover/keeper")),
        chaos_scope_(simulation.loop(), [this](const Error& error) { broken(error); }),
        work_(simulation.loop(), [this](const Error& error) { broken(error); }),
        lost_(simulation.loop(), [this](const Error& error) { broken(error); }) {
    history_.reserve(10'000);
    fdb_.set_commit_observer([this](const store::CommitBatch& batch) {
      commits_.batch(batch);
      ownership_.batch(batch);
    });
    std::vector<SimHost*> hosts;
    std::vector<std::string> names = {"cluster"};
    std::vector<world::Address> addresses;
    for (int64_t i = 0; i < simulation.swarm().nodes; ++i) {
      SimHost& host = simulation.add_host(fmt::format("node-{}", i + 1));
      addresses.push_back({host.name(), 8283});
      servers_.push_back(std::make_unique<SharedServer>(simulation, host, fdb_, addresses.back()));
      hosts.push_back(&host);
      names.push_back(host.name());
    }
    for (size_t i = 0; i < kClients; ++i) {
      SimHost& host = simulation.add_host(fmt::format("client-{}", i + 1));
      host.boot();
      names.push_back(host.name());
      clients_.emplace_back();
      for (const world::Address& address : addresses) {
        clients_.back().push_back(
            std::make_unique<AgentClient>(simulation, host, address, history_));
      }
    }
    chaos_ = std::make_unique<Chaos>(simulation, std::move(hosts), std::move(names));
  }

  Task<void> run() override;
  void judge() override;
  [[nodiscard]] uint64_t operations() const override { return history_.size(); }

 private:
  void broken(const Error& error) { simulation_.fail("scenario", error.to_string()); }
  void step(std::string_view what) { simulation_.scheduler().note("sim", "step", what); }
  auto sleep(Duration length) { return async::sleep_for(simulation_.loop(), length); }

  // The client of this host for the server that was started last, mostly.
  AgentClient& client(size_t host);
  std::string new_text(size_t host);
  Task<void> create(size_t host);
  Task<void> client_work(size_t host);
  Task<void> keep();
  Task<void> stops();
  void take_over_by(size_t server);
  Frozen freeze();
  void heal(const Frozen& frozen);
  Task<void> call_lost(size_t server);
  Task<void> thaw();
  Task<void> all_runs_end();
  std::optional<std::string> unfinished() const;
  Task<void> everyone_answers();
  Task<void> audit();

  Simulation& simulation_;
  History history_;
  SimFdb fdb_;
  IdempotencyTrace commits_{{}};
  OwnershipTrace ownership_;
  ChoiceStream& choices_;
  ChoiceStream& keeper_;
  std::vector<std::unique_ptr<SharedServer>> servers_;
  std::vector<std::vector<std::unique_ptr<AgentClient>>> clients_;  // by host, by server
  std::unique_ptr<Chaos> chaos_;
  std::vector<std::string> agents_;  // acknowledged, and no delete was ever called
  size_t newest_ = 0;                // the server that was started last
  uint64_t texts_ = 0;
  bool chaos_on_ = true;
  int64_t settled_ns_ = kNever;
  async::Scope chaos_scope_;
  async::Scope work_;
  async::Scope lost_;  // last, with chaos_scope_ and work_: their tasks use everything above
};

AgentClient& TakeOver::client(size_t host) {
  const bool newest = choices_.choose(5) > 0;
  return *clients_[host][newest ? newest_ : choices_.choose(servers_.size())];
}

// One host has a client for each server, and each of those counts for itself.
std::string TakeOver::new_text(size_t host) {
  return fmt::format("message {}/{};", clients_[host].front()->host().name(), ++texts_);
}

Task<void> TakeOver::run() {
  step("set-up");
  servers_.front()->start();
  while (agents_.size() < 2) {
    if (simulation_.now_ns() > kLivenessBound.nanos()) {
      simulation_.fail("L1", "no agent could be created");
      co_return kOk;
    }
    co_await create(0);
    co_await sleep(Duration::millis(100));
  }
  step("chaos");
  chaos_scope_.spawn(keep());
  if (simulation_.swarm().stop_interval > Duration()) {
    simulation_.ledger().configure(Fault::kGracefulStop);
    chaos_scope_.spawn(stops());
  }
  chaos_->spawn(chaos_scope_);
  for (size_t host = 0; host < clients_.size(); ++host) {
    work_.spawn(client_work(host));
  }
  co_await sleep(simulation_.swarm().chaos);
  chaos_on_ = false;
  step("heal");
  co_await work_.drain();
  chaos_scope_.cancel();
  heal(freeze());
  step("liveness: every run ends by itself");
  co_await all_runs_end();
  step("liveness: every agent answers");
  co_await everyone_answers();
  settled_ns_ = simulation_.now_ns();
  step("audit");
  co_await audit();
  co_await thaw();
  step("cold restart");
  // One that has ended by itself by now has failed the run.
  if (servers_[newest_]->up()) {
    co_await servers_[newest_]->stop();
    servers_[newest_]->start();
    co_await audit();
  }
  if (servers_[newest_]->up()) {
    co_await servers_[newest_]->stop();
  }
  co_return kOk;
}

Task<void> TakeOver::create(size_t host) {
  const size_t place = co_await client(host).create(kLongPatience);
  const Op& op = history_[place];
  if (op.outcome == Outcome::kOk && !op.agent.empty()) {
    agents_.push_back(op.agent);
  }
  co_return kOk;
}

Task<void> TakeOver::client_work(size_t host) {
  while (chaos_on_) {
    const Duration patience = choices_.between(Duration::millis(500), kLongPatience);
    const uint64_t dice = choices_.choose(100);
    const std::string agent = agents_[choices_.choose(agents_.size())];
    if (dice < 50) {
      co_await client(host).send(agent, new_text(host), patience);
    } else if (dice < 80) {
      co_await client(host).list(agent, 1'000, patience);
    } else if (dice < 90) {
      co_await client(host).get(agent, patience);
    } else if (dice < 96) {
      if (agents_.size() < kAgentsMax) {
        co_await create(host);
      }
    } else if (agents_.size() > 2) {
      std::erase(agents_, agent);
      co_await client(host).remove(agent, patience);
    }
    co_await sleep(choices_.between(Duration::millis(1), Duration::seconds(2)));
  }
  co_return kOk;
}

void TakeOver::take_over_by(size_t server) {
  newest_ = server;
  if (!servers_[server]->up()) {
    servers_[server]->start();
  }
}

// The keeper of the machines: crashes servers and starts others, while the last ones may still run.
Task<void> TakeOver::keep() {
  const Duration crashes = simulation_.swarm().crash_interval;
  const Duration mean = crashes > Duration() ? crashes : kTakeOverInterval;
  for (;;) {
    co_await sleep(keeper_.between(Duration::millis(1), mean * 2));
    const size_t server = keeper_.choose(servers_.size());
    if (servers_[server]->up() && crashes > Duration() && keeper_.choose(2) == 0) {
      servers_[server]->crash();
      co_await sleep(keeper_.between(Duration::millis(1), Duration::seconds(2)));
    }
    take_over_by(keeper_.choose(servers_.size()));
  }
}

// Another is started by the keeper, or nobody for a while.
Task<void> TakeOver::stops() {
  const Duration mean = simulation_.swarm().stop_interval;
  for (;;) {
    co_await sleep(keeper_.between(Duration::millis(1), mean * 2));
    const size_t number = keeper_.choose(servers_.size());
    SharedServer& server = *servers_[number];
    if (!server.up()) {
      continue;
    }
    const bool busy = server.serving() && in_flight(history_);
    if (co_await server.stop() && busy) {
      simulation_.ledger().receive(Fault::kGracefulStop);
    }
    co_await sleep(keeper_.between(Duration::millis(10), Duration::seconds(3)));
    if (number == newest_) {
      take_over_by(number);
    }
  }
}

// The server that was started last is the core, with the store and all clients.
Frozen TakeOver::freeze() {
  Breakable others{.servers = {}, .clients = {}, .network = true, .cluster = true};
  for (size_t i = 0; i < servers_.size(); ++i) {
    if (i != newest_) {
      others.servers.push_back(servers_[i]->host().name());
    }
  }
  return Frozen::draw(simulation_.choices().stream("liveness"), simulation_.swarm(), others);
}

void TakeOver::heal(const Frozen& frozen) {
  chaos_->heal(frozen);
  simulation_.heal(frozen);
  fdb_.heal(frozen.fdb);
  // Of several that run, one has the store; the others find out with their next turn. One that has
  // the store, by what it knows, may run on where nobody hears of it; one that is about to take it
  // would do so again when it is heard.
  for (size_t i = 0; i < servers_.size(); ++i) {
    SharedServer& server = *servers_[i];
    const std::string& host = server.host().name();
    if (server.serving() && frozen.has_lost(host) && !frozen.is_dead(host)) {
      server.abandon();
      lost_.spawn(call_lost(i));
    } else if (server.up()) {
      server.crash();
    }
  }
  servers_[newest_]->start();
}

// What it is told to do then, it must not do when it is heard again.
Task<void> TakeOver::call_lost(size_t server) {
  const size_t host = kClients - 1;
  const std::string agent = agents_[choices_.choose(agents_.size())];
  co_await clients_[host][server]->send(agent, new_text(host), kLongPatience);
  co_return kOk;
}

Task<void> TakeOver::thaw() {
  if (simulation_.frozen().nothing()) {
    co_return kOk;
  }
  step("thaw");
  chaos_->heal();
  simulation_.heal();
  fdb_.heal();
  co_await lost_.drain();
  co_await sleep(choices_.between(Duration(), Duration::seconds(2)));
  for (size_t i = 0; i < servers_.size(); ++i) {
    if (i != newest_ && servers_[i]->up()) {
      servers_[i]->crash();
    }
  }
  co_await all_runs_end();
  settled_ns_ = simulation_.now_ns();
  co_return kOk;
}

std::optional<std::string> TakeOver::unfinished() const {
  for (const Op& op : history_) {
    if (!op.agent.empty() && fdb_.holds_any(store::keys::agent_queue(op.agent))) {
      return "a run of " + op.agent + " is queued and does not end";
    }
  }
  if (fdb_.holds_any(store::keys::agents_working())) {
    return "an agent without queued runs is marked as working";
  }
  return std::nullopt;
}

Task<void> TakeOver::all_runs_end() {
  const int64_t deadline_ns = simulation_.now_ns() + kLivenessBound.nanos();
  while (std::optional<std::string> left = unfinished()) {
    if (simulation_.now_ns() > deadline_ns) {
      simulation_.fail("L2", "after all faults have ended, " + *left);
      co_return kOk;
    }
    co_await sleep(Duration::millis(500));
  }
  co_return kOk;
}

Task<void> TakeOver::everyone_answers() {
  const int64_t deadline_ns = simulation_.now_ns() + kLivenessBound.nanos();
  for (const std::string& agent : std::vector<std::string>(agents_)) {
    for (;;) {
      const size_t place = co_await clients_[0][newest_]->send(agent, new_text(0), kLongPatience);
      const Outcome outcome = history_[place].outcome;
      if (outcome == Outcome::kOk || outcome == Outcome::kAbsent) {
        break;  // absence is for the oracles of safety to judge
      }
      if (simulation_.now_ns() > deadline_ns) {
        simulation_.fail("L1", "an agent does not answer after all faults have ended: " +
                                   history_[place].to_string());
        co_return kOk;
      }
      co_await sleep(Duration::millis(200));
    }
  }
  co_return kOk;
}

Task<void> TakeOver::audit() {
  for (const std::string& agent : std::vector<std::string>(agents_)) {
    for (int attempt = 0;; ++attempt) {
      const size_t place =
          co_await clients_[choices_.choose(kClients)][newest_]->list(agent, 1'000, kLongPatience);
      const Outcome outcome = history_[place].outcome;
      if (outcome == Outcome::kOk || outcome == Outcome::kAbsent) {
        break;
      }
      if (attempt == 20) {
        simulation_.fail("L1", "an audit gets no answer: " + history_[place].to_string());
        co_return kOk;
      }
      co_await sleep(Duration::millis(500));
    }
  }
  co_return kOk;
}

void TakeOver::judge() {
  for (const auto* failure : {&commits_.failure(), &ownership_.failure()}) {
    if (*failure) {
      simulation_.fail((*failure)->oracle, (*failure)->message);
    }
  }
  if (ownership_.counters().turns == 0) {
    simulation_.fail("scenario", "no turn was committed, so nothing was judged");
  }
  if (simulation_.failure()) {
    return;
  }
  if (auto found = check_agents(history_, settled_ns_, fdb_.contents())) {
    simulation_.fail(found->oracle, found->message);
  }
}

}  // namespace

std::unique_ptr<Scenario> make_takeover(Simulation& simulation) {
  return std::make_unique<TakeOver>(simulation);
}

}  // namespace kelpie::sim
