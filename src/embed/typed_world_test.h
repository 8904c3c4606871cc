// TypedWorld: a node over a store in memory, in virtual time. Test support.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "actor/runtime.h"
#include "async/select.h"
#include "kelpie/kelpie.h"
#include "net/testing/test_world.h"
#include "store/chunked.h"
#include "store/database.h"
#include "store/keys.h"
#include "store/local_database.h"
#include "store/memory/memory_backend.h"
#include "store/testing/forwarding_transaction.h"

namespace kelpie::embed {

// Counts commits, and lets some end in a conflict.
class CountingDatabase final : public store::Database {
 public:
  explicit CountingDatabase(store::Database& inner) : inner_(inner) {}
  using Database::begin;
  std::unique_ptr<store::Transaction> begin(store::TransactionOptions options) override {
    return std::make_unique<Counting>(inner_.begin(options), *this);
  }
  [[nodiscard]] std::string_view engine_name() const override { return "counting"; }
  int commits = 0;
  int conflicts = 0;  // still to come

 private:
  class Counting final : public store::testing::ForwardingTransaction {
   public:
    Counting(std::unique_ptr<Transaction> inner, CountingDatabase& of)
        : ForwardingTransaction(std::move(inner)), of_(of) {}
    Task<store::Version> commit() override {
      if (of_.conflicts > 0) {
        --of_.conflicts;
        co_return base::aborted("a planted conflict");
      }
      ++of_.commits;
      co_return co_await inner_->commit().result();
    }

   private:
    CountingDatabase& of_;
  };
  store::Database& inner_;
};

class TypedWorld : public ::testing::Test {
 protected:
  template <class T>
  Result<T> run(Task<T> task) {
    return machine_.loop.run(std::move(task));
  }
  // A node of its own for each program that a test tells of; the last one stops.
  template <class... Actors>
  Node& start() {
    node_.reset();
    node_ = std::make_unique<Node>(machine_.world, database_, NodeSettings{});
    (node_->add<Actors>(), ...);
    CHECK(run(node_->start()).ok());
    return *node_;
  }
  void put_state(const ActorRef& actor, std::string text) {
    auto transaction = memory_.begin();
    ASSERT_TRUE(run(store::set_chunked(*transaction, store::keys::actor_state(actor.name()),
                                       std::move(text)))
                    .ok());
    ASSERT_TRUE(run(transaction->commit()).ok());
  }
  std::optional<Bytes> stored_state(const ActorRef& actor) {
    auto transaction = memory_.begin();
    return run(store::get_chunked(*transaction, store::keys::actor_state(actor.name()))).value();
  }
  // Lets so much time pass.
  void pass(Duration length) { ASSERT_TRUE(run(async::sleep_task(machine_.loop, length)).ok()); }

  net::testing::TestWorld machine_;
  store::MemoryBackend backend_;
  store::LocalDatabase memory_{machine_.world, backend_};
  CountingDatabase database_{memory_};
  std::unique_ptr<Node> node_;
};

}  // namespace kelpie::embed
