#include "store/remote_database.h"

#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace kelpie::store {
namespace {

using Write = std::move_only_function<void(Transaction&)>;
using Writes = std::vector<Write>;

// The transaction itself, which only its home loop touches.
struct Remote {
  Remote(Database& home_database, TransactionOptions transaction_options)
      : database(home_database), options(transaction_options) {}
  Transaction& ready(Writes writes) {
    if (transaction == nullptr) {
      transaction = database.begin(options);
    }
    for (Write& write : writes) {
      write(*transaction);
    }
    return *transaction;
  }
  Database& database;
  TransactionOptions options;
  std::unique_ptr<Transaction> transaction;
};
using RemotePtr = std::shared_ptr<Remote>;

struct CommitOutcome {
  Version version;
  Versionstamp stamp;
};

Task<CommitOutcome> commit_at_home(RemotePtr remote) {
  CommitOutcome outcome;
  outcome.version = co_await remote->transaction->commit();
  if (outcome.version != kNoVersion) {
    outcome.stamp = remote->transaction->versionstamp();
  }
  co_return std::move(outcome);
}

// Keeps the transaction alive for as long as the read runs.
Task<std::optional<Bytes>> get_at_home(RemotePtr remote, Bytes key, Isolation isolation) {
  co_return co_await remote->transaction->get(std::move(key), isolation);
}
Task<RangePage> get_range_at_home(RemotePtr remote, RangeRead read) {
  co_return co_await remote->transaction->get_range(std::move(read));
}
Task<Version> read_version_at_home(RemotePtr remote) {
  co_return co_await remote->transaction->read_version();
}

Task<Bytes> get_key_at_home(RemotePtr remote, KeySelector selector, Isolation isolation) {
  co_return co_await remote->transaction->get_key(std::move(selector), isolation);
}
Task<void> on_error_at_home(RemotePtr remote, Error error) {
  co_return co_await remote->transaction->on_error(std::move(error)).result();
}

// The watch itself, made and dropped at home.
struct WatchAtHome {
  std::unique_ptr<Watch> watch;
};
using WatchPtr = std::shared_ptr<WatchAtHome>;

// Sent after the writes that make the watch, so it is there, or never will be.
Task<void> changed_at_home(WatchPtr at_home) {
  if (at_home->watch == nullptr) {
    co_return base::cancelled("the watch's transaction did not commit");
  }
  co_return co_await at_home->watch->changed().result();
}

class RemoteWatch final : public Watch {
 public:
  RemoteWatch(Loop& here, async::LoopHandle home, WatchPtr at_home)
      : here_(here), home_(home), at_home_(std::move(at_home)) {}
  ~RemoteWatch() override {
    // Who still waits there is told, by the end of the watch itself.
    home_.loop.post_from_thread([at_home = std::move(at_home_)] { at_home->watch.reset(); });
  }
  Task<void> changed() override {
    return async::run_on<void>(here_, home_, [at_home = at_home_]() mutable {
      return changed_at_home(std::move(at_home));
    });
  }

 private:
  Loop& here_;
  async::LoopHandle home_;
  WatchPtr at_home_;
};

class RemoteTransaction final : public Transaction {
 public:
  RemoteTransaction(Loop& here, async::LoopHandle home, Database& database,
                    TransactionOptions options)
      : here_(here), home_(home), remote_(std::make_shared<Remote>(database, options)) {}
  ~RemoteTransaction() override {
    // The last reference goes at home, after what was sent before it.
    home_.loop.post_from_thread([remote = std::move(remote_)]() mutable { remote.reset(); });
  }

  Task<Version> read_version() override {
    return async::run_on<Version>(here_, home_,
                                  [remote = remote_, writes = take_writes()]() mutable {
                                    remote->ready(std::move(writes));
                                    return read_version_at_home(std::move(remote));
                                  });
  }
  void set_read_version(Version version) override {
    write(0, [version](Transaction& t) { t.set_read_version(version); });
  }
  Task<std::optional<Bytes>> get(Bytes key, Isolation isolation) override {
    return async::run_on<std::optional<Bytes>>(
        here_, home_,
        [remote = remote_, writes = take_writes(), key = std::move(key), isolation]() mutable {
          remote->ready(std::move(writes));
          return get_at_home(std::move(remote), std::move(key), isolation);
        });
  }
  Task<Bytes> get_key(KeySelector selector, Isolation isolation) override {
    return async::run_on<Bytes>(here_, home_,
                                [remote = remote_, writes = take_writes(),
                                 selector = std::move(selector), isolation]() mutable {
                                  remote->ready(std::move(writes));
                                  return get_key_at_home(std::move(remote), std::move(selector),
                                                         isolation);
                                });
  }
  using Transaction::get;
  using Transaction::get_key;
  using Transaction::get_range;
  Task<RangePage> get_range(RangeRead read) override {
    return async::run_on<RangePage>(
        here_, home_, [remote = remote_, writes = take_writes(), read = std::move(read)]() mutable {
          remote->ready(std::move(writes));
          return get_range_at_home(std::move(remote), std::move(read));
        });
  }

