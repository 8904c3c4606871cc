#include "api/actor_facts.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "codec/tuple.h"
#include "net/testing/test_world.h"
#include "store/keys.h"
#include "store/local_database.h"
#include "store/memory/memory_backend.h"

namespace kelpie::api {
namespace {

const actor::ActorRef kActor{"counter", "default", "a"};

class ActorFacts : public ::testing::Test {
 protected:
  void put(const store::KeyRange& range, int rows) {
    auto transaction = database_.begin();
    for (int i = 0; i < rows; ++i) {
      transaction->set(range.begin + std::to_string(1'000'000 + i), "x");
    }
    ASSERT_TRUE(machine_.loop.run(transaction->commit()).ok());
  }
  Counted count(const store::KeyRange& range) {
    auto transaction = database_.begin();
    return machine_.loop.run(count_keys(*transaction, range)).value();
  }
  OwnerFacts owner(cluster::Ownership& ownership) {
    return machine_.loop.run(read_owner_facts(database_, ownership, kActor)).value();
  }

  net::testing::TestWorld machine_;
  store::MemoryBackend backend_;
  store::LocalDatabase database_{machine_.world, backend_};
};

TEST_F(ActorFacts, CountsKeysUpToABound) {
  int range = 0;
  for (const int rows : {0, 1, 2, 3, 7, 500, 999, 1'000, 1'001, 2'500}) {
    const store::KeyRange here = store::KeyRange::prefix("r" + std::to_string(range++) + "/");
    put(here, rows);
    const bool more = rows > 1'000;
    EXPECT_EQ(count(here), (Counted{more ? 1'000 : static_cast<size_t>(rows), more})) << rows;
  }
}

TEST_F(ActorFacts, KnowsNothingOfAnActorThatStoredNothing) {
  EXPECT_FALSE(machine_.loop.run(read_stored_facts(database_, kActor)).value().has_value());
}

TEST_F(ActorFacts, TellsAnInboxWithoutAHead) {
  put(store::keys::actor_inbox(kActor.name()), 2);
  const auto facts = machine_.loop.run(read_stored_facts(database_, kActor)).value();
  ASSERT_TRUE(facts.has_value());
  EXPECT_FALSE(facts->head.has_value());
  EXPECT_FALSE(facts->state_bytes.has_value());
  EXPECT_EQ(facts->inbox, (Counted{2, false}));
  EXPECT_EQ(facts->parked, Counted());
}

TEST_F(ActorFacts, ADamagedHeadIsSaidAndNotLeftOut) {
  auto transaction = database_.begin();
  transaction->set(store::keys::actor_head(kActor.name()),
                   std::move(codec::TuplePacker().integer(99)).take());
  ASSERT_TRUE(machine_.loop.run(transaction->commit()).ok());
  const auto facts = machine_.loop.run(read_stored_facts(database_, kActor));
  ASSERT_FALSE(facts.ok());
  EXPECT_EQ(facts.error().code, Code::kDataLoss);
}

TEST_F(ActorFacts, WithoutRecordsTheEpochIsWhy) {
  cluster::Ownership ownership(machine_.world, database_, cluster::OwnerRecords::kNone);
  ASSERT_TRUE(machine_.loop.run(ownership.join()).ok());
  OwnerFacts facts = owner(ownership);
  ASSERT_TRUE(facts.placement.has_value());
  EXPECT_EQ(facts.placement->owner.node, "test");
  EXPECT_EQ(facts.placement->owner.epoch, ownership.fence().epoch());
  EXPECT_EQ(facts.placement->state, cluster::NodeState::kActive);
  EXPECT_EQ(facts.node_joined, machine_.clock.now);
  EXPECT_NE(explain_owner(facts).find("by its epoch"), std::string::npos);
  EXPECT_NE(explain_owner(facts).find("next call to it activates it"), std::string::npos);
  facts.active = true;
  facts.head.emplace();
  facts.head->paused = true;
  EXPECT_NE(explain_owner(facts).find("in memory there"), std::string::npos);
  EXPECT_NE(explain_owner(facts).find("paused"), std::string::npos);
}

TEST_F(ActorFacts, WithRecordsTheClaimIsWhy) {
  cluster::Ownership ownership(machine_.world, database_, cluster::OwnerRecords::kPerActor);
  ASSERT_TRUE(machine_.loop.run(ownership.join()).ok());
  EXPECT_FALSE(owner(ownership).placement.has_value());
  EXPECT_NE(explain_owner(owner(ownership)).find("Nobody owns it"), std::string::npos);
  const auto generation = machine_.loop.run(ownership.acquire(kActor.name()));
  ASSERT_TRUE(generation.ok());
  OwnerFacts facts = owner(ownership);
  ASSERT_TRUE(facts.placement.has_value());
  EXPECT_EQ(facts.placement->owner.generation, *generation);
  EXPECT_NE(explain_owner(facts).find("The node test has claimed it"), std::string::npos);
  // Another node says no more than it knows.
  facts.here = "other";
  EXPECT_EQ(explain_owner(facts).find("memory"), std::string::npos);
}

}  // namespace
}  // namespace kelpie::api
