#include "api/loop_router.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/manual_loop.h"
#include "async/scope.h"
#include "world/rng.h"

namespace kelpie::api {
namespace {

class WordSource final : public net::BodySource {
 public:
  Task<std::optional<std::string>> next() override {
    if (left_-- == 0) {
      co_return std::optional<std::string>();
    }
    co_return std::optional<std::string>("word ");
  }

 private:
  int left_ = 3;
};

// Answers with its own name; streams when the path asks for it.
class NamedHandler final : public net::Handler {
 public:
  explicit NamedHandler(std::string name) : name_(std::move(name)) {}
  std::optional<net::Response> admit(const net::RequestHead& head) override {
    asked.push_back("admit " + head.path);
    return reject(401, "");
  }
  Task<net::Response> handle(net::Request request) override {
    asked.push_back(request.path);
    net::Response response;
    response.body = name_;
    if (request.path.ends_with("/stream")) {
      response.stream = std::make_unique<WordSource>();
    }
    co_return std::move(response);
  }
  net::Response reject(int status, std::string_view) override {
    net::Response response;
    response.status = status;
    return response;
  }
  std::vector<std::string> asked;

 private:
  std::string name_;
};

class LoopRouterTest : public ::testing::Test {
 protected:
  net::Response ask(std::string method, std::string path) {
    net::Request request;
    request.method = std::move(method);
    request.path = std::move(path);
    return loop_.run(router_.handle(std::move(request))).value();
  }
  async::ManualLoop loop_;
  Scope scope_{loop_, nullptr};
  NamedHandler first_{"0"};
  NamedHandler second_{"1"};
  LoopRouter router_{{{{loop_, scope_}, first_}, {{loop_, scope_}, second_}}};
};

TEST_F(LoopRouterTest, AnAgentsRequestsAllGoToItsHome) {
  world::Rng rng(1);
  size_t on_second = 0;
  for (int i = 0; i < 50; ++i) {
    const std::string id = "agent-" + rng.uuid();
    const std::string home = std::to_string(home_loop(id, 2));
    on_second += home == "1" ? 1 : 0;
    for (const char* rest : {"", "/", "/messages", "/core-memory/blocks/human"}) {
      EXPECT_EQ(ask("GET", "/v1/agents/" + id + rest).body, home);
    }
  }
  EXPECT_GT(on_second, 10U);
  EXPECT_LT(on_second, 40U);
}

TEST_F(LoopRouterTest, AnIdWithEscapesGoesWhereItsPlainFormGoes) {
  world::Rng rng(3);
  for (int i = 0; i < 20; ++i) {
    const std::string id = "agent-" + rng.uuid();
    const std::string home = std::to_string(home_loop(id, 2));
    EXPECT_EQ(ask("GET", "/v1/agents/%61" + id.substr(1) + "/messages").body, home);
    EXPECT_EQ(ask("GET", "/v1/agents/" + id.substr(0, 5) + "%2D" + id.substr(6)).body, home);
  }
}

TEST_F(LoopRouterTest, WhatOperatorsAskOfAnActorGoesWhereTheActorLives) {
  world::Rng rng(4);
  for (int i = 0; i < 20; ++i) {
    const std::string id = "agent-" + rng.uuid();
    const std::string home = std::to_string(home_loop(id, 2));
    for (const char* rest : {"", "/", "/pause", "/inbox/00/drop"}) {
      EXPECT_EQ(ask("POST", "/v1/kelpie/actors/agent/default/" + id + rest).body, home);
    }
    const std::string odd = std::to_string(home_loop(id + "/x", 2));
    EXPECT_EQ(ask("GET", "/v1/kelpie/actors/a%2Fb/default/" + id + "%2Fx").body, odd);
  }
  EXPECT_EQ(ask("GET", "/v1/kelpie/actors").body, "0");
  EXPECT_EQ(ask("GET", "/v1/kelpie/actors/agent/default").body, "0");
}

TEST_F(LoopRouterTest, NewAgentsGoToTheLoopsInTurn) {
  EXPECT_EQ(ask("POST", "/v1/agents/").body, "0");
  EXPECT_EQ(ask("POST", "/v1/agents").body, "1");
  EXPECT_EQ(ask("POST", "/v1/agents/").body, "0");
}

TEST_F(LoopRouterTest, WhatIsAboutNoAgentStaysHere) {
  EXPECT_EQ(ask("GET", "/v1/agents/").body, "0");
  EXPECT_EQ(ask("GET", "/v1/health").body, "0");
  EXPECT_TRUE(second_.asked.empty());
}

TEST_F(LoopRouterTest, AScrapeReachesEveryLoopAndTheFirstAnswers) {
  EXPECT_EQ(ask("GET", "/metrics").body, "0");
  EXPECT_EQ(second_.asked, std::vector<std::string>{"/metrics"});
}

TEST_F(LoopRouterTest, TheFirstPeerDecidesWhoIsAdmitted) {
  net::RequestHead head;
  head.path = "/v1/agents/agent-1";
  const auto refusal = router_.admit(head);
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->status, 401);
  EXPECT_EQ(first_.asked, std::vector<std::string>{"admit /v1/agents/agent-1"});
  EXPECT_TRUE(second_.asked.empty());
}

TEST_F(LoopRouterTest, AStreamCrossesWholeAndInOrder) {
  world::Rng rng(2);
  std::string id;
  do {
    id = "agent-" + rng.uuid();
  } while (home_loop(id, 2) != 1);
  net::Response response = ask("POST", "/v1/agents/" + id + "/stream");
  ASSERT_NE(response.stream, nullptr);
  std::string text;
  for (;;) {
    auto piece = loop_.run(response.stream->next());
    ASSERT_TRUE(piece.ok());
    if (!piece->has_value()) {
      break;
    }
    text += **piece;
  }
  EXPECT_EQ(text, "word word word ");
  response.stream.reset();
  loop_.run_ready();
}

}  // namespace
}  // namespace kelpie::api
