#include "sim/transactions/transactions_scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "async/event.h"
#include "async/scope.h"
#include "async/select.h"
#include "async/sleep.h"
#include "sim/chaos.h"
#include "sim/check/list_append.h"
#include "sim/check/witness.h"
#include "sim/model/transaction_trace.h"
#include "sim/transactions/work.h"

namespace kelpie::sim {
namespace {

constexpr Duration kLivenessBound = Duration::seconds(120);
constexpr Duration kPatience = Duration::seconds(20);

// Of a call that a client waits for.
struct Ended {
  explicit Ended(Loop& loop) : event(loop) {}
  async::Event event;
  bool done = false;
};

Task<void> wait(std::shared_ptr<Ended> ended) {
  co_await ended->event.wait();
  co_return kOk;
}

// `told` is called on the simulation's loop when the work has ended.
Task<void> carry_out_and_tell(StoreAccess access, Plan plan, TransactionRecord& record, Loop& home,
                              std::function<void(Fate)> told) {
  const Fate fate = co_await carry_out(access, std::move(plan), record);
  home.post_from_thread([told = std::move(told), fate] { told(fate); });
  co_return kOk;
}

class Transactions final : public Scenario {
 public:
  explicit Transactions(Simulation& simulation)
      : simulation_(simulation),
        shared_(simulation.choices().fork("transactions/shared").chance(1, 2)),
        choices_(simulation.choices().stream("transactions")),
        crash_choices_(simulation.choices().stream("transactions/crashes")),
        chaos_scope_(simulation.loop(), [this](const Error& error) { broken(error); }),
        work_(simulation.loop(), [this](const Error& error) { broken(error); }) {
    const auto observe = [this](const store::CommitBatch& batch) { log(batch); };
    if (shared_) {
      fdb_ = std::make_unique<SimFdb>(simulation, SimFdbOptions{.faults = simulation.swarm().fdb});
      fdb_->set_commit_observer(observe);
    } else {
      disk_ = std::make_unique<DurableDisk>(simulation.scheduler(), simulation.choices(),
                                            simulation.ledger(), simulation.swarm().disk);
      disk_->set_observer(observe);
    }
    std::vector<SimHost*> hosts;
    std::vector<std::string> names = {"cluster"};
    const int64_t nodes = shared_ ? simulation.swarm().nodes : 1;
    for (int64_t i = 0; i < nodes; ++i) {
      SimHost& host = simulation.add_host(fmt::format("node-{}", i + 1));
      nodes_.push_back(std::make_unique<StoreNode>(
          simulation, host, disk_.get(), fdb_.get(),
          [this](const CommittedTransaction& transaction) { trace_.committed(transaction); }));
      hosts.push_back(&host);
      names.push_back(host.name());
    }
    if (!shared_) {
      names.clear();
    }
    chaos_ = std::make_unique<Chaos>(simulation, std::move(hosts), std::move(names));
  }

  Task<void> run() override;
  void judge() override;
  [[nodiscard]] uint64_t operations() const override { return records_.size(); }
  [[nodiscard]] uint64_t undecided() const override { return undecided_; }

 private:
  void broken(const Error& error) { simulation_.fail("scenario", error.to_string()); }
  void step(std::string_view what) { simulation_.scheduler().note("sim", "step", what); }
  auto sleep(Duration length) { return async::sleep_for(simulation_.loop(), length); }
  void log(const store::CommitBatch& batch);

  Task<void> client(int64_t number);
  Task<Fate> ask(const std::string& client, Plan plan, StoreNode& node);
  // How a process ends before its time.
  enum class End : uint8_t { kPowerOff, kKilled };
  Task<void> crashes(Duration mean, End end);
  Task<void> stops();
  Frozen freeze();
  void heal(const Frozen& frozen);
  Task<void> thaw();
  Task<void> audit(std::string name);
  void judge_marks();
  void judge_trace();
  void judge_lists();
  void judge_order();
  void conclude(const CheckResult& checked);

