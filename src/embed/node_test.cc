// Nodes that share a store: who owns an actor, and what becomes of it when its node ends.
#include "embed/typed_world_test.h"

namespace kelpie::embed {
namespace {

struct SumState {
  int64_t value = 0;
};
KELPIE_FIELDS(SumState, value)

class Sum : public Actor<SumState> {
 public:
  static constexpr std::string_view kType = "sum";
  Task<int64_t> add(Context& ctx, int64_t amount) {
    state(ctx).value += amount;
    co_return peek(ctx).value;
  }
  Task<void> send(Context& ctx, std::string to, int64_t amount) {
    co_return ctx.actor<Sum>(std::move(to)).send<&Sum::add>(amount);
  }
  Result<int64_t> get(const SumState& state) const { return state.value; }
  static void methods(Methods<Sum>& m) {
    m.turn<&Sum::add>("add");
    m.turn<&Sum::send>("send");
    m.read_only<&Sum::get>("get");
  }
};

class SharedNodes : public TypedWorld {
 protected:
  // A process: its own name, and randomness of its own.
  struct Process {
    Process(net::testing::TestWorld& machine, store::Database& database, std::string name)
        : rng(machine.world.rng.next()),
          world{machine.loop,
                machine.clock,
                rng,
                machine.net,
                machine.log,
                machine.faults,
                world::NodeName(std::move(name))},
          node(world, database, {.store = NodeSettings::Store::kShared}) {
      node.add<Sum>();
      CHECK(machine.loop.run(node.start()).ok());
    }
    world::Rng rng;
    World world;
    Node node;
  };
  static Task<int64_t> add(Process& process, std::string id) {
    return process.node.actor<Sum>(std::move(id)).call<&Sum::add>(1);
  }
  static Task<int64_t> get(Process& process, std::string id) {
    return process.node.actor<Sum>(std::move(id)).call<&Sum::get>();
  }
};

TEST_F(SharedNodes, AnActorIsActiveOnOneNodeAndTheOtherNamesIt) {
  Process one(machine_, memory_, "one");
  Process two(machine_, memory_, "two");
  EXPECT_EQ(run(add(one, "a")).value(), 1);
  const Result<int64_t> refused = run(add(two, "a"));
  EXPECT_EQ(refused.error().code, Code::kUnavailable);
  EXPECT_NE(refused.error().message.find("one"), std::string::npos) << refused.error().message;
  EXPECT_EQ(run(add(two, "b")).value(), 1);
}

TEST_F(SharedNodes, ANodeThatStopsGivesItsActorsAway) {
  Process one(machine_, memory_, "one");
  Process two(machine_, memory_, "two");
  ASSERT_TRUE(run(add(one, "a")).ok());
  ASSERT_TRUE(run(one.node.stop()).ok());
  EXPECT_EQ(run(add(two, "a")).value(), 2);
  EXPECT_EQ(run(add(one, "a")).error().code, Code::kUnavailable);
}

TEST_F(SharedNodes, ANodeThatIsGoneLosesItsActorsOnceTheOtherHasMissedIt) {
  std::optional<Process> one;
  one.emplace(machine_, memory_, "one");
  Process two(machine_, memory_, "two");
  ASSERT_TRUE(run(add(*one, "a")).ok());
  one.reset();
  EXPECT_EQ(run(add(two, "a")).error().code, Code::kUnavailable);
  pass(base::kHeartbeatPeriod * (base::kFailAfterMissedBeats + 5));
  EXPECT_EQ(run(add(two, "a")).value(), 2);
}

TEST_F(SharedNodes, AMessageFindsTheNodeThatOwnsItsRecipient) {
  Process one(machine_, memory_, "one");
  Process two(machine_, memory_, "two");
  ASSERT_TRUE(run(add(two, "b")).ok());
  ASSERT_TRUE(run(one.node.actor<Sum>("a").call<&Sum::send>("b", 5)).ok());
  machine_.clock.now = machine_.clock.now + Duration::seconds(5);
  pass(Duration::seconds(5));
  EXPECT_EQ(run(get(two, "b")).value(), 6);
}

Task<void> note_later(Node& node, std::vector<int>& notes) {
  notes.push_back(1);
  co_await node.sleep(Duration::hours(1));
  notes.push_back(2);
  co_return kOk;
}

TEST_F(TypedWorld, SpawnedWorkRunsBesideAndIsDroppedWhenTheNodeStops) {
  Node& node = start<Sum>();
  std::vector<int> notes;
  node.spawn(note_later(node, notes));
  EXPECT_EQ(notes, std::vector<int>{1});
  ASSERT_TRUE(run(node.stop()).ok());
  pass(Duration::hours(2));
  EXPECT_EQ(notes, std::vector<int>{1});
}

TEST_F(TypedWorld, AMessageThatANodeLeftBehindIsTakenByTheNext) {
  Node& first = start<Sum>();
  ASSERT_TRUE(run(first.actor<Sum>("a").call<&Sum::send>("b", 5)).ok());
  Node& next = start<Sum>();
  pass(Duration::seconds(1));
  EXPECT_EQ(run(next.actor<Sum>("b").call<&Sum::get>()).value(), 5);
}

}  // namespace
}  // namespace kelpie::embed
