#include "sim/provider/tls_listener.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "async/scope.h"
#include "async/select.h"
#include "net/tls.h"
#include "sim/provider/seeded_openssl.h"
#include "sim/simulation.h"
#include "sim/tripwire.h"

namespace kelpie::sim {
namespace {

const world::Address kAddress{"server", 443};

// What one conversation came to, and the hash of all bytes on the wire.
struct Talk {
  Result<std::string> answer = std::string();
  uint64_t hash = 0;
  uint64_t flips = 0;
};

Task<void> echo_one(std::unique_ptr<world::ByteStream> stream) {
  std::array<char, 1'000> buffer{};
  for (;;) {
    const size_t got = co_await stream->read(std::span<char>(buffer));
    if (got == 0) {
      break;
    }
    co_await world::write_all(*stream, ByteView(buffer.data(), got));
  }
  stream->shutdown_write();
  co_return kOk;
}

Task<void> serve(World& world, const TlsIdentity& identity, async::Scope& scope) {
  TlsListener listener(world.loop, co_await world.net.listen(kAddress), identity);
  for (;;) {
    scope.spawn(echo_one(co_await listener.accept()));
  }
}

Task<std::string> talk(World& world, const net::TlsRoots& roots, std::string text) {
  std::unique_ptr<world::ByteStream> stream = co_await net::tls_connect(
      world.loop, roots, co_await world.net.dial(kAddress), "server", world.clock.wall());
  co_await world::write_all(*stream, text);
  std::string answer(text.size(), '\0');
  for (size_t have = 0; have < answer.size();) {
    const size_t got = co_await stream->read(std::span<char>(answer).subspan(have));
    if (got == 0) {
      co_return base::unavailable("the answer ended early");
    }
    have += got;
  }
  co_return std::move(answer);
}

Talk converse(uint64_t seed, const std::string& text, uint64_t flips_per_million) {
  Swarm swarm;
  swarm.network.partial_rate = 200'000;
  const Tripwire armed;
  Simulation simulation(SimulationOptions{.seed = seed, .mutants = {}, .sink = nullptr}, swarm);
  const SeededOpenSsl openssl(simulation.choices().fork("openssl"), simulation.scheduler());
  simulation.network().flip_bits(kAddress, flips_per_million);
  const TlsIdentity identity("server");
  const net::TlsRoots roots = net::TlsRoots::parse(identity.certificate_pem()).value();
  World& server = simulation.add_host("server").boot();
  World& client = simulation.add_host("client").boot();
  async::Scope scope(server.loop, [](const Error&) {});
  scope.spawn(serve(server, identity, scope));
  Talk result;
  bool done = false;
  Task<std::string> task =
      async::timeout(client.loop, Duration::seconds(30), talk(client, roots, text));
  done = task.start([](void* flag) { *static_cast<bool*>(flag) = true; }, &done);
  simulation.run_until(done);
  CHECK(done);
  result.answer = task.take();
  result.hash = simulation.trace().hash();
  result.flips = simulation.ledger().received(Fault::kNetworkBitFlip);
  scope.cancel();
  return result;
}

TEST(TlsListener, CarriesBytesToTheProductionClientAndBack) {
  const std::string text(100'000, 'x');
  const Talk result = converse(1, text, 0);
  ASSERT_TRUE(result.answer.ok()) << result.answer.error().to_string();
  EXPECT_EQ(*result.answer, text);
}

TEST(TlsListener, OneSeedIsOneHashAndAnotherSeedAnother) {
  const Talk first = converse(7, "hello", 0);
  EXPECT_EQ(converse(7, "hello", 0).hash, first.hash);
  EXPECT_NE(converse(8, "hello", 0).hash, first.hash);
}

TEST(TlsListener, ABitThatFlipsIsAnErrorAndNeverAWrongByte) {
  const std::string text(20'000, 'x');
  int errors = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    const Talk result = converse(seed, text, 50'000);
    if (result.answer.ok()) {
      EXPECT_EQ(*result.answer, text) << "seed " << seed;
    } else {
      ++errors;
      EXPECT_GE(result.flips, 1U) << "seed " << seed << ": " << result.answer.error().to_string();
    }
  }
  EXPECT_GT(errors, 20);
  EXPECT_LT(errors, 100);
}

TEST(TlsIdentity, IsAFunctionOfTheName) {
  EXPECT_EQ(TlsIdentity("a").certificate_pem(), TlsIdentity("a").certificate_pem());
  EXPECT_NE(TlsIdentity("a").certificate_pem(), TlsIdentity("b").certificate_pem());
}

}  // namespace
}  // namespace kelpie::sim
