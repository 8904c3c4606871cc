#include "agent/agent_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "async/scope.h"
#include "net/testing/test_world.h"
#include "store/keys.h"
#include "store/local_database.h"
#include "store/memory/memory_backend.h"
#include "store/testing/forwarding_transaction.h"

namespace kelpie::agent {
namespace {

using store::Order;
using Ids = std::vector<std::string>;

// Passes on to another transaction what the store asks, and counts the reads.
class CountingTransaction final : public store::testing::ForwardingTransaction {
 public:
  explicit CountingTransaction(store::Database& database)
      : ForwardingTransaction(database.begin()) {}
  Task<std::optional<Bytes>> get(Bytes key, store::Isolation isolation) override {
    note(isolation);
    return inner_->get(std::move(key), isolation);
  }
  using ForwardingTransaction::get_range;
  Task<store::RangePage> get_range(store::RangeRead read) override {
    note(read.isolation);
    return inner_->get_range(std::move(read));
  }

  int reads = 0;
  int snapshot_reads = 0;

 private:
  void note(store::Isolation isolation) {
    ++reads;
    snapshot_reads += isolation == store::Isolation::kSnapshot ? 1 : 0;
  }
};

class AgentStoreTest : public ::testing::Test {
 protected:
  struct Open {
    explicit Open(store::Database& database) : transaction(database.begin()), store(*transaction) {}
    std::unique_ptr<store::Transaction> transaction;
    AgentStore store;
  };
  template <class T>
  T run(Task<T> task) {
    auto result = machine_.loop.run(std::move(task));
    CHECK(result.ok());
    if constexpr (!std::is_void_v<T>) {
      return std::move(*result);
    }
  }
  void commit(Open& open) { run(open.transaction->commit()); }
  std::vector<store::KeyValue> rows() {
    auto transaction = database_.begin();
    store::RangeRead read;
    read.range = store::KeyRange{"", "\xff"};
    return run(transaction->get_range(std::move(read))).rows;
  }
  void put_messages(const std::string& agent, int count) {
    Open open(database_);
    for (int i = 0; i < count; ++i) {
      Message message;
      message.id = "m" + std::to_string(i);
      message.text = "text " + std::to_string(i);
      // Two to a turn, and turns of more than one digit, so that order is by number.
      message.place = Place{8 + i / 2, i % 2};
      run(open.store.put_message(agent, message));
    }
    commit(open);
  }
  Ids page(const std::string& agent, PageRequest request) {
    Open open(database_);
    Ids ids;
    for (const Message& message : run(open.store.messages(agent, std::move(request)))) {
      ids.push_back(message.id);
    }
    return ids;
  }
  static Task<void> read_history(AgentStore& store, std::string agent, bool& finished) {
    auto history = co_await store.history(std::move(agent));
    EXPECT_EQ(history.size(), 2'500U);
    finished = true;
    co_return kOk;
  }
  Block block_of(std::string label, std::string value, int64_t position) {
    Block block;
    block.label = std::move(label);
    block.value = std::move(value);
    block.position = position;
    return block;
  }

  net::testing::TestWorld machine_;
  store::MemoryBackend backend_;
  store::LocalDatabase database_{machine_.world, backend_};
};

TEST_F(AgentStoreTest, PagesOfMessagesAreCutByBothCursorsInBothOrders) {
  put_messages("a", 6);
  struct Row {
    Order order;
    const char* after;
    const char* before;
    size_t limit;
    Ids expected;
  };
  const std::vector<Row> rows = {
      {Order::kForward, nullptr, nullptr, 100, {"m0", "m1", "m2", "m3", "m4", "m5"}},
      {Order::kReverse, nullptr, nullptr, 100, {"m5", "m4", "m3", "m2", "m1", "m0"}},
      {Order::kForward, nullptr, nullptr, 2, {"m0", "m1"}},
      {Order::kReverse, nullptr, nullptr, 2, {"m5", "m4"}},
      {Order::kForward, "m1", nullptr, 2, {"m2", "m3"}},
      {Order::kReverse, "m4", nullptr, 2, {"m3", "m2"}},
      {Order::kForward, nullptr, "m2", 100, {"m0", "m1"}},
      {Order::kReverse, nullptr, "m3", 100, {"m5", "m4"}},
      // With `before` alone, the page is what stands nearest before the cursor.
      {Order::kForward, nullptr, "m4", 2, {"m2", "m3"}},
      {Order::kReverse, nullptr, "m1", 2, {"m3", "m2"}},
      {Order::kForward, "m0", "m4", 2, {"m1", "m2"}},
      {Order::kForward, "m1", "m4", 100, {"m2", "m3"}},
      {Order::kReverse, "m4", "m1", 100, {"m3", "m2"}},
      {Order::kForward, "m4", "m1", 100, {}},
      {Order::kReverse, "m1", "m4", 100, {}},
      {Order::kForward, "m2", "m2", 100, {}},
      {Order::kForward, "m5", nullptr, 100, {}},
      {Order::kReverse, "m0", nullptr, 100, {}},
      {Order::kForward, "unknown", nullptr, 100, {}},
      {Order::kReverse, nullptr, "unknown", 100, {}},
  };
  for (size_t i = 0; i < rows.size(); ++i) {
    PageRequest request;
    request.order = rows[i].order;
    request.limit = rows[i].limit;
    if (rows[i].after != nullptr) {
      request.after = rows[i].after;
    }
    if (rows[i].before != nullptr) {
      request.before = rows[i].before;
    }
    EXPECT_EQ(page("a", request), rows[i].expected) << "row " << i;
  }
}

TEST_F(AgentStoreTest, ACursorOfAnotherAgentIsUnknown) {
  put_messages("a", 2);
  PageRequest request;
  request.after = "m0";
  EXPECT_EQ(page("b", request), Ids());
}

TEST_F(AgentStoreTest, AHistoryIsReadWholeOldestFirstAndFromAnyPlace) {
  put_messages("a", 5);
  Open open(database_);
  const auto history = run(open.store.history("a"));
  ASSERT_EQ(history.size(), 5U);
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(history[i].id, "m" + std::to_string(i));
    EXPECT_EQ(history[i].text, "text " + std::to_string(i));
    EXPECT_EQ(history[i].place,
              (Place{static_cast<int64_t>(8 + i / 2), static_cast<int64_t>(i % 2)}));
  }
  EXPECT_EQ(run(open.store.message_ids("a")), (Ids{"m0", "m1", "m2", "m3", "m4"}));
  const auto later = run(open.store.messages_from("a", Place{9, 1}));
  ASSERT_EQ(later.size(), 2U);
  EXPECT_EQ(later[0].id, "m3");
}

TEST_F(AgentStoreTest, ALongHistoryIsReadPastOnePageOfTheStore) {
  put_messages("a", 2'100);
  Open open(database_);
  EXPECT_EQ(run(open.store.message_ids("a")).size(), 2'100U);
}

TEST_F(AgentStoreTest, AMessageWrittenAgainStaysInItsPlace) {
  put_messages("a", 3);
  Open open(database_);
  Message message;
  message.id = "m1";
  message.text = "new";
  message.place = Place{8, 1};
  run(open.store.put_message("a", message));
  commit(open);
  Open again(database_);
  const auto history = run(again.store.history("a"));
  ASSERT_EQ(history.size(), 3U);
  EXPECT_EQ(history[1].text, "new");
}

TEST_F(AgentStoreTest, BlocksAreListedByPositionAndNotByLabel) {
  Open open(database_);
  run(open.store.put_block("a", block_of("zebra", "1", 0)));
  run(open.store.put_block("a", block_of("ant", "2", 1)));
  run(open.store.put_block("a", block_of("mole", "3", 2)));
  commit(open);
  Open again(database_);
  Ids labels;
  for (const Block& block : run(again.store.blocks("a"))) {
    labels.push_back(block.label);
  }
  EXPECT_EQ(labels, (Ids{"zebra", "ant", "mole"}));
}

// Chunks lie under their block's key: they must not be taken for blocks, nor a block for a chunk.
TEST_F(AgentStoreTest, LabelsThatArePrefixesOfOneAnotherKeepTheirOwnValues) {
  const Ids labels = {"h", "hu", "human", "human 2", std::string("hu\0man", 6), "hum\xc3\xa9"};
  for (size_t size : {size_t{3}, size_t{250'000}}) {
    Open open(database_);
    for (size_t i = 0; i < labels.size(); ++i) {
      run(open.store.put_block("a",
                               block_of(labels[i], std::string(size, static_cast<char>('a' + i)),
                                        static_cast<int64_t>(i))));
    }
    commit(open);
    Open again(database_);
    const auto blocks = run(again.store.blocks("a"));
    ASSERT_EQ(blocks.size(), labels.size());
    for (size_t i = 0; i < labels.size(); ++i) {
      EXPECT_EQ(blocks[i].label, labels[i]);
      EXPECT_TRUE(blocks[i].value == std::string(size, static_cast<char>('a' + i))) << labels[i];
      EXPECT_TRUE(run(again.store.block("a", labels[i]))->value == blocks[i].value);
    }
    EXPECT_FALSE(run(again.store.block("a", "huma")).has_value());
  }
  Open open(database_);
  run(open.store.erase_block("a", "hu"));
  commit(open);
  Open again(database_);
  EXPECT_EQ(run(again.store.blocks("a")).size(), labels.size() - 1);
  EXPECT_TRUE(run(again.store.block("a", "human")).has_value());
}

TEST_F(AgentStoreTest, AMegabyteOfTextIsReadBackWholeAndReplacedBySmallText) {
  const std::string big(1'000'000, 'y');
  {
    Open open(database_);
    Message message;
    message.id = "m";
    message.text = big;
    message.place = Place{1, 0};
    run(open.store.put_message("a", message));
    run(open.store.put_block("a", block_of("b", big, 0)));
    commit(open);
  }
  {
    Open open(database_);
    EXPECT_TRUE(run(open.store.history("a")).at(0).text == big);
    EXPECT_TRUE(run(open.store.block("a", "b"))->value == big);
    run(open.store.put_block("a", block_of("b", "small", 0)));
    commit(open);
  }
  Open open(database_);
  EXPECT_EQ(run(open.store.block("a", "b"))->value, "small");
}

TEST_F(AgentStoreTest, AQueueIsOldestFirstAndListsItsAgentUntilTheLastIsOut) {
  {
    Open open(database_);
    open.store.enqueue("a", {11, "run-2"});
    open.store.enqueue("a", {9, "run-1"});
    open.store.enqueue("b", {1, "run-3"});
    commit(open);
  }
  {
    Open open(database_);
    const auto queue = run(open.store.queue("a"));
    ASSERT_EQ(queue.size(), 2U);
    EXPECT_EQ(queue[0].run_id, "run-1");
    EXPECT_EQ(queue[0].turn, 9);
    EXPECT_EQ(queue[1].run_id, "run-2");
    EXPECT_EQ(run(open.store.working_agents()), (Ids{"a", "b"}));
    run(open.store.dequeue("a", 9));
    commit(open);
  }
  {
    Open open(database_);
    EXPECT_EQ(run(open.store.queue("a")).size(), 1U);
    EXPECT_EQ(run(open.store.working_agents()), (Ids{"a", "b"}));
    run(open.store.dequeue("a", 11));
    commit(open);
  }
  Open open(database_);
  EXPECT_TRUE(run(open.store.queue("a")).empty());
  EXPECT_EQ(run(open.store.working_agents()), (Ids{"b"}));
}

TEST_F(AgentStoreTest, AgentsAreListedByTimeOfCreationWithBothCursors) {
  Open open(database_);
  // Two of the same moment; ids in another order than times.
  const std::vector<std::pair<std::string, int64_t>> agents = {
      {"agent-d", 10}, {"agent-a", 200}, {"agent-b", 200}, {"agent-c", 3'000}};
  for (const auto& [id, created] : agents) {
    Config config;
    config.id = id;
    config.created_micros = created;
    run(open.store.insert_agent(config));
  }
  commit(open);
  const auto list = [&](Order order, std::optional<std::string> after,
                        std::optional<std::string> before, size_t limit) {
    Open again(database_);
    return run(again.store.agent_ids(PageRequest{after, before, limit, order}));
  };
  EXPECT_EQ(list(Order::kForward, {}, {}, 9), (Ids{"agent-d", "agent-a", "agent-b", "agent-c"}));
  EXPECT_EQ(list(Order::kReverse, {}, {}, 9), (Ids{"agent-c", "agent-b", "agent-a", "agent-d"}));
  EXPECT_EQ(list(Order::kForward, "agent-a", {}, 1), (Ids{"agent-b"}));
  EXPECT_EQ(list(Order::kReverse, "agent-b", {}, 9), (Ids{"agent-a", "agent-d"}));
  EXPECT_EQ(list(Order::kForward, "agent-d", "agent-c", 9), (Ids{"agent-a", "agent-b"}));
  EXPECT_EQ(list(Order::kReverse, "agent-c", "agent-d", 9), (Ids{"agent-b", "agent-a"}));
  EXPECT_EQ(list(Order::kForward, "agent-x", {}, 9), Ids());
}

TEST_F(AgentStoreTest, ErasingAnAgentLeavesNothingOfItAndAllOfItsNeighbours) {
  // Ids that are prefixes of one another share the beginning of their keys.
  const auto fill = [&](const std::string& id) {
    Open open(database_);
    Config config;
    config.id = id;
    config.created_micros = 7;
    config.system = std::string(200'000, 's');
    run(open.store.insert_agent(config));
    run(open.store.put_block(id, block_of("b", std::string(200'000, 'x'), 0)));
    Message message;
    message.id = "m";
    message.text = std::string(200'000, 'x');
    message.place = Place{1, 0};
    run(open.store.put_message(id, message));
    agent::Run queued;
    queued.id = "run-1";
    run(open.store.put_run(id, queued));
    open.store.enqueue(id, {1, "run-1"});
    commit(open);
  };
  fill("agent-1");
  fill("agent-12");
  const auto before = rows();
  fill("agent-");
  EXPECT_GT(rows().size(), before.size());
  Open open(database_);
  Config config = run(open.store.config("agent-")).value();
  run(open.store.erase_agent(config, machine_.faults));
  commit(open);
  EXPECT_EQ(rows(), before);
  Open again(database_);
  EXPECT_FALSE(run(again.store.config("agent-")).has_value());
  EXPECT_TRUE(run(again.store.config("agent-1")).has_value());
}

TEST_F(AgentStoreTest, AMessageThatIsListedButNotStoredIsDataLoss) {
  put_messages("a", 2);
  Open open(database_);
  open.transaction->clear(store::keys::agent_message("a", 8, 1));
  commit(open);
  Open again(database_);
  EXPECT_EQ(machine_.loop.run(again.store.history("a")).error().code, Code::kDataLoss);
}

TEST_F(AgentStoreTest, AMessageThatIsStoredButNotListedBetweenOthersIsDataLoss) {
  put_messages("a", 3);
  Open open(database_);
  open.transaction->clear(store::keys::agent_message_order("a", 8, 1));
  commit(open);
  Open again(database_);
  EXPECT_EQ(machine_.loop.run(again.store.history("a")).error().code, Code::kDataLoss);
}

TEST_F(AgentStoreTest, ALongHistoryCostsReadsByThePageAndNotByTheMessage) {
  constexpr int kMessages = 3'000;
  constexpr int kPages = 3;  // of a thousand rows, which are less than a page's bytes
  put_messages("a", kMessages);
  const auto count = [&](auto ask) {
    CountingTransaction counting(database_);
    AgentStore store = AgentStore::for_view(counting, machine_.loop);
    ask(store);
    EXPECT_EQ(counting.snapshot_reads, counting.reads);
    return counting.reads;
  };
  EXPECT_LE(count([&](AgentStore& store) {
              EXPECT_EQ(run(store.history("a")).size(), static_cast<size_t>(kMessages));
            }),
            2 * kPages + 2);
  EXPECT_LE(count([&](AgentStore& store) {
              EXPECT_EQ(run(store.message_ids("a")).size(), static_cast<size_t>(kMessages));
            }),
            kPages + 1);
  // A page in the middle: the cursor's place, which messages, their bodies.
  for (Order order : {Order::kForward, Order::kReverse}) {
    EXPECT_LE(count([&](AgentStore& store) {
                PageRequest page;
                page.after = "m1500";
                page.limit = 50;
                page.order = order;
                const auto found = run(store.messages("a", page));
                ASSERT_EQ(found.size(), 50U);
                EXPECT_EQ(found.front().id, order == Order::kForward ? "m1501" : "m1499");
                EXPECT_EQ(found.back().id, order == Order::kForward ? "m1550" : "m1450");
              }),
              3);
  }
}

TEST_F(AgentStoreTest, ATurnsReadsAreSerializableAndBlocksCostOneRead) {
  {
    Open open(database_);
    for (int i = 0; i < 20; ++i) {
      run(open.store.put_block("a", block_of("b" + std::to_string(i), "v", i)));
    }
    commit(open);
  }
  put_messages("a", 5);
  CountingTransaction counting(database_);
  AgentStore store(counting);
  EXPECT_EQ(run(store.blocks("a")).size(), 20U);
  EXPECT_EQ(counting.reads, 1);
  EXPECT_EQ(run(store.history("a")).size(), 5U);
  EXPECT_FALSE(run(store.config("a")).has_value());
  EXPECT_EQ(counting.snapshot_reads, 0);
}

TEST_F(AgentStoreTest, AViewsLongReadLetsTheLoopRunBetweenPages) {
  put_messages("a", 2'500);
  auto transaction = database_.begin();
  AgentStore store = AgentStore::for_view(*transaction, machine_.loop);
  bool finished = false;
  bool ran_before_the_end = false;
  // Posted behind the start of the read, so a read in one go would be over before it.
  async::Scope scope(machine_.loop, [](const Error& error) { ADD_FAILURE() << error.to_string(); });
  scope.spawn(read_history(store, "a", finished));
  machine_.loop.post([&] { ran_before_the_end = !finished; });
  machine_.loop.run_ready();
  EXPECT_TRUE(finished);
  EXPECT_TRUE(ran_before_the_end);
}

// Messages of several chunks among small ones, so that pages begin and end beside chunks, and a
// page of the store ends inside a message.
TEST_F(AgentStoreTest, PagesHoldMessagesOfManyChunksWholeInBothOrders) {
  constexpr int kMessages = 12;
  const auto text = [](int i) {
    return std::string(i % 3 == 1 ? 700'000 : 10, static_cast<char>('a' + i));
  };
  for (int i = 0; i < kMessages; ++i) {
    Open open(database_);
    Message message;
    message.id = "m" + std::to_string(i);
    message.text = text(i);
    message.place = Place{8 + i / 2, i % 2};
    run(open.store.put_message("a", message));
    commit(open);
  }
  for (Order order : {Order::kForward, Order::kReverse}) {
    for (size_t limit = 1; limit <= kMessages; ++limit) {
      for (int cursor = 0; cursor < kMessages; ++cursor) {
        Open open(database_);
        PageRequest page;
        page.after = "m" + std::to_string(cursor);
        page.limit = limit;
        page.order = order;
        const auto found = run(open.store.messages("a", page));
        const int step = order == Order::kForward ? 1 : -1;
        const int left = order == Order::kForward ? kMessages - 1 - cursor : cursor;
        ASSERT_EQ(found.size(), std::min(limit, static_cast<size_t>(left)));
        for (size_t i = 0; i < found.size(); ++i) {
          const int expected = cursor + step * (static_cast<int>(i) + 1);
          EXPECT_EQ(found[i].id, "m" + std::to_string(expected));
          EXPECT_TRUE(found[i].text == text(expected)) << expected;
        }
      }
    }
  }
  Open open(database_);
  const auto history = run(open.store.history("a"));
  ASSERT_EQ(history.size(), static_cast<size_t>(kMessages));
  for (int i = 0; i < kMessages; ++i) {
    EXPECT_TRUE(history[static_cast<size_t>(i)].text == text(i)) << i;
  }
}

TEST_F(AgentStoreTest, AMissingChunkInTheMiddleOfAPageIsDataLoss) {
  Open open(database_);
  for (int i = 0; i < 3; ++i) {
    Message message;
    message.id = "m" + std::to_string(i);
    message.text = std::string(i == 1 ? 200'000 : 5, 'x');
    message.place = Place{1, i};
    run(open.store.put_message("a", message));
  }
  commit(open);
  const auto all = rows();
  const Bytes key = store::keys::agent_message("a", 1, 1);
  int chunks = 0;
  for (const auto& row : all) {
    if (!row.key.starts_with(key) || row.key == key) {
      continue;
    }
    ++chunks;
    Open damage(database_);
    damage.transaction->clear(row.key);
    for (Order order : {Order::kForward, Order::kReverse}) {
      PageRequest page;
      page.order = order;
      EXPECT_EQ(machine_.loop.run(damage.store.messages("a", page)).error().code, Code::kDataLoss);
    }
  }
  EXPECT_EQ(chunks, 3);
}

TEST_F(AgentStoreTest, AbsentRecordsAreAbsentAndNotErrors) {
  Open open(database_);
  EXPECT_FALSE(run(open.store.config("a")).has_value());
  EXPECT_FALSE(run(open.store.block("a", "b")).has_value());
  EXPECT_FALSE(run(open.store.run("a", "r")).has_value());
  EXPECT_TRUE(run(open.store.history("a")).empty());
  EXPECT_TRUE(run(open.store.queue("a")).empty());
  EXPECT_TRUE(run(open.store.working_agents()).empty());
}

}  // namespace
}  // namespace kelpie::agent
