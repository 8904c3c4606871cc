#include "sim/explore/shared_store.h"

#include <utility>

#include "async/sleep.h"
#include "base/check.h"
#include "store/testing/forwarding_transaction.h"

namespace kelpie::sim {

using store::Transaction;
using store::TransactionOptions;
using store::Version;

class SharedStore::Recorder final : public store::Backend {
 public:
  Recorder(store::MemoryBackend& inner, std::vector<store::CommitBatch>& batches)
      : inner_(inner), batches_(batches) {}
  [[nodiscard]] std::string_view name() const override { return "memory"; }
  [[nodiscard]] std::shared_ptr<const store::Snapshot> latest() const override {
    return inner_.latest();
  }
  Task<void> apply(store::CommitBatch batch) override {
    batches_.push_back(batch);
    return inner_.apply(std::move(batch));
  }

 private:
  store::MemoryBackend& inner_;
  std::vector<store::CommitBatch>& batches_;
};

class SharedStore::Stepped final : public store::testing::ForwardingTransaction {
 public:
  Stepped(SharedStore& store, SimLoop& here, TransactionOptions options)
      : ForwardingTransaction(store.database_->begin(options)), store_(store), here_(here) {}

  Task<Version> read_version() override {
    co_await begin_reading();
    co_return co_await inner_->read_version();
  }
  using Transaction::get;
  Task<std::optional<Bytes>> get(Bytes key, store::Isolation isolation) override {
    co_await begin_reading();
    co_return co_await inner_->get(std::move(key), isolation);
  }
  using Transaction::get_key;
  Task<Bytes> get_key(store::KeySelector selector, store::Isolation isolation) override {
    co_await begin_reading();
    co_return co_await inner_->get_key(std::move(selector), isolation);
  }
  using Transaction::get_range;
  Task<store::RangePage> get_range(store::RangeRead read) override {
    co_await begin_reading();
    co_return co_await inner_->get_range(std::move(read));
  }
  Task<Version> commit() override {
    co_await async::yield(store_.door_.loop());
    Result<Version> done = end();
    co_await async::yield(here_);
    co_return std::move(done);
  }
  Task<void> on_error(Error error) override {
    if (inner_ == nullptr) {
      CHECK(error.code == Code::kUnknown);
      co_return std::move(error);
    }
    reading_ = false;
    auto again = co_await inner_->on_error(std::move(error)).result();
    co_await async::yield(here_);
    co_return std::move(again);
  }

 private:
  Task<void> begin_reading() {
    if (!std::exchange(reading_, true)) {
      co_await async::yield(store_.door_.loop());
      auto version = co_await inner_->read_version().result();
      co_await async::yield(here_);
      co_await std::move(version);
    }
    co_return kOk;
  }

  Result<Version> end() {
    const Fate fate = store_.next_fate();
    if (fate == Fate::kClean) {
      return store_.commit_now(*inner_);
    }
    if (fate == Fate::kLanded) {
      Result<Version> done = store_.commit_now(*inner_);
      if (!done.ok() || *done == store::kNoVersion) {
        return done;
      }
    } else if (fate == Fate::kLandsLater) {
      store_.land_later(std::move(inner_));
    }
    return base::unknown("the client was not told what became of its commit");
  }

  SharedStore& store_;
  SimLoop& here_;
  bool reading_ = false;
};

class SharedStore::View final : public store::Database {
 public:
  View(SharedStore& store, SimLoop& here) : store_(store), here_(here) {}
  using Database::begin;
  [[nodiscard]] std::unique_ptr<Transaction> begin(TransactionOptions options) override {
    return std::make_unique<Stepped>(store_, here_, options);
  }
  [[nodiscard]] std::string_view engine_name() const override { return "memory"; }

 private:
  SharedStore& store_;
  SimLoop& here_;
};

SharedStore::SharedStore(SmallRun& run, SharedStoreOptions options)
    : run_(run),
      options_(options),
      host_(run.add_host("store")),
      door_(run.add_host("door")),
      backend_(std::make_unique<Recorder>(memory_, batches_)),
      database_(std::make_unique<store::LocalDatabase>(host_.world(), *backend_)) {}

SharedStore::~SharedStore() = default;

std::unique_ptr<store::Database> SharedStore::view(SimHost& host) {
  return std::make_unique<View>(*this, host.loop());
}

Result<Version> SharedStore::commit_now(Transaction& transaction) {
  Task<Version> commit = transaction.commit();
  bool done = false;
  done = commit.start([](void* flag) { *static_cast<bool*>(flag) = true; }, &done);
  if (!done) {
    host_.loop().run_pending();
  }
  CHECK(done);
  return commit.take();
}

Fate SharedStore::next_fate() {
  constexpr uint64_t kFates = 4;
  if (options_.undecided_max == 0) {
    return Fate::kClean;
  }
  const auto fate = static_cast<Fate>(run_.choose(kFateChoice, kFates));
  options_.undecided_max -= fate == Fate::kClean ? 0 : 1;
  return fate;
}

void SharedStore::land_later(std::shared_ptr<Transaction> transaction) {
  // Its reads are fixed now, whenever it lands; a memory engine's answer is there at once.
  Task<Version> version = transaction->read_version();
  CHECK(version.start([](void*) {}, nullptr));
  door_.loop().post_from_thread([this, transaction = std::move(transaction)] {
    // Refused, or not: nobody is told.
    static_cast<void>(commit_now(*transaction));
  });
}

}  // namespace kelpie::sim
