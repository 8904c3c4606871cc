#include "sim/messages/messages_scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "async/event.h"
#include "async/scope.h"
#include "async/select.h"
#include "async/semaphore.h"
#include "async/sleep.h"
#include "cluster/ownership.h"
#include "sim/actors/operator.h"
#include "sim/chaos.h"
#include "sim/fdb/sim_fdb.h"
#include "sim/messages/account_actor.h"
#include "sim/messages/account_audit.h"
#include "sim/messages/at_rest.h"
#include "sim/messages/message_node.h"
#include "sim/model/idempotency_trace.h"
#include "sim/model/membership_trace.h"
#include "sim/model/ownership_trace.h"
#include "sim/model/transaction_trace.h"
#include "store/fdb/fdb_database.h"

namespace kelpie::sim {
namespace {

constexpr Duration kLivenessBound = Duration::seconds(300);
constexpr Duration kPatienceMax = Duration::seconds(10);
// Longer than an actor of a node stays active without a call.
constexpr Duration kUntilGivenAway = Duration::seconds(7);
// The longest time for which a client arms a reminder.
constexpr Duration kDelayMax = Duration::seconds(20);
constexpr uint64_t kBurstMax = 16;  // deposits
// A turn commits, without a read before it.
constexpr std::string_view kBlindCommit = "actor.turn.one_round_trip";
constexpr Duration kAimMax = Duration::seconds(5);  // for which an operator waits for one

// What a call came back with, if it did.
struct Slot {
  explicit Slot(Loop& loop) : done(loop) {}
  async::Event done;
  std::optional<Result<Bytes>> answer;
};

Task<void> wait(std::shared_ptr<Slot> slot) {
  co_await slot->done.wait();
  co_return kOk;
}

class Messages final : public Scenario {
 public:
  explicit Messages(Simulation& simulation)
      : simulation_(simulation),
        fdb_(simulation, SimFdbOptions{.faults = simulation.swarm().fdb}),
        ownership_(cluster::OwnerRecords::kPerActor),
        choices_(simulation.choices().stream("messages")),
        crashes_rng_(simulation.choices().stream("messages/crashes")),
        auditor_(simulation.add_host("auditor")),
        operator_(simulation.add_host("operator")),
        chaos_scope_(simulation.loop(), [this](const Error& error) { broken(error); }),
        paying_(simulation.loop(), 1),
        work_(simulation.loop(), [this](const Error& error) { broken(error); }) {
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
      nodes_.push_back(std::make_unique<MessageNode>(
          simulation, host, fdb_,
          [this](const CommittedTransaction& told) { transactions_.committed(told); }));
      hosts.push_back(&host);
      names.push_back(host.name());
      core_.push_back(nodes_.back().get());
    }
    chaos_ = std::make_unique<Chaos>(simulation, std::move(hosts), std::move(names));
  }

  Task<void> run() override;
  void judge() override;
  [[nodiscard]] uint64_t operations() const override { return calls_; }

 private:
  void broken(const Error& error) { simulation_.fail("scenario", error.to_string()); }
  void step(std::string_view what) { simulation_.scheduler().note("sim", "step", what); }
  auto sleep(Duration length) { return async::sleep_for(simulation_.loop(), length); }

  // A client, and how far it has come.
  struct Caller {
    int64_t number = 0;
    uint64_t ops = 0;
    int64_t deposits = 0;
  };
  Task<void> client(int64_t number);
  AccountOp draw(Caller& caller);
  AccountOp draw_deposit(Caller& caller, std::string account);
  Task<void> begin(Caller& caller, AccountOp op);
  // Deposits to one account, each right behind the other.
  Task<void> burst(Caller& caller);
  // Tried until it is answered.
  Task<void> perform(size_t op, std::optional<actor::Once> once, int64_t delay_ns);
  // A look at an account, mostly from the memory of whoever takes itself for its owner.
  Task<void> look_at(int64_t number);
  // A call through several accounts, which may come back to one that waits: whatever it answers, it
  // answers.
  Task<void> chain(int64_t number);
  Task<std::optional<Result<Bytes>>> ask(std::string who, MessageNode::Ask ask);
  // Often the one that had the last answer of this account: it is likely to own it.
  MessageNode& pick_node(const std::string& account);
  Task<void> crashes();
  Task<void> stops();
  Task<void> declare_dead();
  Task<void> declare(std::string node);
  // Listens for blind commits on behalf of `take_aim`.
  void listen();
  // The host of the next one, or nothing, if there is none for a while.
  Task<std::optional<std::string>> take_aim();
  Frozen freeze();
  void heal(const Frozen& frozen);
  Task<void> come_to_rest(std::string_view after);
  Task<void> restart();
  Task<std::optional<AtRest>> read_at_rest();
  [[nodiscard]] WallTime slowest_clock() const;

