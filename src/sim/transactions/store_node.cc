#include "sim/transactions/store_node.h"

#include <utility>

#include "async/scope.h"
#include "async/sleep.h"
#include "base/check.h"
#include "store/fdb/fdb_database.h"
#include "store/local_database.h"

namespace kelpie::sim {
namespace {

constexpr Duration kRestartDelay = Duration::millis(200);

}  // namespace

struct StoreNode::Parts {
  Parts(StoreNode& node, World& in_world)
      : world(in_world), scope(world.loop, nullptr), work(world.loop, [&node](const Error& error) {
          node.simulation_.fail("scenario", "work on the store ended badly: " + error.to_string());
        }) {
    if (node.disk_ != nullptr) {
      backend = node.disk_->open(node.host_.loop());
      auto local = std::make_unique<store::LocalDatabase>(world, *backend);
      embedded = local.get();
      database = std::move(local);
    } else {
      database = std::make_unique<store::FdbDatabase>(world.loop, node.fdb_->connect(node.host_));
    }
    recording =
        std::make_unique<RecordingDatabase>(*database, node.host_.loop().label(), node.told_);
  }

  World& world;
  std::unique_ptr<store::Backend> backend;
  std::unique_ptr<store::Database> database;
  store::LocalDatabase* embedded = nullptr;
  std::unique_ptr<RecordingDatabase> recording;
  async::Scope scope;
  async::Scope work;  // last, with scope: their tasks use everything above
};

StoreNode::StoreNode(Simulation& simulation, SimHost& host, DurableDisk* disk, SimFdb* fdb,
                     RecordingDatabase::Told told)
    : simulation_(simulation), host_(host), disk_(disk), fdb_(fdb), told_(std::move(told)) {
  CHECK((disk == nullptr) != (fdb == nullptr));
}

StoreNode::~StoreNode() = default;

void StoreNode::start() {
  CHECK(!up());
  ++starts_;
  undecided_writes_before_ = simulation_.ledger().undecided_writes();
  World& world = host_.boot();
  parts_ = std::make_unique<Parts>(*this, world);
  if (parts_->embedded != nullptr) {
    parts_->scope.spawn(end_with_store(*this, *parts_));
  }
}

void StoreNode::crash() {
  CHECK(up());
  host_.crash();
  if (disk_ != nullptr) {
    disk_->crash();
  }
  simulation_.destroy_crashed(host_, [this] { parts_.reset(); });
}

void StoreNode::kill() {
  CHECK(up());
  simulation_.ledger().receive(Fault::kOutOfMemory);
  host_.crash();
  if (disk_ != nullptr) {
    disk_->killed();
  }
  simulation_.destroy_crashed(host_, [this] { parts_.reset(); });
}

bool StoreNode::busy() const { return up() && parts_->work.size() > 0; }

Task<bool> StoreNode::stop() {
  CHECK(up());
  const uint64_t start = starts_;
  co_await async::yield(simulation_.loop());
  if (!up() || starts_ != start) {
    co_return false;
  }
  parts_.reset();
  host_.loop().run_pending();
  host_.stop();
  if (disk_ != nullptr) {
    disk_->crash();
  }
  co_return true;
}

Task<void> StoreNode::end_with_store(StoreNode& node, Parts& parts) {
  static_cast<void>(co_await parts.embedded->failed().result());
  node.simulation_.loop().post_from_thread([&node, start = node.starts_] { node.died(start); });
  co_return kOk;
}

void StoreNode::died(uint64_t start) {
  if (!up() || starts_ != start) {
    return;
  }
  if (!simulation_.undecided_write_since(undecided_writes_before_)) {
    simulation_.fail("start",
                     "the store of " + host_.name() + " stopped, and no fault explains it");
  }
  crash();
  Loop& home = simulation_.loop();
  home.start_timer(home.now() + kRestartDelay, [this, start] {
    if (!up() && starts_ == start) {
      this->start();
    }
  });
}

void StoreNode::run(Work work) {
  CHECK(up());
  // The gate of an incarnation that is gone drops this.
  host_.loop().post_from_thread([this, work = std::move(work)] {
    parts_->work.spawn(work(StoreAccess{parts_->world, *parts_->recording}));
  });
}

}  // namespace kelpie::sim
