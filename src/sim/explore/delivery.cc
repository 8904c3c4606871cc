// What happens exactly once, on a store of several hosts: two duplicates of one call, a message
// whose sender or recipient crashes, a reminder that is cancelled while it is due.
#include <array>
#include <memory>
#include <optional>
#include <string>

#include "actor/inbox.h"
#include "async/sleep.h"
#include "sim/explore/small_scenarios.h"
#include "sim/explore/small_tally.h"

namespace kelpie::sim {
namespace {

class TwoDuplicates final : public SmallScenario {
 public:
  explicit TwoDuplicates(SmallRun& run) : run_(run) {}

  Task<void> set_up() override {
    co_await at_.node.ownership.join();
    store_.set_undecided_max(1);
    co_return kOk;
  }
  void start() override {
    for (size_t i = 0; i < clients_.size(); ++i) {
      run_.spawn(*clients_.at(i), "client " + std::to_string(i), call(i));
    }
  }
  Task<void> judge() override {
    const std::string log = co_await read_tally(store_.database(), kTally);
    const std::string told = answers_.at(0) + " and " + answers_.at(1);
    if (log != kEnter.arguments || told != "1 and 1") {
      run_.fail("S6", "two calls with one key were told " + told + ", and left: " + log);
    }
    run_.end_in(std::to_string(at_.runtime.counters().repetitions) +
                " repetitions, commits: " + std::to_string(store_.batches().size()));
    co_return kOk;
  }

 private:
  Task<void> call(size_t client) {
    co_await async::yield(at_.node.world.loop);
    const auto answer =
        co_await at_.runtime.invoke(kTally, kEnter, {.once = actor::Once{"key"}}).result();
    answers_.at(client) = answer.ok() ? *answer : answer.error().to_string();
    co_return kOk;
  }

  SmallRun& run_;
  SharedStore store_{run_, {}};
  // Given away when idle, so that a repetition may meet another activation.
  TallyNode at_{run_, store_, "node", "node", {.idle_timeout = Duration()}};
  std::array<SimHost*, 2> clients_{&run_.add_host("one"), &run_.add_host("two")};
  std::array<std::string, 2> answers_;
};

class MessageAgainstCrash final : public SmallScenario {
 public:
  explicit MessageAgainstCrash(SmallRun& run) : run_(run) {}

  Task<void> set_up() override { co_return co_await first_->node.ownership.join().result(); }
  void start() override {
    run_.spawn(first_->node.host, "the sender", send());
    run_.simulation().loop().post([this] { crash(); });
  }
  // The node's next incarnation serves what is left.
  Task<void> judge() override {
    co_await async::yield(next_.node.world.loop);
    const std::string before = co_await read_tally(store_.database(), kTally);
    co_await next_.node.ownership.join();
    co_await next_.serve();
    const std::string sent = co_await read_tally(store_.database(), kTallySender);
    const std::string came = co_await read_tally(store_.database(), kTally);
    const std::unique_ptr<store::Transaction> transaction = store_.database().begin();
    if (!(co_await actor::list_inbox(*transaction, kTally, 1)).empty()) {
      run_.fail("L6", "a message is still in its inbox");
    }
    if (came != (sent.empty() ? "" : "came")) {
      run_.fail("S15", "the sender has: " + sent + ", and the recipient: " + came);
    }
    run_.end_in(sent.empty() ? "not sent" : before.empty() ? "under way" : "taken");
    co_return kOk;
  }

 private:
  Task<void> send() {
    co_await first_->runtime.invoke(kTallySender, kSendOne);
    co_return co_await first_->serve().result();
  }
  void crash() {
    run_.crash(first_->node.host);
    run_.simulation().destroy_crashed(first_->node.host, [this] { first_.reset(); });
  }

  SmallRun& run_;
  SharedStore store_{run_, {}};
  std::unique_ptr<TallyNode> first_{
      std::make_unique<TallyNode>(run_, store_, "machine", "node", actor::RuntimeOptions())};
  TallyNode next_{run_, store_, "machine again", "node", {}};
};

class ReminderAgainstCancel final : public SmallScenario {
 public:
  explicit ReminderAgainstCancel(SmallRun& run) : run_(run) {}

  Task<void> set_up() override {
    co_await at_.node.ownership.join();
    co_await at_.runtime.invoke(kTally, kArm);
    co_return kOk;
  }
  void start() override {
    run_.spawn(at_.node.host, "the queue", at_.serve());
    run_.spawn(client_, "the client", cancel());
  }
  Task<void> judge() override {
    const std::string log = co_await read_tally(store_.database(), kTally);
    if (log != "armed cancelled" && log != "armed fired cancelled") {
      run_.fail("S14", "a reminder was cancelled, and its actor has: " + log);
    }
    run_.end_in(log);
    co_return kOk;
  }

 private:
  Task<void> cancel() {
    co_await async::yield(at_.node.world.loop);
    co_await at_.runtime.invoke(kTally, kCancel);
    co_return kOk;
  }

  SmallRun& run_;
  SharedStore store_{run_, {}};
  TallyNode at_{run_, store_, "node", "node", {}};
  SimHost& client_{run_.add_host("client")};
};

}  // namespace

std::unique_ptr<SmallScenario> make_two_duplicates(SmallRun& run) {
  return std::make_unique<TwoDuplicates>(run);
}
std::unique_ptr<SmallScenario> make_message_against_crash(SmallRun& run) {
  return std::make_unique<MessageAgainstCrash>(run);
}
std::unique_ptr<SmallScenario> make_reminder_against_cancel(SmallRun& run) {
  return std::make_unique<ReminderAgainstCancel>(run);
}

}  // namespace kelpie::sim
