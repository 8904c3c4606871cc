#include "sim/actors/actors_scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "async/event.h"
#include "async/scope.h"
#include "async/select.h"
#include "async/sleep.h"
#include "cluster/ownership.h"
#include "sim/actors/actor_node.h"
#include "sim/actors/operator.h"
#include "sim/chaos.h"
#include "sim/check/linearizable.h"
#include "sim/fdb/sim_fdb.h"
#include "sim/model/idempotency_trace.h"
#include "sim/model/membership_trace.h"
#include "sim/model/ownership_trace.h"
#include "sim/model/transaction_trace.h"
#include "store/fdb/fdb_database.h"

namespace kelpie::sim {
namespace {

constexpr uint64_t kActors = 3;
constexpr Duration kLivenessBound = Duration::seconds(120);
constexpr Duration kLivenessPatience = Duration::seconds(15);
// From a node's death until others own what it owned: five beats missed, a declaration, claims, all
// of it over the slowest link.
constexpr Duration kTakenOverBound = Duration::seconds(60);
// What was under way when the faults ended has landed then.
constexpr Duration kAftermath = Duration::seconds(15);
constexpr Duration kQuiet = Duration::seconds(15);

struct Slot {
  explicit Slot(Loop& loop) : done(loop) {}
  async::Event done;
  std::optional<ObjectAnswer> answer;
};

Task<void> wait(std::shared_ptr<Slot> slot) {
  co_await slot->done.wait();
  co_return kOk;
}

class Actors final : public Scenario {
 public:
  explicit Actors(Simulation& simulation)
      : simulation_(simulation),
        fdb_(simulation, SimFdbOptions{.faults = simulation.swarm().fdb}),
        ownership_(cluster::OwnerRecords::kPerActor),
        choices_(simulation.choices().stream("actors")),
        crashes_rng_(simulation.choices().stream("actors/crashes")),
        operator_(simulation.add_host("operator")),
        chaos_scope_(simulation.loop(), [this](const Error& error) { broken(error); }),
        work_(simulation.loop(), [this](const Error& error) { broken(error); }),
        lost_(simulation.loop(), [this](const Error& error) { broken(error); }) {
    fdb_.set_commit_observer([this](const store::CommitBatch& batch) {
      commits_.batch(batch);
      ownership_.batch(batch);
      members_.batch(batch);
      transactions_.batch(batch);
    });
    std::vector<SimHost*> hosts;
    std::vector<std::string> names = {"cluster"};
    for (int64_t i = 0; i < simulation.swarm().nodes; ++i) {
      SimHost& host = simulation.add_host(fmt::format("node-{}", i + 1));
      nodes_.push_back(std::make_unique<ActorNode>(simulation, host, fdb_,
                                                   [this](const CommittedTransaction& transaction) {
                                                     transactions_.committed(transaction);
                                                   }));
      hosts.push_back(&host);
      names.push_back(host.name());
    }
    chaos_ = std::make_unique<Chaos>(simulation, std::move(hosts), std::move(names));
  }

  Task<void> run() override;
  void judge() override;
  [[nodiscard]] uint64_t operations() const override { return history_.size(); }
  [[nodiscard]] uint64_t undecided() const override { return undecided_; }

 private:
  void broken(const Error& error) { simulation_.fail("scenario", error.to_string()); }
  void step(std::string_view what) { simulation_.scheduler().note("sim", "step", what); }
  auto sleep(Duration length) { return async::sleep_for(simulation_.loop(), length); }

  Task<void> client(int64_t number);
  ObjectOp draw(int64_t number);
  Task<Fate> ask(ObjectOp op, ActorNode& node, Duration patience);
  Task<void> crashes();
  Task<void> stops();
  Task<void> declare_dead();
  Task<bool> declare(std::string node);
  Frozen freeze();
  void heal(const Frozen& frozen);
  Task<void> declare_lost(const Frozen& frozen);
  void call_lost();
  Task<void> call_once(ObjectOp op, ActorNode& node);
  Task<void> thaw();
  Task<void> everyone_answers(std::string_view by, std::string_view oracle = "L1",
                              Duration bound = kLivenessBound);
  ActorNode& next_up(uint64_t attempt);
  Task<void> epochs_stay();
  Task<void> a_node_dies();
  Task<void> restart();