  Simulation& simulation_;
  SimFdb fdb_;
  IdempotencyTrace commits_{{}};
  OwnershipTrace ownership_;
  MembershipTrace members_;
  TransactionTrace transactions_;
  ChoiceStream& choices_;
  ChoiceStream& crashes_rng_;
  SimHost& auditor_;
  SimHost& operator_;
  std::vector<std::unique_ptr<MessageNode>> nodes_;
  std::vector<MessageNode*> core_;  // that clients ask
  std::unique_ptr<Chaos> chaos_;
  std::vector<AccountOp> ops_;
  std::vector<std::string> armed_;                     // reminders, as `account id`
  std::map<std::string, MessageNode*> answered_last_;  // by account
  std::shared_ptr<Slot> aim_;  // filled with the host of the next blind commit
  uint64_t calls_ = 0;
  std::optional<AtRest> at_rest_;
  bool chaos_on_ = true;
  async::Scope chaos_scope_;
  async::Semaphore paying_;
  async::Scope work_;  // last, with chaos_scope_: their tasks use everything above
};

Task<void> Messages::run() {
  auditor_.boot();
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
    listen();
    chaos_scope_.spawn(declare_dead());
  }
  chaos_->spawn(chaos_scope_);
  for (int64_t i = 0; i < swarm.clients; ++i) {
    work_.spawn(client(i + 1));
  }
  co_await sleep(swarm.chaos);
  chaos_on_ = false;
  step("heal");
  chaos_scope_.cancel();
  const Frozen frozen = freeze();
  heal(frozen);
  const auto ended =
      co_await async::timeout(simulation_.loop(), kLivenessBound, work_.drain()).result();
  if (!ended.ok()) {
    work_.cancel();
    simulation_.fail("L2", "an operation that was tried again and again was never answered");
    co_return kOk;
  }
  co_await come_to_rest("the heal");
  if (!frozen.nothing()) {
    step("thaw");
    heal({});
  }
  step("cold restart");
  co_await restart();
  co_await come_to_rest("the cold restart");
  for (const auto& node : nodes_) {
    static_cast<void>(co_await node->stop());
  }
  co_return kOk;
}

AccountOp Messages::draw_deposit(Caller& caller, std::string account) {
  AccountOp op;
  op.method = "deposit";
  op.id = fmt::format("op-{}-{}", caller.number, ++caller.ops);
  op.account = std::move(account);
  op.amount = static_cast<int64_t>(1 + choices_.choose(100));
  return op;
}

AccountOp Messages::draw(Caller& caller) {
  const uint64_t account = choices_.choose(kAccounts);
  AccountOp op = draw_deposit(caller, account_name(account));
  op.peer = account_name((account + 1 + choices_.choose(kAccounts - 1)) % kAccounts);
  switch (choices_.choose(8)) {
    case 0:
    case 1:
      op.method = "send";
      break;
    case 2:
      op.method = "pay";
      break;
    case 3:
      op.method = "arm";
      break;
    case 4:
      if (!armed_.empty()) {
        const std::string& armed = armed_[choices_.choose(armed_.size())];
        op.method = "cancel";
        op.account = armed.substr(0, armed.find(' '));
        op.peer = armed.substr(armed.find(' ') + 1);
        break;
      }
      [[fallthrough]];
    default:
      break;
  }
  return op;
}

