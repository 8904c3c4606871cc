#include "agent/upgrades.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "agent/agent_store.h"
#include "async/manual_loop.h"
#include "store/keys.h"
#include "store/local_database.h"
#include "store/memory/memory_backend.h"
#include "store/schema.h"
#include "store/testing/test_world.h"

namespace kelpie::agent {
namespace {

constexpr int kAgents = 3;
constexpr int kMessages = 120;

const std::array kSteps = {store::UpgradeStep{
    .from = 1, .to = 2, .name = "messages by time", .batch = index_messages_by_time}};

class UpgradesTest : public ::testing::Test {
 protected:
  template <class T>
  T run(Task<T> task) {
    auto result = loop_.run(std::move(task));
    CHECK(result.ok());
    if constexpr (!std::is_void_v<T>) {
      return std::move(result).value();
    }
  }
  static std::string agent_id(int agent) { return "agent-" + std::to_string(agent); }
  // As an older binary left it: without the index, and without a schema.
  void write_old_store() {
    for (int agent = 0; agent < kAgents; ++agent) {
      const auto transaction = database_.begin();
      AgentStore store(*transaction);
      Config config;
      config.id = agent_id(agent);
      config.created_micros = 1'000 + agent;
      run(store.insert_agent(config));
      // The last agent has no messages.
      for (int i = 0; i < kMessages && agent + 1 < kAgents; ++i) {
        Message message;
        message.id = config.id + "/" + std::to_string(i);
        message.place = {1 + i, 0};
        message.created_micros = 5'000 + i;
        run(store.put_message(config.id, message));
      }
      transaction->clear_range(store::keys::agent_message_times(config.id));
      run(transaction->commit());
    }
  }
  size_t found_by_time(int agent) {
    const auto transaction = database_.begin();
    AgentStore store(*transaction);
    return run(store.messages_since(agent_id(agent), WallTime::from_seconds(0), {.limit = 1'000}))
        .size();
  }

  async::ManualLoop loop_;
  store::testing::TestWorld test_{loop_};
  store::MemoryBackend backend_;
  store::LocalDatabase database_{test_.world, backend_};
};

TEST_F(UpgradesTest, FindsEveryMessageOfAnOlderStoreByTimeAfterwards) {
  write_old_store();
  ASSERT_EQ(found_by_time(0), 0U);
  const store::SchemaInfo info = run(store::open_schema(database_, test_.world, kSteps));
  EXPECT_EQ(info.upgraded_from, 1);
  EXPECT_EQ(info.version.schema, 2);
  EXPECT_EQ(found_by_time(0), size_t{kMessages});
  EXPECT_EQ(found_by_time(1), size_t{kMessages});
  EXPECT_EQ(found_by_time(2), 0U);
}

TEST_F(UpgradesTest, AnEmptyStoreNeedsNoBatch) {
  EXPECT_EQ(run(store::open_schema(database_, test_.world, kSteps)).version.schema, 2);
}

TEST_F(UpgradesTest, RefusesACursorThatIsNotItsOwn) {
  const auto transaction = database_.begin();
  const auto done = loop_.run(index_messages_by_time(*transaction, "\x01"));
  EXPECT_FALSE(done.ok());
}

}  // namespace
}  // namespace kelpie::agent
