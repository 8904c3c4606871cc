#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "api/server.h"
#include "llm/providers.h"
#include "net/testing/test_world.h"
#include "store/backup_stream.h"
#include "store/local_database.h"
#include "store/memory/memory_backend.h"

namespace kelpie::api {
namespace {

using net::testing::TestWorld;

constexpr char kPath[] = "/v1/kelpie/backup";

class BackupRoute : public ::testing::Test {
 protected:
  void start(std::string key) {
    server_ = std::make_unique<Server>(machine_.world, database_, *models_, metrics_,
                                       ServerOptions{.api_key = std::move(key)});
    ASSERT_TRUE(machine_.loop.run(server_->start()).ok());
  }
  void offer_backups() {
    server_->serve_backups([this] {
      return std::make_unique<store::BackupStream>(
          machine_.loop, backend_.latest(),
          store::BackupOrigin{.engine = "memory", .kelpie_version = "test", .now = WallTime()});
    });
  }
  // As the HTTP server asks: first whether the head is admitted.
  net::Response ask(net::Headers headers = {{"host", "localhost"}}) {
    net::Handler& handler = server_->as_peer().handler;
    net::RequestHead head;
    head.method = "GET";
    head.path = kPath;
    head.headers = headers;
    if (std::optional<net::Response> refusal = handler.admit(head)) {
      return *std::move(refusal);
    }
    auto response = machine_.loop.run(handler.handle(
        {.method = "GET", .path = kPath, .query = "", .headers = std::move(headers)}));
    CHECK(response.ok());
    return std::move(*response);
  }
  // Reads the backup, and checks all of it; its end.
  Result<store::BackupEnd> read(net::BodySource& body) {
    store::BackupDecoder decoder;
    std::optional<store::BackupEnd> end;
    for (;;) {
      const auto piece = TRY(machine_.loop.run(body.next()));
      if (!piece) {
        break;
      }
      decoder.feed(*piece);
      for (auto part = TRY(decoder.next()); part; part = TRY(decoder.next())) {
        if (const auto* found = std::get_if<store::BackupEnd>(&*part)) {
          end = *found;
        }
      }
    }
    TRY(decoder.finish());
    return *end;
  }

  TestWorld machine_;
  store::MemoryBackend backend_;
  store::LocalDatabase database_{machine_.world, backend_};
  obs::Metrics metrics_;
  std::unique_ptr<llm::Models> models_ = llm::make_models(machine_.world, {});
  std::unique_ptr<Server> server_;
};

TEST_F(BackupRoute, StreamsEveryRowOfTheStore) {
  start("");
  offer_backups();
  net::Response response = ask();
  ASSERT_EQ(response.status, 200);
  ASSERT_NE(response.stream, nullptr);
  const auto expected = machine_.loop.run(store::sum_rows(machine_.loop, backend_.latest()));
  const auto end = read(*response.stream);
  ASSERT_TRUE(end.ok()) << end.error().to_string();
  EXPECT_GT(end->sum.rows, 0u);
  EXPECT_EQ(end->sum, *expected);
  EXPECT_TRUE(machine_.log.complaints.empty());
}

TEST_F(BackupRoute, IsForThoseWhoHaveTheKey) {
  start("the-key");
  offer_backups();
  EXPECT_EQ(ask().status, 401);
  EXPECT_EQ(ask({{"host", "localhost"}, {"authorization", "Bearer wrong"}}).status, 401);
  EXPECT_EQ(ask({{"host", "localhost"}, {"authorization", "Bearer the-key"}}).status, 200);
}

TEST_F(BackupRoute, IsNotForWebPagesWhenThereIsNoKey) {
  start("");
  offer_backups();
  EXPECT_EQ(ask({{"host", "evil.example"}}).status, 403);
  EXPECT_EQ(ask({{"host", "localhost"}, {"origin", "http://evil.example"}}).status, 403);
}

TEST_F(BackupRoute, TakesOneBackupAtATime) {
  start("");
  offer_backups();
  net::Response first = ask();
  ASSERT_EQ(first.status, 200);
  EXPECT_EQ(ask().status, 503);
  ASSERT_TRUE(read(*first.stream).ok());
  first.stream.reset();
  // One that is broken off makes room too.
  net::Response second = ask();
  EXPECT_EQ(second.status, 200);
  second.stream.reset();
  EXPECT_EQ(ask().status, 200);
}

TEST_F(BackupRoute, SaysSoWhereTheStoreHasNone) {
  start("");
  EXPECT_EQ(ask().status, 501);
}

}  // namespace
}  // namespace kelpie::api