  void set(Bytes key, Bytes value) override {
    const size_t bytes = key.size() + value.size();
    write(bytes, [key = std::move(key), value = std::move(value)](Transaction& t) mutable {
      t.set(std::move(key), std::move(value));
    });
  }
  void clear(Bytes key) override {
    const size_t bytes = key.size();
    write(bytes, [key = std::move(key)](Transaction& t) mutable { t.clear(std::move(key)); });
  }
  void clear_range(KeyRange range) override {
    const size_t bytes = range.begin.size() + range.end.size();
    write(bytes,
          [range = std::move(range)](Transaction& t) mutable { t.clear_range(std::move(range)); });
  }
  void atomic(AtomicOp op, Bytes key, Bytes operand) override {
    const size_t bytes = key.size() + operand.size();
    write(bytes, [op, key = std::move(key), operand = std::move(operand)](Transaction& t) mutable {
      t.atomic(op, std::move(key), std::move(operand));
    });
  }
  void set_versionstamped_key(Bytes key, size_t offset, Bytes value) override {
    const size_t bytes = key.size() + value.size();
    write(bytes, [key = std::move(key), offset, value = std::move(value)](Transaction& t) mutable {
      t.set_versionstamped_key(std::move(key), offset, std::move(value));
    });
  }
  void set_versionstamped_value(Bytes key, Bytes value, size_t offset) override {
    const size_t bytes = key.size() + value.size();
    write(bytes, [key = std::move(key), value = std::move(value), offset](Transaction& t) mutable {
      t.set_versionstamped_value(std::move(key), std::move(value), offset);
    });
  }
  void add_read_conflict(KeyRange range) override {
    const size_t bytes = range.begin.size() + range.end.size();
    write(bytes, [range = std::move(range)](Transaction& t) mutable {
      t.add_read_conflict(std::move(range));
    });
  }
  void add_write_conflict(KeyRange range) override {
    const size_t bytes = range.begin.size() + range.end.size();
    write(bytes, [range = std::move(range)](Transaction& t) mutable {
      t.add_write_conflict(std::move(range));
    });
  }

  std::unique_ptr<Watch> watch(Bytes key) override {
    auto at_home = std::make_shared<WatchAtHome>();
    write(0, [at_home, key = std::move(key)](Transaction& t) mutable {
      at_home->watch = t.watch(std::move(key));
    });
    return std::make_unique<RemoteWatch>(here_, home_, std::move(at_home));
  }

  Task<void> on_error(Error error) override {
    writes_.clear();
    bytes_ = 0;
    outcome_.reset();
    return async::run_on<void>(here_, home_,
                               [remote = remote_, error = std::move(error)]() mutable {
                                 remote->ready({});
                                 return on_error_at_home(std::move(remote), std::move(error));
                               });
  }

  Task<Version> commit() override {
    outcome_ = co_await async::run_on<CommitOutcome>(
        here_, home_, [remote = remote_, writes = take_writes()]() mutable {
          remote->ready(std::move(writes));
          return commit_at_home(std::move(remote));
        });
    co_return outcome_->version;
  }
  [[nodiscard]] Versionstamp versionstamp() const override {
    CHECK(outcome_.has_value() && outcome_->version != kNoVersion);
    return outcome_->stamp;
  }
  [[nodiscard]] size_t approximate_bytes() const override { return bytes_; }

 private:
  void write(size_t bytes, Write write) {
    bytes_ += bytes;
    writes_.push_back(std::move(write));
  }
  Writes take_writes() { return std::exchange(writes_, {}); }

  Loop& here_;
  async::LoopHandle home_;
  RemotePtr remote_;
  Writes writes_;
  size_t bytes_ = 0;
  std::optional<CommitOutcome> outcome_;
};

}  // namespace

std::unique_ptr<Transaction> RemoteDatabase::begin(TransactionOptions options) {
  return std::make_unique<RemoteTransaction>(here_, home_, database_, options);
}

}  // namespace kelpie::store
