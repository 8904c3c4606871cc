#include "sim/server_node.h"

#include <gtest/gtest.h>

#include <optional>

namespace kelpie::sim {
namespace {

Task<void> stop_and_tell(ServerNode& node, std::optional<bool>& in_order, bool& done) {
  in_order = co_await node.stop();
  done = true;
  co_return kOk;
}

class ServerNodeTest : public testing::Test {
 protected:
  ~ServerNodeTest() override {
    scope_.cancel();
    if (node_.up()) {
      node_.crash();
    }
    EXPECT_FALSE(simulation_.failure()) << simulation_.failure()->message;
  }
  void run_for(Duration length) {
    bool over = false;
    simulation_.loop().start_timer(simulation_.loop().now() + length, [&] { over = true; });
    simulation_.run_until(over);
  }
  void stop() { scope_.spawn(stop_and_tell(node_, in_order_, done_)); }

  Simulation simulation_{SimulationOptions{}, Swarm{}};
  SimHost& host_ = simulation_.add_host("node");
  ServerNode node_{simulation_, host_, world::Address{"node", 8283}};
  std::optional<bool> in_order_;
  bool done_ = false;
  async::Scope scope_{simulation_.loop(), nullptr};
};

TEST_F(ServerNodeTest, AStopEndsInOrderAndTheServerCanBeStartedAgain) {
  node_.start();
  run_for(Duration::seconds(1));
  stop();
  EXPECT_TRUE(node_.stopping());
  simulation_.run_until(done_);
  EXPECT_EQ(in_order_, true);
  EXPECT_FALSE(node_.up());
  node_.start();
  EXPECT_FALSE(node_.stopping());
  run_for(Duration::seconds(1));
  EXPECT_TRUE(node_.up());
}

TEST_F(ServerNodeTest, ACrashInTheMiddleOfAStopEndsIt) {
  node_.start();
  run_for(Duration::seconds(1));
  stop();
  node_.crash();
  node_.start();
  simulation_.run_until(done_);
  EXPECT_EQ(in_order_, false);
  EXPECT_TRUE(node_.up());
  EXPECT_FALSE(node_.stopping());
}

TEST_F(ServerNodeTest, AStopThatIsDroppedLeavesAServerThatDrains) {
  node_.start();
  run_for(Duration::seconds(1));
  stop();
  scope_.cancel();
  run_for(Duration::seconds(1));
  EXPECT_FALSE(in_order_.has_value());
  EXPECT_TRUE(node_.stopping());
  node_.crash();
  node_.start();
  EXPECT_FALSE(node_.stopping());
}

}  // namespace
}  // namespace kelpie::sim
