#include "api/server.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "async/scope.h"
#include "cluster/ownership.h"
#include "llm/providers.h"
#include "net/read_ahead.h"
#include "net/testing/test_world.h"
#include "store/keys.h"
#include "store/local_database.h"
#include "store/memory/memory_backend.h"

namespace kelpie::api {
namespace {

const world::Address kAddress{.host = "server", .port = 80};

class ServerTest : public ::testing::Test {
 protected:
  void start(ServerOptions options) {
    server_ =
        std::make_unique<Server>(machine_.world, database_, *models_, metrics_, std::move(options));
    ASSERT_TRUE(machine_.loop.run(server_->start()).ok());
    listener_ = machine_.loop.run(machine_.net.listen(kAddress)).value();
    scope_.spawn(server_->serve(*listener_));
  }
  // What has come back by now, without moving time.
  std::string send(std::string bytes) {
    auto stream = machine_.loop.run(machine_.net.dial(kAddress)).value();
    EXPECT_TRUE(machine_.loop.run(world::write_all(*stream, bytes)).ok());
    net::ReadAhead input(machine_.loop, std::move(stream));
    machine_.loop.run_ready();
    return std::string(input.buffered());
  }

  net::testing::TestWorld machine_;
  store::MemoryBackend backend_;
  store::LocalDatabase database_{machine_.world, backend_};
  std::unique_ptr<llm::Models> models_ = llm::make_models(machine_.world, {});
  obs::Metrics metrics_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<world::Listener> listener_;
  Scope scope_{machine_.loop, nullptr};
};

bool has_status(const std::string& bytes, int status) {
  return bytes.starts_with("HTTP/1.1 " + std::to_string(status) + " ");
}

TEST_F(ServerTest, WithoutTheKeyALargeBodyIsRefusedBeforeItIsSent) {
  start({.api_key = "secret", .kelpie_version = "test"});
  for (const char* path : {"/v1/agents/", "/v1/health/", "/absent"}) {
    const std::string bytes = send("POST " + std::string(path) +
                                   " HTTP/1.1\r\nHost: server\r\nContent-Length: 30000000\r\n\r\n");
    EXPECT_TRUE(has_status(bytes, 401)) << bytes;
    EXPECT_NE(bytes.find("connection: close\r\n"), std::string::npos) << bytes;
    EXPECT_TRUE(bytes.ends_with(R"({"detail":"Unauthorized"})")) << bytes;
  }
  EXPECT_EQ(send("POST /v1/agents/ HTTP/1.1\r\nHost: server\r\nAuthorization: Bearer secret\r\n"
                 "Content-Length: 30000000\r\n\r\n"),
            "");
  const std::string health = send("GET /v1/health/ HTTP/1.1\r\nHost: server\r\n\r\n");
  EXPECT_TRUE(has_status(health, 200)) << health;
}

TEST_F(ServerTest, WithoutAKeyItAnswersByTheNamesItWasGiven) {
  start({.allowed_hosts = {"server"}, .kelpie_version = "test"});
  const std::string models = "GET /v1/models/ HTTP/1.1\r\nHost: ";
  EXPECT_TRUE(has_status(send(models + "server\r\n\r\n"), 200));
  EXPECT_TRUE(has_status(send(models + "localhost:8283\r\n\r\n"), 200));
  EXPECT_TRUE(has_status(send(models + "evil.example\r\n\r\n"), 403));
  EXPECT_TRUE(has_status(send(models + "server\r\nOrigin: null\r\n\r\n"), 403));
}

// A process that claimed by record has crashed; whichever way this one owns its actors.
TEST_F(ServerTest, AStartRemovesTheOwnerRecordsOfEarlierEpochs) {
  const store::keys::ActorName actor{"agent", "default", "a"};
  cluster::Ownership earlier(machine_.world, database_, cluster::OwnerRecords::kPerActor);
  ASSERT_TRUE(machine_.loop.run(earlier.join()).ok());
  ASSERT_TRUE(machine_.loop.run(earlier.acquire(actor)).ok());
  start({.kelpie_version = "test"});
  machine_.loop.run_ready();
  auto transaction = database_.begin();
  EXPECT_FALSE(machine_.loop.run(transaction->get(store::keys::owner(actor))).value().has_value());
}

}  // namespace
}  // namespace kelpie::api
