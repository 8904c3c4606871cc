// TestNode: a node of a cluster on one loop, and the store that the nodes share. Test support.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "async/select.h"
#include "cluster/membership.h"
#include "cluster/ownership.h"
#include "net/testing/test_world.h"
#include "store/local_database.h"
#include "store/memory/memory_backend.h"

namespace kelpie::cluster::testing {

struct TestNode {
  TestNode(net::testing::TestWorld& machine, store::Database& database, std::string name,
           OwnerRecords records = OwnerRecords::kPerActor, std::string address = {})
      : world{machine.loop,
              machine.clock,
              machine.rng,
              machine.net,
              machine.log,
              machine.faults,
              world::NodeName(std::move(name))},
        ownership(world, database, records, std::move(address)) {}
  World world;
  Ownership ownership;
};

class ClusterTest : public ::testing::Test {
 protected:
  template <class T>
  Result<T> run(Task<T> task) {
    return machine_.loop.run(std::move(task));
  }
  Result<void> guarded(const Fence& fence) {
    auto transaction = database_.begin();
    return run(fence.guard(*transaction));
  }
  NodeState state(std::string name) {
    auto transaction = database_.begin();
    return run(read_node_record(*transaction, std::move(name), store::Isolation::kSnapshot))
        .value()
        .value()
        .state;
  }
  bool has(Bytes key) {
    auto transaction = database_.begin();
    return run(transaction->get(std::move(key))).value().has_value();
  }
  void pass(Duration length) { run(async::sleep_task(machine_.loop, length)).value(); }

  net::testing::TestWorld machine_;
  store::MemoryBackend backend_;
  store::LocalDatabase database_{machine_.world, backend_};
  const store::keys::ActorName actor_{"agent", "default", "a"};
};

}  // namespace kelpie::cluster::testing