  Simulation& simulation_;
  SimFdb fdb_;
  IdempotencyTrace commits_{{}};
  OwnershipTrace ownership_;
  MembershipTrace members_;
  TransactionTrace transactions_;
  ChoiceStream& choices_;
  ChoiceStream& crashes_rng_;
  SimHost& operator_;
  std::vector<std::unique_ptr<ActorNode>> nodes_;
  std::vector<ActorNode*> core_;
  std::unique_ptr<Chaos> chaos_;
  std::vector<ObjectOp> history_;
  std::vector<std::optional<Bytes>> last_seen_ = std::vector<std::optional<Bytes>>(kActors);
  uint64_t values_ = 0;
  uint64_t undecided_ = 0;
  bool chaos_on_ = true;
  async::Scope chaos_scope_;
  async::Scope work_;
  async::Scope lost_;  // last, with chaos_scope_ and work_: their tasks use everything above
};

Task<void> Actors::run() {
  operator_.boot();
  for (const auto& node : nodes_) {
    node->start();
  }
  step("chaos");
  const Swarm& swarm = simulation_.swarm();
  if (swarm.crash_interval > Duration()) {
    chaos_scope_.spawn(crashes());
  }
  if (swarm.stop_interval > Duration()) {
    simulation_.ledger().configure(Fault::kGracefulStop);
    chaos_scope_.spawn(stops());
  }
  if (swarm.declare_dead_interval > Duration()) {
    simulation_.ledger().configure(Fault::kNodeDeclaredDead);
    chaos_scope_.spawn(declare_dead());
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
  const Frozen frozen = freeze();
  heal(frozen);
  co_await declare_lost(frozen);
  call_lost();
  co_await everyone_answers("the heal");
  co_await thaw();
  co_await epochs_stay();
  co_await a_node_dies();
  step("cold restart");
  co_await restart();
  co_await everyone_answers("the cold restart");
  for (const auto& node : nodes_) {
    co_await node->stop();
  }
  co_return kOk;
}

ObjectOp Actors::draw(int64_t number) {
  ObjectOp op;
  const uint64_t object = choices_.choose(kActors);
  op.client = fmt::format("client-{}", number);
  op.object = fmt::format("actor-{}", object + 1);
  switch (choices_.choose(4)) {
    case 0:
      op.kind = ObjectOpKind::kRead;
      break;
    case 1:
      op.kind = ObjectOpKind::kWrite;
      break;
    default:
      op.kind = ObjectOpKind::kCompareAndSet;
      op.expected = last_seen_[object];
      break;
  }
  if (op.kind != ObjectOpKind::kRead) {
    op.argument = std::to_string(++values_);
    last_seen_[object] = op.argument;
  }
  return op;
}

Task<Fate> Actors::ask(ObjectOp op, ActorNode& node, Duration patience) {
  const size_t place = history_.size();
  op.called_ns = simulation_.now_ns();
  history_.push_back(op);
  simulation_.scheduler().note(op.client, "op",
                               fmt::format("call {} on {}", op.to_string(), node.host().name()));
  auto slot = std::make_shared<Slot>(simulation_.loop());
  node.call(op, [slot](ObjectAnswer answer) {
    slot->answer = std::move(answer);
    slot->done.set();
  });
  static_cast<void>(co_await async::timeout(simulation_.loop(), patience, wait(slot)).result());
  ObjectOp& record = history_[place];
  std::string error = "no answer";
  if (slot->answer) {
    record.returned_ns = simulation_.now_ns();
    record.fate = slot->answer->fate;
    record.seen = slot->answer->seen;
    record.swap = slot->answer->swap;
    error = slot->answer->error;
    if (slot->answer->broken) {
      simulation_.fail("500", record.to_string() + " " + error);
    }
    if (record.fate == Fate::kUnknown) {
      record.returned_ns = kNever;
    }
  }
  simulation_.scheduler().note(op.client, "op",
                               fmt::format("answer {} {}", record.to_string(), error));
  co_return record.fate;
}

Task<void> Actors::client(int64_t number) {
  while (chaos_on_) {
    ActorNode& node = *nodes_[choices_.choose(nodes_.size())];
    if (node.up()) {
      const Duration patience = choices_.between(Duration::millis(500), Duration::seconds(10));
      co_await ask(draw(number), node, patience);
    }
    co_await sleep(choices_.between(Duration::millis(1), Duration::seconds(2)));
  }
  co_return kOk;
}

Task<void> Actors::crashes() {
  const Duration mean = simulation_.swarm().crash_interval;
  for (;;) {
    co_await sleep(crashes_rng_.between(Duration::millis(1), mean * 2));
    ActorNode& node = *nodes_[crashes_rng_.choose(nodes_.size())];
    if (node.up()) {
      node.crash();
    } else {
      node.start();
    }
  }
}

// What a watcher does to a node that it takes for dead, right or wrong.
Task<void> Actors::declare_dead() {
  const Duration mean = simulation_.swarm().declare_dead_interval;
  for (;;) {
    co_await sleep(crashes_rng_.between(Duration::millis(1), mean * 2));
    co_await declare(nodes_[crashes_rng_.choose(nodes_.size())]->host().name());
  }
}

// Whether it is certain that it has happened.
Task<bool> Actors::declare(std::string node) {
  auto slot = std::make_shared<Slot>(simulation_.loop());
  World& world = operator_.world();
  async::Scope scope(world.loop, [](const Error&) {});
  scope.spawn(declare_dead_blindly(
      world, fdb_.connect(operator_), std::move(node), [slot, &home = simulation_.loop()](bool ok) {
        home.post_from_thread([slot, ok] {
          slot->answer = ObjectAnswer{.fate = ok ? Fate::kOk : Fate::kUnknown};
          slot->done.set();
        });
      }));
  static_cast<void>(
      co_await async::timeout(simulation_.loop(), kLivenessPatience, wait(slot)).result());
  co_return slot->answer && slot->answer->fate == Fate::kOk;
}

// In the middle of a turn, mostly.
Task<void> Actors::stops() {
  const Duration mean = simulation_.swarm().stop_interval;
  for (;;) {
    co_await sleep(crashes_rng_.between(Duration::millis(1), mean * 2));
    ActorNode& node = *nodes_[crashes_rng_.choose(nodes_.size())];
    if (node.up()) {
      const bool busy = node.busy();
      if (co_await node.stop() && busy) {
        simulation_.ledger().receive(Fault::kGracefulStop);
      }
      co_await sleep(crashes_rng_.between(Duration::millis(1), Duration::seconds(2)));
    }
    if (!node.up()) {
      node.start();
    }
  }
}

Frozen Actors::freeze() {
  std::vector<std::string> names;
  for (const auto& node : nodes_) {
    names.push_back(node->host().name());
  }
  ChoiceStream& choices = simulation_.choices().stream("liveness");
  return Frozen::draw(
      choices, simulation_.swarm(),
      {.servers = all_but_one(choices, std::move(names)), .clients = {}, .cluster = true});
}

void Actors::heal(const Frozen& frozen) {
  chaos_->heal(frozen);
  simulation_.heal(frozen);
  fdb_.heal(frozen.fdb);
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

// As a primary does to a node that it does not hear of, dead or alive: its actors are anyone's, and
// it commits nothing any more.
Task<void> Actors::declare_lost(const Frozen& frozen) {
  const int64_t deadline_ns = simulation_.now_ns() + kLivenessBound.nanos();
  for (const auto& [host, how] : frozen.lost) {
    while (!co_await declare(host)) {
      if (simulation_.now_ns() > deadline_ns) {
        simulation_.fail("L4", host + " cannot be declared dead");
        co_return kOk;
      }
      co_await sleep(Duration::millis(100));
    }
  }
  co_return kOk;
}

// A node that nobody hears of, or that hears of nobody, is told to do what it must not.
void Actors::call_lost() {
  for (const auto& node : nodes_) {
    const bool lost = std::ranges::find(core_, node.get()) == core_.end();
    for (int64_t i = 0; lost && node->up() && i < simulation_.swarm().clients; ++i) {
      lost_.spawn(call_once(draw(i + 1), *node));
    }
  }
}

Task<void> Actors::call_once(ObjectOp op, ActorNode& node) {
  static_cast<void>(co_await ask(std::move(op), node, kLivenessPatience).result());
  co_return kOk;
}

// Who is heard again finds out what has become of it.
Task<void> Actors::thaw() {
  if (simulation_.frozen().nothing()) {
    co_return kOk;
  }
  step("thaw");
  heal({});
  co_await sleep(choices_.between(Duration(), Duration::seconds(2)));
  co_await everyone_answers("the thaw");
  co_await lost_.drain();
  co_return kOk;
}

// Every actor can be called on some node of the core (L1, L4), and by the write that succeeds its
// history goes on.
Task<void> Actors::everyone_answers(std::string_view by, std::string_view oracle, Duration bound) {
  step(fmt::format("liveness after {}", by));
  const int64_t deadline_ns = simulation_.now_ns() + bound.nanos();
  for (uint64_t object = 0; object < kActors; ++object) {
    bool read = false;
    for (uint64_t attempt = 0;; ++attempt) {
      ObjectOp op;
      op.client = "auditor";
      op.object = fmt::format("actor-{}", object + 1);
      op.kind = read ? ObjectOpKind::kWrite : ObjectOpKind::kRead;
      if (op.kind == ObjectOpKind::kWrite) {
        op.argument = std::to_string(++values_);
      }
      const ObjectOpKind kind = op.kind;
      const Fate fate = co_await ask(std::move(op), next_up(attempt), kLivenessPatience);
      if (fate == Fate::kOk && kind == ObjectOpKind::kWrite) {
        break;
      }
      read = read || fate == Fate::kOk;
      if (simulation_.now_ns() > deadline_ns) {
        simulation_.fail(std::string(oracle),
                         fmt::format("after {} actor-{} cannot be called", by, object + 1));
        co_return kOk;
      }
      co_await sleep(Duration::millis(100));
    }
  }
  co_return kOk;
}

ActorNode& Actors::next_up(uint64_t attempt) {
  while (!core_[attempt % core_.size()]->up()) {
    ++attempt;
  }
  return *core_[attempt % core_.size()];
}

// Without faults nobody dies, so no epoch changes, and nobody loses what it owns (L1).
Task<void> Actors::epochs_stay() {
  step("quiet");
  co_await sleep(kAftermath);
  const size_t before = ownership_.counters().epochs;
  co_await sleep(kQuiet);
  const size_t changed = ownership_.counters().epochs - before;
  if (changed > 0) {
    simulation_.fail("L1", fmt::format("{} epochs changed while all nodes lived", changed));
  }
  co_return kOk;
}

// Nobody says that it is dead: the others must find out, and own its actors then (L4).
Task<void> Actors::a_node_dies() {
  co_await everyone_answers("the quiet");
  const std::string owner = members_.some_owner().value_or(nodes_.front()->host().name());
  step(fmt::format("{} dies", owner));
  const auto dead = std::ranges::find(
      nodes_, owner, [](const auto& node) -> const std::string& { return node->host().name(); });
  CHECK(dead != nodes_.end());
  (*dead)->crash();
  co_await everyone_answers("a death", "L4", kTakenOverBound);
  (*dead)->start();
  co_return kOk;
}

Task<void> Actors::restart() {
  for (const auto& node : nodes_) {
    co_await node->stop();
    node->start();
  }
  co_return kOk;
}

void Actors::judge() {
  for (const auto* failure : {&commits_.failure(), &ownership_.failure(), &members_.failure(),
                              &transactions_.failure()}) {
    if (*failure) {
      simulation_.fail((*failure)->oracle, (*failure)->message);
    }
  }
  if (ownership_.counters().turns == 0 || transactions_.counters().reads == 0) {
    simulation_.fail("scenario", "no turn was committed, so nothing was judged");
  }
  const CheckResult checked = check_linearizable(history_, RegisterObject());
  if (checked.verdict == HistoryVerdict::kUndecided) {
    undecided_ += history_.size();
  } else if (checked.verdict != HistoryVerdict::kHolds) {
    simulation_.fail(checked.verdict == HistoryVerdict::kViolation ? "S4" : "scenario",
                     checked.to_string());
  }
}

}  // namespace

std::unique_ptr<Scenario> make_actors(Simulation& simulation) {
  return std::make_unique<Actors>(simulation);
}

}  // namespace kelpie::sim