Task<void> Messages::client(int64_t number) {
  Caller caller{number};
  while (chaos_on_) {
    switch (choices_.choose(8)) {
      case 0:
        co_await chain(number);
        break;
      case 1:
        co_await burst(caller);
        break;
      case 2:
        co_await look_at(number);
        break;
      default:
        co_await begin(caller, draw(caller));
        break;
    }
    co_await sleep(choices_.between(Duration::millis(1), Duration::seconds(2)));
  }
  co_return kOk;
}

Task<void> Messages::begin(Caller& caller, AccountOp op) {
  // Deposits are numbered calls of one caller, everything else has a key of its own.
  std::optional<actor::Once> once = actor::Once{op.id};
  if (op.method == "deposit") {
    once = actor::Once{fmt::format("client-{}", caller.number), ++caller.deposits};
  }
  const auto delay = choices_.between(Duration::millis(1), kDelayMax);
  if (op.method == "arm") {
    armed_.push_back(op.account + " " + op.id);
  }
  ops_.push_back(std::move(op));
  co_return co_await perform(ops_.size() - 1, std::move(once), delay.nanos()).result();
}

// From the second one on the account knows their caller, and commits without a read.
Task<void> Messages::burst(Caller& caller) {
  const std::string account = account_name(choices_.choose(kAccounts));
  for (uint64_t left = 2 + choices_.choose(kBurstMax); left > 0 && chaos_on_; --left) {
    co_await begin(caller, draw_deposit(caller, account));
  }
  co_return kOk;
}

Task<void> Messages::perform(size_t op, std::optional<actor::Once> once, int64_t delay_ns) {
  const AccountOp asked = ops_[op];
  AccountRequest request{asked.id, asked.amount, delay_ns, {asked.peer}};
  // A node calls no other: a payment between actors of two nodes has to wait until one of them was
  // given away. Once the chaos is over payments go one by one, and leave them the time.
  std::optional<async::Semaphore::Permit> alone;
  for (;;) {
    if (asked.method == "pay" && !chaos_on_ && !alone) {
      alone = co_await paying_.acquire();
    }
    const auto answer =
        co_await ask(asked.id, {account_ref(asked.account),
                                {asked.method, request.encode()},
                                once,
                                choices_.between(Duration::millis(500), kPatienceMax)});
    if (answer && answer->ok()) {
      ops_[op].answered = true;
      co_return kOk;
    }
    co_await sleep(alone ? kUntilGivenAway
                         : choices_.between(Duration::millis(10), Duration::seconds(1)));
  }
}

Task<void> Messages::look_at(int64_t number) {
  const std::string account = account_name(choices_.choose(kAccounts));
  std::vector<AccountOp> answered;
  std::ranges::copy_if(ops_, std::back_inserter(answered), [&account](const AccountOp& op) {
    return op.answered && op.account == account;
  });
  const auto answer = co_await ask(fmt::format("look-{}", number),
                                   {account_ref(account), {"log", ""}, std::nullopt, kPatienceMax});
  if (answer && answer->ok()) {
    const auto failure = judge_look(co_await AccountLog::decode(**answer), answered);
    if (failure) {
      simulation_.fail(failure->oracle, failure->message);
    }
  }
  co_return kOk;
}

Task<void> Messages::chain(int64_t number) {
  AccountRequest request{fmt::format("chain-{}", number), 0, 0, {}};
  const std::string first = account_name(choices_.choose(kAccounts));
  for (uint64_t hops = 1 + choices_.choose(3); hops > 0; --hops) {
    request.peers.push_back(account_name(choices_.choose(kAccounts)));
  }
  static_cast<void>(co_await ask(
      request.id, {account_ref(first), {"chain", request.encode()}, std::nullopt, kPatienceMax}));
  co_return kOk;
}