  Simulation& simulation_;
  bool shared_;
  std::unique_ptr<SimFdb> fdb_;
  std::unique_ptr<DurableDisk> disk_;
  TransactionTrace trace_;
  ChoiceStream& choices_;
  ChoiceStream& crash_choices_;
  std::vector<std::unique_ptr<StoreNode>> nodes_;
  std::vector<StoreNode*> core_;
  std::unique_ptr<Chaos> chaos_;
  std::deque<TransactionRecord> records_;  // tasks hold references
  std::vector<LoggedCommit> log_;
  uint64_t undecided_ = 0;
  bool chaos_on_ = true;
  async::Scope chaos_scope_;
  async::Scope work_;  // last, with chaos_scope_: their tasks use everything above
};

void Transactions::log(const store::CommitBatch& batch) {
  trace_.batch(batch);
  for (const store::Mutation& mutation : batch.mutations) {
    const std::string id = marked(mutation.key);
    if (!id.empty() && mutation.kind == store::Mutation::Kind::kSet) {
      log_.push_back({batch.version, std::nullopt, id});
    }
  }
}

Task<void> Transactions::run() {
  const Swarm& swarm = simulation_.swarm();
  for (const auto& node : nodes_) {
    node->start();
  }
  step(shared_ ? "chaos on a shared store" : "chaos on an embedded store");
  if (swarm.crash_interval > Duration()) {
    chaos_scope_.spawn(crashes(swarm.crash_interval, End::kPowerOff));
  }
  if (swarm.kill_interval > Duration()) {
    chaos_scope_.spawn(crashes(swarm.kill_interval, End::kKilled));
  }
  if (swarm.stop_interval > Duration()) {
    simulation_.ledger().configure(Fault::kGracefulStop);
    chaos_scope_.spawn(stops());
  }
  chaos_->spawn(chaos_scope_);
  for (int64_t i = 0; i < swarm.clients; ++i) {
    work_.spawn(client(i + 1));
  }
  co_await sleep(swarm.chaos);
  chaos_on_ = false;
  step("heal");
  co_await work_.drain();
  chaos_scope_.cancel();
  heal(freeze());
  co_await audit("after the heal");
  co_await thaw();
  step("cold restart");
  for (const auto& node : nodes_) {
    if (node->up()) {
      co_await node->stop();
      node->start();
    }
  }
  co_await audit("after the cold restart");
  for (const auto& node : nodes_) {
    if (node->up()) {
      co_await node->stop();
    }
  }
  co_return kOk;
}

Task<Fate> Transactions::ask(const std::string& client, Plan plan, StoreNode& node) {
  TransactionRecord& record = records_.emplace_back();
  record.id = plan.id;
  record.client = client;
  record.called_ns = simulation_.now_ns();
  auto ended = std::make_shared<Ended>(simulation_.loop());
  // Also for a client that waits no longer.
  const auto told = [this, &record, ended](Fate fate) {
    record.fate = fate;
    if (fate != Fate::kUnknown) {
      record.returned_ns = simulation_.now_ns();
    }
    ended->done = true;
    ended->event.set();
  };
  node.run([plan = std::move(plan), &record, told, &home = simulation_.loop()](StoreAccess access) {
    return carry_out_and_tell(access, plan, record, home, told);
  });
  static_cast<void>(co_await async::timeout(simulation_.loop(), kPatience, wait(ended)).result());
  simulation_.scheduler().note(client, "op", record.to_string());
  co_return ended->done ? record.fate : Fate::kUnknown;
}

Task<void> Transactions::client(int64_t number) {
  const std::string name = fmt::format("client-{}", number);
  for (uint64_t i = 1; chaos_on_; ++i) {
    StoreNode& node = *nodes_[choices_.choose(nodes_.size())];
    if (node.up()) {
      static_cast<void>(
          co_await ask(name, draw_plan(choices_, fmt::format("{}-{}", number, i)), node).result());
    }
    const bool at_once = choices_.choose(3) > 0;
    co_await sleep(at_once ? Duration::micros(10)
                           : choices_.between(Duration::millis(1), Duration::seconds(1)));
  }
  co_return kOk;
}

Task<void> Transactions::crashes(Duration mean, End end) {
  for (;;) {
    co_await sleep(crash_choices_.between(Duration::millis(1), mean * 2));
    StoreNode& node = *nodes_[crash_choices_.choose(nodes_.size())];
    if (node.up()) {
      if (disk_ != nullptr && disk_->undecided()) {
        simulation_.ledger().configure(Fault::kCrashDuringTransaction);
        simulation_.ledger().receive(Fault::kCrashDuringTransaction);
      }
      end == End::kPowerOff ? node.crash() : node.kill();
      co_await sleep(crash_choices_.between(Duration::millis(1), Duration::seconds(2)));
    }
    if (!node.up()) {
      node.start();
    }
  }
}

// In the middle of its transactions, mostly.
Task<void> Transactions::stops() {
  const Duration mean = simulation_.swarm().stop_interval;
  for (;;) {
    co_await sleep(crash_choices_.between(Duration::millis(1), mean * 2));
    StoreNode& node = *nodes_[crash_choices_.choose(nodes_.size())];
    if (node.up()) {
      const bool busy = node.busy();
      if (co_await node.stop() && busy) {
        simulation_.ledger().receive(Fault::kGracefulStop);
      }
      co_await sleep(crash_choices_.between(Duration::millis(1), Duration::seconds(2)));
    }
    if (!node.up()) {
      node.start();
    }
  }
}

Frozen Transactions::freeze() {
  std::vector<std::string> names;
  for (const auto& node : nodes_) {
    names.push_back(node->host().name());
  }
  ChoiceStream& choices = simulation_.choices().stream("liveness");
  return Frozen::draw(choices, simulation_.swarm(),
                      {.servers = all_but_one(choices, std::move(names)),
                       .clients = {},
                       .disk = !shared_,
                       .cluster = shared_});
}

void Transactions::heal(const Frozen& frozen) {
  chaos_->heal(frozen);
  simulation_.heal(frozen);
  if (fdb_ != nullptr) {
    fdb_->heal(frozen.fdb);
  } else {
    disk_->heal(frozen.disk);
  }
  core_.clear();
  for (const auto& node : nodes_) {
    const std::string& host = node->host().name();
    if (!frozen.has_lost(host)) {
      core_.push_back(node.get());
      if (!node->up()) {
        node->start();
      }
    } else if (node->up() && frozen.is_dead(host)) {
      node->crash();
    }
  }
}

// Everything is well again.
Task<void> Transactions::thaw() {
  step("thaw");
  heal({});
  // What may still land does so first: the last reads are of what stays.
  const int64_t deadline_ns = simulation_.now_ns() + kLivenessBound.nanos();
  while (fdb_ != nullptr && !fdb_->quiet() && simulation_.now_ns() < deadline_ns) {
    co_await sleep(Duration::millis(100));
  }
  if (fdb_ != nullptr && !fdb_->quiet()) {
    simulation_.fail("L2", "after all faults have ended, commits are still on their way");
  }
  co_return kOk;
}

Task<void> Transactions::audit(std::string name) {
  const int64_t deadline_ns = simulation_.now_ns() + kLivenessBound.nanos();
  for (size_t attempt = 1;; ++attempt) {
    StoreNode& node = *core_[attempt % core_.size()];
    if (node.up() && co_await ask("auditor", audit_plan(fmt::format("{} {}", name, attempt)),
                                  node) == Fate::kOk) {
      co_return kOk;
    }
    if (simulation_.now_ns() > deadline_ns) {
      simulation_.fail("L1", "the store cannot be read " + name);
      co_return kOk;
    }
    co_await sleep(Duration::millis(100));
  }
}

void Transactions::judge() {
  judge_marks();
  judge_trace();
  judge_lists();
  judge_order();
}

// The store's log says what happened: once, and only what was not refused (S3, S6).
void Transactions::judge_marks() {
  std::map<std::string, const LoggedCommit*, std::less<>> found;
  for (const LoggedCommit& commit : log_) {
    if (!found.emplace(commit.transaction, &commit).second) {
      simulation_.fail("S6", "transaction " + commit.transaction + " was applied twice");
    }
  }
  for (TransactionRecord& record : records_) {
    const auto commit = found.find(record.id);
    const bool applied = commit != found.end();
    if (applied && record.fate == Fate::kFailed) {
      simulation_.fail("S6", "was answered as failed and has happened: " + record.to_string());
    }
    if (!applied && record.fate == Fate::kOk && record.writes()) {
      simulation_.fail("S3", "was acknowledged and is not in the log: " + record.to_string());
    }
    if (applied && !record.commit_version) {
      record.commit_version = commit->second->version;
    }
  }
}

// What each transaction had read was still so when it was committed, by the rule that the model of
// transactions is proved with (S19).
void Transactions::judge_trace() {
  if (trace_.failure()) {
    simulation_.fail(trace_.failure()->oracle, trace_.failure()->message);
  }
  if (trace_.counters().reads == 0) {
    simulation_.fail("scenario", "no transaction with reads was committed, so nothing was judged");
  }
}

void Transactions::conclude(const CheckResult& checked) {
  if (checked.verdict == HistoryVerdict::kUndecided) {
    undecided_ = records_.size();
    return;
  }
  if (checked.verdict == HistoryVerdict::kHolds) {
    return;
  }
  if (checked.verdict == HistoryVerdict::kMalformed) {
    simulation_.fail("scenario", checked.to_string());
    return;
  }
  // What is lost or doubled as a whole the marks have told already.
  simulation_.fail("S19", checked.to_string());
}

void Transactions::judge_lists() {
  std::vector<TransactionRecord> lists;
  for (const TransactionRecord& record : records_) {
    TransactionRecord copy = record;
    const bool other = std::ranges::any_of(copy.steps, [](const TransactionStep& each) {
      const auto* const range = std::get_if<RangeStep>(&each);
      return std::holds_alternative<AtomicStep>(each) ||
             (range != nullptr && range->range.begin != "l/");
    });
    // The mark is no part of the lists.
    std::erase_if(copy.steps, [](const TransactionStep& each) {
      return std::holds_alternative<SetStep>(each);
    });
    if (!other) {
      lists.push_back(std::move(copy));
    }
  }
  conclude(check_list_append(lists));
}

void Transactions::judge_order() {
  WitnessOptions options;
  options.log = log_;
  conclude(check_witness({records_.begin(), records_.end()}, options));
}

}  // namespace

std::unique_ptr<Scenario> make_transactions(Simulation& simulation) {
  return std::make_unique<Transactions>(simulation);
}

}  // namespace kelpie::sim
