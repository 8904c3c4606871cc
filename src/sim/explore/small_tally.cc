#include "sim/explore/small_tally.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "actor/inbox.h"
#include "actor/reminder.h"
#include "async/sleep.h"
#include "store/keys.h"

namespace kelpie::sim {
namespace {

// Passes when nothing else can happen but what has been put off for long.
constexpr Duration kAfterAll = Duration::millis(50);
constexpr std::string_view kReminder = "reminder";

class Tally final : public actor::MethodActor {
 public:
  explicit Tally(const actor::ActorRef& self) : key_(store::keys::actor_state(self.name())) {}

  Task<void> activate(store::Transaction& transaction) override {
    log_ = (co_await transaction.get(key_)).value_or("");
    co_return kOk;
  }
  Task<Bytes> invoke(actor::Turn& turn, std::shared_ptr<const actor::Invocation> what) override {
    if (what->method == "send") {
      co_await actor::send(turn, kTally, {"enter", "came"});
    } else if (what->method == "arm") {
      co_await actor::set_reminder(turn, {.name = std::string(kReminder),
                                          .due = turn.now() + Duration::millis(-1),
                                          .what = {"enter", "fired"}});
    } else if (what->method == "cancel") {
      co_await actor::cancel_reminder(turn, std::string(kReminder));
    }
    std::string log = log_ + (log_.empty() ? "" : " ") + what->arguments;
    const auto words = std::ranges::count(log, ' ') + 1;
    turn.transaction().set(key_, log);
    turn.after_commit([this, log = std::move(log)]() mutable { log_ = std::move(log); });
    co_return std::to_string(words);
  }
  [[nodiscard]] Result<Bytes> read(const actor::Invocation& what) const override {
    return base::not_found("a tally has no method " + what.method + " to read by");
  }

 private:
  Bytes key_;
  std::string log_;  // as committed
};

}  // namespace

TallyNode::TallyNode(SmallRun& run, SharedStore& store, std::string machine, std::string name,
                     actor::RuntimeOptions options)
    : node(run, store, std::move(machine), std::move(name), cluster::OwnerRecords::kPerActor),
      runtime(node.world, *node.database, node.ownership, options),
      due(node.world, runtime, {}) {
  runtime.register_type(
      kTally.type,
      [](const actor::ActorServices& services) { return std::make_unique<Tally>(services.self); },
      {.methods = [](std::string_view) { return actor::MethodKind::kTurn; }});
}

Task<void> TallyNode::serve() {
  due.start();
  co_await async::sleep_for(node.world.loop, kAfterAll);
  co_return co_await due.stop().result();
}

Task<std::string> read_tally(store::Database& database, actor::ActorRef actor) {
  const std::unique_ptr<store::Transaction> transaction = database.begin();
  co_return (co_await transaction->get(store::keys::actor_state(actor.name()))).value_or("");
}

}  // namespace kelpie::sim
