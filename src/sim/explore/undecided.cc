// Commits that end undecided: a blind effect and its settlement against the commit that lands
// later; two creates that share an idempotency key.
#include <memory>
#include <string>

#include "sim/explore/shared_store.h"
#include "sim/explore/small_scenarios.h"
#include "store/exactly_once.h"

namespace kelpie::sim {
namespace {

constexpr std::string_view kSum = "sum";
constexpr std::string_view kRecord = "record";

Task<void> add_one(store::Transaction& transaction) {
  // Blind: it has no conflict with anything that it could meet twice.
  transaction.atomic(store::AtomicOp::kAdd, Bytes(kSum), Bytes("\1\0\0\0", 4));
  co_return kOk;
}

Task<int> read_sum(store::Database& database) {
  const std::unique_ptr<store::Transaction> transaction = database.begin();
  const std::optional<Bytes> sum = co_await transaction->get(Bytes(kSum));
  co_return sum ? static_cast<unsigned char>((*sum)[0]) : 0;
}

class SettleAgainstLateCommit final : public SmallScenario {
 public:
  explicit SettleAgainstLateCommit(SmallRun& run) : run_(run) {}

  Task<void> set_up() override { co_return kOk; }
  void start() override { run_.spawn(client_, "the client", add()); }
  Task<void> judge() override {
    const int sum = co_await read_sum(store_.database());
    if (sum != 1) {
      run_.fail("S6", "one addition was acknowledged, and the sum is " + std::to_string(sum));
    }
    run_.end_in(std::to_string(store_.batches().size()));
    co_return kOk;
  }

 private:
  Task<void> add() {
    return store::run_exactly_once(client_.world(), *database_, client_.world().rng, "head",
                                   add_one);
  }

  static constexpr uint64_t kUndecidedMax = 4;
  SmallRun& run_;
  SharedStore store_{run_, {.undecided_max = kUndecidedMax}};
  SimHost& client_{run_.add_host("client")};
  std::unique_ptr<store::Database> database_{store_.view(client_)};
};

class TwoCreates final : public SmallScenario {
 public:
  explicit TwoCreates(SmallRun& run) : run_(run) {}

  Task<void> set_up() override { co_return kOk; }
  void start() override {
    for (Client* each : {&one_, &two_}) {
      run_.spawn(each->host, each->name, create(*each));
    }
  }
  Task<void> judge() override {
    const int sum = co_await read_sum(store_.database());
    if (sum != 1 || one_.reply != two_.reply) {
      run_.fail("S6", "two creates with one key were told " + one_.reply + " and " + two_.reply +
                          ", and happened " + std::to_string(sum) + " times");
    }
    run_.end_in(one_.reply);
    co_return kOk;
  }

 private:
  struct Client {
    Client(SmallRun& run, SharedStore& store, std::string client)
        : name(std::move(client)), host(run.add_host(name)), database(store.view(host)) {}
    std::string name;
    SimHost& host;
    std::unique_ptr<store::Database> database;
    std::string reply;
  };

  Task<void> create(Client& client) {
    client.reply = co_await store::run_exactly_once(client.host.world(), *client.database,
                                                    client.host.world().rng, "head/" + client.name,
                                                    [&client](store::Transaction& transaction) {
                                                      return create_once(transaction, client.name);
                                                    });
    co_return kOk;
  }
  // The reply is whose create it was.
  static Task<std::string> create_once(store::Transaction& transaction, std::string by) {
    std::optional<Bytes> record = co_await transaction.get(Bytes(kRecord));
    if (record) {
      co_return std::move(*record);
    }
    transaction.set(Bytes(kRecord), by);
    co_await add_one(transaction);
    co_return std::move(by);
  }

  static constexpr uint64_t kUndecidedMax = 1;
  SmallRun& run_;
  SharedStore store_{run_, {.undecided_max = kUndecidedMax}};
  Client one_{run_, store_, "one"};
  Client two_{run_, store_, "two"};
};

}  // namespace

std::unique_ptr<SmallScenario> make_settle_against_late_commit(SmallRun& run) {
  return std::make_unique<SettleAgainstLateCommit>(run);
}
std::unique_ptr<SmallScenario> make_two_creates(SmallRun& run) {
  return std::make_unique<TwoCreates>(run);
}

}  // namespace kelpie::sim
