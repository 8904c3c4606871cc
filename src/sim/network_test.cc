#include "sim/network.h"

#include <gtest/gtest.h>

#include "async/scope.h"
#include "async/select.h"
#include "sim/simulation.h"

namespace kelpie::sim {
namespace {

struct Rig {
  explicit Rig(NetworkOptions options = {}, uint64_t seed = 1)
      : simulation(SimulationOptions{.seed = seed}, swarm(options)),
        server(simulation.add_host("server")),
        client(simulation.add_host("client")) {
    server.boot();
    client.boot();
  }
  static Swarm swarm(NetworkOptions options) {
    Swarm swarm;
    swarm.scheduler.policy = Policy::kUniform;
    swarm.network = options;
    return swarm;
  }
  // Runs the task on nobody's loop to its end.
  template <class T>
  Result<T> run(Task<T> task) {
    bool done = task.start([](void* flag) { *static_cast<bool*>(flag) = true; }, &done_);
    done_ = done;
    simulation.run_until(done_);
    CHECK(done_);
    return task.take();
  }
  uint64_t received(Fault fault) { return simulation.ledger().received(fault); }

  Simulation simulation;
  SimHost& server;
  SimHost& client;
  bool done_ = false;
};

const world::Address kAddress{"server", 80};

Task<std::string> read_to_end(world::ByteStream& stream) {
  std::string all;
  char buffer[100];
  for (;;) {
    const size_t count = co_await stream.read(buffer);
    if (count == 0) {
      co_return std::move(all);
    }
    all.append(buffer, count);
  }
}

// Sends back everything until the end of the stream, then ends its own direction.
Task<void> echo(world::Listener& listener) {
  std::unique_ptr<world::ByteStream> stream = co_await listener.accept();
  const std::string all = co_await read_to_end(*stream);
  co_await world::write_all(*stream, all);
  stream->shutdown_write();
  co_return kOk;
}

Task<std::string> ask(SimHost& from, std::string text) {
  std::unique_ptr<world::ByteStream> stream = co_await from.world().net.dial(kAddress);
  co_await world::write_all(*stream, text);
  stream->shutdown_write();
  co_return co_await read_to_end(*stream);
}

TEST(Network, CarriesBytesBothWaysInOrderThroughPartialReadsAndWrites) {
  Rig rig({.tail_rate = 100'000, .partial_rate = 500'000, .window_bytes = 1'000});
  auto listener = rig.run(rig.server.world().net.listen(kAddress)).value();
  async::Scope scope(rig.server.loop(), nullptr);
  scope.spawn(echo(*listener));
  std::string text;
  for (int i = 0; i < 20'000; ++i) {
    text += static_cast<char>('a' + i % 26);
  }
  EXPECT_EQ(rig.run(ask(rig.client, text)).value(), text);
  EXPECT_GT(rig.received(Fault::kPartialRead), 0u);
  EXPECT_GT(rig.received(Fault::kPartialWrite), 0u);
  EXPECT_GT(rig.received(Fault::kNetworkDelay), 0u);
}

TEST(Network, RefusesADialWhereNobodyListens) {
  Rig rig;
  const auto answer = rig.run(ask(rig.client, "hello"));
  EXPECT_EQ(answer.error().code, Code::kUnavailable);
  EXPECT_EQ(rig.received(Fault::kConnectionRefused), 1u);
}

TEST(Network, AListenerThatIsClosedEndsItsAccept) {
  Rig rig;
  auto listener = rig.run(rig.server.world().net.listen(kAddress)).value();
  async::Scope scope(rig.server.loop(), nullptr);
  rig.server.loop().post([&] { listener->close(); });
  EXPECT_EQ(rig.run(listener->accept()).error().code, Code::kCancelled);
}

Task<std::string> ask_within(SimHost& from, std::string text, Duration bound) {
  co_return co_await async::timeout(from.loop(), bound, ask(from, std::move(text)));
}

TEST(Network, ACrashResetsOrSilencesConnectionsAndAPortIsGone) {
  int reset = 0;
  int silent = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Rig rig({}, seed);
    auto listener = rig.run(rig.server.world().net.listen(kAddress)).value();
    auto scope = std::make_unique<async::Scope>(rig.server.loop(), nullptr);
    scope->spawn(echo(*listener));
    rig.simulation.loop().start_timer(Instant::from_nanos(1'500'000), [&] {
      rig.server.crash();
      scope.reset();
      listener.reset();
    });
    const auto answer =
        rig.run(ask_within(rig.client, std::string(1'000'000, 'x'), Duration::seconds(5)));
    ASSERT_FALSE(answer.ok());
    reset += answer.error().code == Code::kUnavailable ? 1 : 0;
    silent += answer.error().code == Code::kDeadlineExceeded ? 1 : 0;
    EXPECT_EQ(rig.simulation.network().connections(rig.server.loop()), 0u);
  }
  EXPECT_GT(reset, 10);
  EXPECT_GT(silent, 5);
}

TEST(Network, AConnectionFromBeforeACrashIsResetByTheNextIncarnation) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Rig rig({}, seed);
    auto listener = rig.run(rig.server.world().net.listen(kAddress)).value();
    auto stream = rig.run(rig.client.world().net.dial(kAddress)).value();
    rig.server.crash();
    listener.reset();
    rig.server.boot();
    auto written = rig.run(stream->write("hello"));
    char buffer[10];
    const auto read = rig.run(stream->read(buffer));
    EXPECT_EQ(read.error().code, Code::kUnavailable);
    EXPECT_GE(rig.received(Fault::kCrashReset), 1u);
  }
}

TEST(Network, ABlackHoleIsSilentAndCountedWhenItIsGivenUp) {
  Rig rig({.black_hole_rate = 1'000'000});
  auto listener = rig.run(rig.server.world().net.listen(kAddress)).value();
  async::Scope scope(rig.server.loop(), nullptr);
  scope.spawn(echo(*listener));
  const auto answer = rig.run(ask_within(rig.client, "hello", Duration::seconds(5)));
  EXPECT_EQ(answer.error().code, Code::kDeadlineExceeded);
  EXPECT_EQ(rig.received(Fault::kNetworkBlackHole), 1u);
}

TEST(Network, ARandomResetReachesBothSides) {
  Rig rig({.reset_rate = 1'000'000});
  auto listener = rig.run(rig.server.world().net.listen(kAddress)).value();
  const auto answer = rig.run(ask_within(rig.client, "hello", Duration::seconds(5)));
  EXPECT_EQ(answer.error().code, Code::kUnavailable);
  EXPECT_EQ(rig.received(Fault::kNetworkPacketLoss), 1u);
}

Task<size_t> read_some(world::ByteStream& stream, char* buffer, size_t size) {
  co_return co_await stream.read(std::span<char>(buffer, size));
}

TEST(Network, ClosingBehindWrittenBytesStillDeliversThem) {
  Rig rig;
  auto listener = rig.run(rig.server.world().net.listen(kAddress)).value();
  auto near = rig.run(rig.client.world().net.dial(kAddress)).value();
  auto far = rig.run(listener->accept()).value();
  EXPECT_EQ(rig.run(near->write("bye")).value(), 3u);
  near.reset();
  char buffer[10];
  EXPECT_EQ(rig.run(read_some(*far, buffer, 10)).value(), 3u);
  EXPECT_EQ(rig.run(read_some(*far, buffer, 10)).value(), 0u);
}

// Mends all links after so long, whatever waits.
void mend_in(Simulation& simulation, Duration length) {
  simulation.loop().start_timer(simulation.loop().now() + length,
                                [&] { simulation.network().links().mend_all(); });
}

TEST(Network, WhatACutLinkHoldsBackArrivesWhenItIsMended) {
  for (const bool back : {false, true}) {
    Rig rig;
    auto listener = rig.run(rig.server.world().net.listen(kAddress)).value();
    async::Scope scope(rig.server.loop(), [](const Error&) {});
    scope.spawn(echo(*listener));
    auto stream = rig.run(rig.client.world().net.dial(kAddress)).value();
    back ? rig.simulation.network().links().cut("server", "client")
         : rig.simulation.network().links().cut("client", "server");
    mend_in(rig.simulation, Duration::seconds(9));
    ASSERT_TRUE(rig.run(world::write_all(*stream, "hello")).ok());
    stream->shutdown_write();
    EXPECT_EQ(rig.run(read_to_end(*stream)).value(), "hello");
    EXPECT_GE(rig.simulation.now_ns(), 9'000'000'000);
    EXPECT_GT(rig.received(Fault::kNetworkPartition), 0u);
  }
}

TEST(Network, ADialOverACutLinkWaitsForIt) {
  Rig rig;
  auto listener = rig.run(rig.server.world().net.listen(kAddress)).value();
  rig.simulation.network().links().cut("client", "server");
  mend_in(rig.simulation, Duration::seconds(3));
  EXPECT_TRUE(rig.run(rig.client.world().net.dial(kAddress)).ok());
  EXPECT_GE(rig.simulation.now_ns(), 3'000'000'000);
  EXPECT_EQ(rig.received(Fault::kNetworkPartition), 1u);
}

}  // namespace
}  // namespace kelpie::sim