Task<std::optional<Result<Bytes>>> Messages::ask(std::string who, MessageNode::Ask ask) {
  const std::string account = ask.to.id;
  MessageNode& node = pick_node(account);
  if (!node.up() || node.stopping()) {
    co_return std::optional<Result<Bytes>>();
  }
  ++calls_;
  simulation_.scheduler().note(
      who, "op", fmt::format("call {}.{} on {}", ask.to.id, ask.what.method, node.host().name()));
  auto slot = std::make_shared<Slot>(simulation_.loop());
  const Duration patience = ask.patience;
  node.call(std::move(ask), [slot](Result<Bytes> answer) {
    slot->answer = std::move(answer);
    slot->done.set();
  });
  static_cast<void>(co_await async::timeout(simulation_.loop(), patience, wait(slot)).result());
  std::string heard = "no answer";
  if (slot->answer) {
    heard = slot->answer->ok() ? "ok" : slot->answer->error().to_string();
    if (slot->answer->ok()) {
      answered_last_[account] = &node;
    }
    const bool broken =
        !slot->answer->ok() && (slot->answer->error().code == Code::kInternal ||
                                slot->answer->error().code == Code::kDataLoss ||
                                slot->answer->error().code == Code::kInvalidArgument);
    if (broken) {
      simulation_.fail("500", who + " " + heard);
    }
  }
  simulation_.scheduler().note(who, "op", "answer " + heard);
  co_return std::move(slot->answer);
}

MessageNode& Messages::pick_node(const std::string& account) {
  MessageNode* any = core_[choices_.choose(core_.size())];
  const auto last = answered_last_.find(account);
  const bool again = last != answered_last_.end() && choices_.choose(2) == 0 &&
                     std::ranges::find(core_, last->second) != core_.end();
  return again ? *last->second : *any;
}

Task<void> Messages::crashes() {
  const Duration mean = simulation_.swarm().crash_interval;
  for (;;) {
    co_await sleep(crashes_rng_.between(Duration::millis(1), mean * 2));
    MessageNode& node = *nodes_[crashes_rng_.choose(nodes_.size())];
    if (node.up()) {
      node.crash();
    } else {
      node.start();
    }
  }
}

Task<void> Messages::stops() {
  const Duration mean = simulation_.swarm().stop_interval;
  for (;;) {
    co_await sleep(crashes_rng_.between(Duration::millis(1), mean * 2));
    MessageNode& node = *nodes_[crashes_rng_.choose(nodes_.size())];
    const bool busy = node.busy();
    if (co_await node.stop() && busy) {
      simulation_.ledger().receive(Fault::kGracefulStop);
    }
    co_await sleep(crashes_rng_.between(Duration::millis(1), Duration::seconds(2)));
    if (!node.up()) {
      node.start();
    }
  }
}

void Messages::listen() {
  for (const auto& node : nodes_) {
    node->host().on_reached([this, name = node->host().name()](std::string_view site) {
      if (site != kBlindCommit || !aim_) {
        return;
      }
      simulation_.loop().post_from_thread([aim = std::exchange(aim_, nullptr), name] {
        aim->answer = Bytes(name);
        aim->done.set();
      });
    });
  }
}

Task<std::optional<std::string>> Messages::take_aim() {
  const auto aim = std::make_shared<Slot>(simulation_.loop());
  aim_ = aim;
  static_cast<void>(co_await async::timeout(simulation_.loop(), kAimMax, wait(aim)).result());
  aim_ = nullptr;
  co_return aim->answer ? std::optional<std::string>(aim->answer->value()) : std::nullopt;
}

// What a watcher does that is wrong: the node lives, and its epoch is replaced. Best in the middle
// of its commits, so that the change of the epoch shares a batch with one of them.
Task<void> Messages::declare_dead() {
  const Duration mean = simulation_.swarm().declare_dead_interval;
  for (;;) {
    co_await sleep(crashes_rng_.between(Duration::millis(1), mean * 2));
    std::optional<std::string> name;
    if (crashes_rng_.choose(2) == 0) {
      name = co_await take_aim();
    }
    if (!name) {
      name = nodes_[crashes_rng_.choose(nodes_.size())]->host().name();
    }
    co_await declare(std::move(*name));
  }
}

Task<void> Messages::declare(std::string node) {
  auto slot = std::make_shared<Slot>(simulation_.loop());
  World& world = operator_.world();
  async::Scope scope(world.loop, [](const Error&) {});
  scope.spawn(declare_dead_blindly(world, fdb_.connect(operator_), std::move(node),
                                   [slot, &home = simulation_.loop()](bool) {
                                     home.post_from_thread([slot] { slot->done.set(); });
                                   }));
  static_cast<void>(co_await async::timeout(simulation_.loop(), kPatienceMax, wait(slot)).result());
  co_return kOk;
}

