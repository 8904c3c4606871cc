// Commit and acknowledgement against a crash: two clients commit through the production pipeline on
// a disk that may lose what was not synced, and the host crashes at any moment.
#include <array>
#include <memory>
#include <string>

#include "sim/durable_disk.h"
#include "sim/explore/small_scenarios.h"
#include "store/local_database.h"

namespace kelpie::sim {
namespace {

class CommitAgainstCrash final : public SmallScenario {
 public:
  explicit CommitAgainstCrash(SmallRun& run) : run_(run) {}

  Task<void> set_up() override {
    open();
    co_return kOk;
  }
  void start() override {
    for (size_t i = 0; i < kClients; ++i) {
      run_.spawn(server_, "client " + std::to_string(i), commit(i));
    }
    run_.simulation().loop().post([this] { crash(); });
  }
  Task<void> judge() override {
    server_.boot();
    open();
    std::string end;
    for (size_t i = 0; i < kClients; ++i) {
      const std::unique_ptr<store::Transaction> transaction = database_->begin();
      const bool left = (co_await transaction->get(key(i, "left"))).has_value();
      const bool right = (co_await transaction->get(key(i, "right"))).has_value();
      if (left != right) {
        run_.fail("S7", "half of the transaction of client " + std::to_string(i) + " is there");
      }
      if (acknowledged_.at(i) && !left) {
        run_.fail("S3", "what client " + std::to_string(i) + " was told is committed is missing");
      }
      end += acknowledged_.at(i) ? "told " : left ? "kept " : "lost ";
    }
    run_.end_in(end);
    database_.reset();
    backend_.reset();
    co_return kOk;
  }

 private:
  static constexpr size_t kClients = 2;

  static Bytes key(size_t client, std::string_view half) {
    return Bytes(half) + "/" + std::to_string(client);
  }
  void open() {
    backend_ = disk_.open(server_.loop());
    database_ = std::make_unique<store::LocalDatabase>(server_.world(), *backend_);
  }
  Task<void> commit(size_t client) {
    const std::unique_ptr<store::Transaction> transaction = database_->begin();
    transaction->set(key(client, "left"), "x");
    transaction->set(key(client, "right"), "x");
    const auto done = co_await transaction->commit().result();
    acknowledged_.at(client) = done.ok();
    co_return kOk;
  }
  void crash() {
    run_.crash(server_);
    database_.reset();
    backend_.reset();
    disk_.crash();
  }

  SmallRun& run_;
  SimHost& server_{run_.add_host("server")};
  DurableDisk disk_{run_.simulation().scheduler(), run_.simulation().choices(),
                    run_.simulation().ledger(), run_.simulation().swarm().disk};
  std::unique_ptr<store::Backend> backend_;
  std::unique_ptr<store::LocalDatabase> database_;
  std::array<bool, kClients> acknowledged_{};
};

}  // namespace

std::unique_ptr<SmallScenario> make_commit_against_crash(SmallRun& run) {
  return std::make_unique<CommitAgainstCrash>(run);
}

}  // namespace kelpie::sim