Frozen Messages::freeze() {
  std::vector<std::string> names;
  for (const auto& node : nodes_) {
    names.push_back(node->host().name());
  }
  ChoiceStream& choices = simulation_.choices().stream("liveness");
  return Frozen::draw(
      choices, simulation_.swarm(),
      {.servers = all_but_one(choices, std::move(names)), .clients = {}, .cluster = true});
}

// Nodes find out by themselves which of the others are lost.
void Messages::heal(const Frozen& frozen) {
  chaos_->heal(frozen);
  simulation_.heal(frozen);
  fdb_.heal(frozen.fdb);
  core_.clear();
  for (const auto& node : nodes_) {
    const std::string& host = node->host().name();
    if (!frozen.has_lost(host)) {
      core_.push_back(node.get());
      // One that was on its way down when the chaos ended has nobody left to start it.
      if (node->stopping()) {
        node->crash();
      }
      if (!node->up()) {
        node->start();
      }
    } else if (node->up() && (frozen.is_dead(host) || node->stopping())) {
      node->crash();
    }
  }
}

// A reminder is due by the clock of the node that fires it, and clocks have been set meanwhile.
WallTime Messages::slowest_clock() const {
  WallTime slowest = nodes_.front()->host().clock().wall();
  for (const auto& node : nodes_) {
    slowest = std::min(slowest, node->host().clock().wall());
  }
  return slowest;
}

Task<std::optional<AtRest>> Messages::read_at_rest() {
  auto slot = std::make_shared<Slot>(simulation_.loop());
  auto seen = std::make_shared<std::optional<AtRest>>();
  World& world = auditor_.world();
  store::FdbDatabase database(world.loop, fdb_.connect(auditor_));
  async::Scope scope(world.loop, [](const Error&) {});
  struct Looking {
    static Task<void> run(store::Database& of, WallTime now,
                          std::shared_ptr<std::optional<AtRest>> into, std::shared_ptr<Slot> told,
                          Loop& home) {
      auto looked = co_await look_at_rest(of, now).result();
      if (looked.ok()) {
        *into = std::move(looked).value();
      }
      home.post_from_thread([told] { told->done.set(); });
      co_return kOk;
    }
  };
  scope.spawn(Looking::run(database, slowest_clock(), seen, slot, simulation_.loop()));
  static_cast<void>(co_await async::timeout(simulation_.loop(), kPatienceMax, wait(slot)).result());
  co_return std::move(*seen);
}

// Inboxes and the queue of what is due run empty (L6).
Task<void> Messages::come_to_rest(std::string_view after) {
  step(fmt::format("rest after {}", after));
  const int64_t deadline_ns = simulation_.now_ns() + kLivenessBound.nanos();
  for (;;) {
    at_rest_ = co_await read_at_rest();
    if (at_rest_ && at_rest_->marks == 0 && at_rest_->messages == 0) {
      co_return kOk;
    }
    if (simulation_.now_ns() > deadline_ns) {
      simulation_.fail("L6", at_rest_ ? fmt::format("after {} {} inboxes and {} shards of what is "
                                                    "due did not run empty",
                                                    after, at_rest_->messages, at_rest_->marks)
                                      : fmt::format("after {} the store cannot be read", after));
      co_return kOk;
    }
    co_await sleep(Duration::millis(500));
  }
}

Task<void> Messages::restart() {
  for (const auto& node : nodes_) {
    static_cast<void>(co_await node->stop());
    node->start();
  }
  co_return kOk;
}

void Messages::judge() {
  for (const auto* failure : {&commits_.failure(), &ownership_.failure(), &members_.failure(),
                              &transactions_.failure()}) {
    if (*failure) {
      simulation_.fail((*failure)->oracle, (*failure)->message);
    }
  }
  if (!at_rest_) {
    return;
  }
  AccountAudit audit{at_rest_->accounts, ops_, at_rest_->parked, at_rest_->pending};
  if (const auto failure = audit.judge()) {
    simulation_.fail(failure->oracle, failure->message);
  }
}

}  // namespace

std::unique_ptr<Scenario> make_messages(Simulation& simulation) {
  return std::make_unique<Messages>(simulation);
}

}  // namespace kelpie::sim
