#include "api/actor_routes.h"

#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actor/inbox.h"
#include "actor/message.h"
#include "actor/reminder.h"
#include "api/server.h"
#include "codec/json.h"
#include "codec/url.h"
#include "llm/providers.h"
#include "net/testing/test_world.h"
#include "store/keys.h"
#include "store/local_database.h"
#include "store/memory/memory_backend.h"

namespace kelpie::api {
namespace {

namespace json = boost::json;

constexpr char kActors[] = "/v1/kelpie/actors";

struct Answer {
  int status = 0;
  json::value body;
  std::string text;
};

// Two loops' servers; both loops are the test's one.
class ActorRoutesTest : public ::testing::Test {
 protected:
  void SetUp() override { start(); }
  void start() {
    router_.reset();
    second_.reset();
    first_.reset();
    first_ = serve(machine_.world, 0);
    second_ = serve(second_world_, 1);
    first_->route_over({first_->as_peer(), second_->as_peer()});
    router_ =
        std::make_unique<LoopRouter>(std::vector<LoopPeer>{first_->as_peer(), second_->as_peer()});
  }
  std::unique_ptr<Server> serve(World& world, size_t loop) {
    ServerOptions options{.api_key = key_, .kelpie_version = "test"};
    options.loop = loop;
    options.loops = 2;
    auto server = std::make_unique<Server>(world, database_, *models_, metrics_, options);
    CHECK(machine_.loop.run(server->start()).ok());
    return server;
  }
  Answer ask(std::string method, std::string target, std::string body = "") {
    net::Request request;
    request.method = std::move(method);
    const size_t question = target.find('?');
    request.path = target.substr(0, question);
    request.query = question == std::string::npos ? "" : target.substr(question + 1);
    request.headers = {{"host", "localhost"}};
    request.body = std::move(body);
    net::RequestHead head;
    head.method = request.method;
    head.path = request.path;
    head.headers = request.headers;
    std::optional<net::Response> response = router_->admit(head);
    if (!response) {
      response = machine_.loop.run(router_->handle(std::move(request))).value();
    }
    Answer answer{response->status, nullptr, response->body};
    auto parsed = codec::parse_json(answer.text);
    if (parsed.ok()) {
      answer.body = std::move(*parsed);
    }
    return answer;
  }
  std::string create() {
    const Answer answer =
        ask("POST", "/v1/agents/", R"({"name":"Ada","model":"kelpie/offline","memory_blocks":[]})");
    CHECK(answer.status == 200);
    return std::string(answer.body.at("id").as_string());
  }
  Answer rename(const std::string& id) {
    return ask("PATCH", "/v1/agents/" + id, R"({"name":"Grace"})");
  }
  static std::string path_of(const std::string& id, const std::string& rest = "") {
    return std::string(kActors) + "/agent/default/" + id + rest;
  }
  std::vector<std::string> listed(const std::string& query, std::string* next = nullptr) {
    const Answer answer = ask("GET", std::string(kActors) + query);
    EXPECT_EQ(answer.status, 200) << answer.text;
    std::vector<std::string> found;
    for (const json::value& each : answer.body.at("actors").as_array()) {
      found.emplace_back(each.at("id").as_string());
    }
    if (next != nullptr) {
      const json::value& shown = answer.body.at("next");
      *next = shown.is_string() ? std::string(shown.as_string()) : "";
    }
    return found;
  }
  // Some agents, by id.
  std::vector<std::string> create_some(int count) {
    std::vector<std::string> made;
    for (int i = 0; i < count; ++i) {
      made.push_back(create());
    }
    std::ranges::sort(made);
    return made;
  }
  void write(const std::function<void(store::Transaction&)>& body) {
    auto transaction = database_.begin();
    body(*transaction);
    ASSERT_TRUE(machine_.loop.run(transaction->commit()).ok());
  }
  void park(const actor::ActorRef& to) {
    const actor::ParkedMessage parked{.message = {to, {"add", "[1]"}, machine_.clock.now},
                                      .error = "internal: broken",
                                      .tries = 5,
                                      .parked = machine_.clock.now};
    write([&](store::Transaction& transaction) {
      auto key = store::keys::actor_parked_message(to.name(), 0);
      transaction.set_versionstamped_key(std::move(key.key), key.offset, parked.encode());
    });
  }

  net::testing::TestWorld machine_;
  World second_world_{
      machine_.loop,   machine_.clock,           machine_.rng, machine_.net, machine_.log,
      machine_.faults, world::NodeName("test/1")};
  store::MemoryBackend backend_;
  store::LocalDatabase database_{machine_.world, backend_};
  std::unique_ptr<llm::Models> models_ = llm::make_models(machine_.world, {});
  obs::Metrics metrics_;
  std::string key_;
  std::unique_ptr<Server> first_;
  std::unique_ptr<Server> second_;
  std::unique_ptr<LoopRouter> router_;
};

TEST_F(ActorRoutesTest, ListsWhatIsInMemoryOnEveryLoopPageByPage) {
  const std::vector<std::string> made = create_some(5);
  size_t on_second = 0;
  for (const std::string& id : made) {
    on_second += home_loop(id, 2);
  }
  EXPECT_GT(on_second, 0U);
  EXPECT_LT(on_second, made.size());
  EXPECT_EQ(listed(""), made);
  EXPECT_EQ(listed("?type=agent&namespace=default"), made);
  EXPECT_TRUE(listed("?type=agents").empty());
  EXPECT_TRUE(listed("?type=agent&namespace=other").empty());
  std::vector<std::string> paged;
  std::string next;
  do {
    const auto page =
        listed("?limit=2" + (next.empty() ? "" : "&cursor=" + codec::percent_encode(next)), &next);
    EXPECT_LE(page.size(), 2U);
    paged.insert(paged.end(), page.begin(), page.end());
  } while (!next.empty());
  EXPECT_EQ(paged, made);
}

TEST_F(ActorRoutesTest, SaysOfAnActorInMemoryWhatItDoes) {
  create();
  const Answer answer = ask("GET", kActors);
  const json::value& row = answer.body.at("actors").at(0);
  EXPECT_EQ(row.at("turn").as_int64(), 1);
  EXPECT_FALSE(row.at("paused").as_bool());
  EXPECT_EQ(row.at("waiting").to_number<int>(), 0);
  EXPECT_FALSE(row.at("working").as_bool());
  EXPECT_EQ(answer.body.at("next"), json::value());
}

TEST_F(ActorRoutesTest, ListsWhatIsStoredAndNotInMemory) {
  const std::vector<std::string> made = create_some(5);
  start();
  EXPECT_TRUE(listed("").empty());
  EXPECT_EQ(listed("?stored=true"), made);
  EXPECT_EQ(listed("?stored=true&type=agent&namespace=default"), made);
  EXPECT_TRUE(listed("?stored=true&type=a").empty());
  std::string next;
  EXPECT_EQ(listed("?stored=true&limit=3", &next),
            std::vector<std::string>(made.begin(), made.begin() + 3));
  EXPECT_EQ(listed("?stored=true&limit=3&cursor=" + next, &next),
            std::vector<std::string>(made.begin() + 3, made.end()));
  EXPECT_EQ(next, "");
}

TEST_F(ActorRoutesTest, ShowsWhatIsStoredOfAnActorAndWhetherItIsInMemory) {
  const std::string id = create();
  Answer shown = ask("GET", path_of(id));
  ASSERT_EQ(shown.status, 200) << shown.text;
  EXPECT_EQ(shown.body.at("actor").as_string(), "agent/default/" + id);
  EXPECT_EQ(shown.body.at("turn").as_int64(), 1);
  EXPECT_FALSE(shown.body.at("paused").as_bool());
  EXPECT_EQ(shown.body.at("inbox").at("count").to_number<int>(), 0);
  EXPECT_FALSE(shown.body.at("inbox").at("more").as_bool());
  EXPECT_TRUE(shown.body.at("activation").is_object());
  start();
  shown = ask("GET", path_of(id));
  EXPECT_EQ(shown.body.at("turn").as_int64(), 1);
  EXPECT_TRUE(shown.body.at("activation").is_null());
}

TEST_F(ActorRoutesTest, ExplainsWhoOwnsAnActor) {
  const std::string id = create();
  const Answer answer = ask("GET", path_of(id, "/explain"));
  ASSERT_EQ(answer.status, 200) << answer.text;
  const std::string node = home_loop(id, 2) == 0 ? "test" : "test/1";
  const json::value& owner = answer.body.at("owner");
  EXPECT_EQ(owner.at("node").as_string(), node);
  EXPECT_EQ(owner.at("state").as_string(), "active");
  EXPECT_EQ(owner.at("epoch"), owner.at("generation"));
  EXPECT_EQ(owner.at("generation"), answer.body.at("written_by_generation"));
  EXPECT_EQ(owner.at("joined_micros").as_int64(), machine_.clock.now.micros());
  EXPECT_TRUE(answer.body.at("active_here").as_bool());
  EXPECT_NE(answer.body.at("why").as_string().find("its node " + node + " owns every actor"),
            json::string::npos);
}

TEST_F(ActorRoutesTest, APausedActorAnswersOperatorsAloneAlsoAfterARestart) {
  const std::string id = create();
  Answer paused = ask("POST", path_of(id, "/pause"));
  ASSERT_EQ(paused.status, 200) << paused.text;
  EXPECT_TRUE(paused.body.at("changed").as_bool());
  EXPECT_FALSE(ask("POST", path_of(id, "/pause")).body.at("changed").as_bool());
  for (int i = 0; i < 2; ++i) {
    const Answer refused = rename(id);
    EXPECT_EQ(refused.status, 503);
    EXPECT_NE(refused.text.find("`kelpie actors resume`"), std::string::npos) << refused.text;
    EXPECT_TRUE(ask("GET", path_of(id)).body.at("paused").as_bool());
    start();
  }
  EXPECT_TRUE(ask("POST", path_of(id, "/resume")).body.at("changed").as_bool());
  EXPECT_EQ(rename(id).status, 200);
  EXPECT_FALSE(ask("POST", path_of(id, "/resume")).body.at("changed").as_bool());
}

TEST_F(ActorRoutesTest, WhatNobodyHasHeardOfIsNotFoundAndNotMade) {
  const std::string id = "agent-00000000-0000-4000-8000-00000000dead";
  EXPECT_EQ(ask("GET", path_of(id)).status, 404);
  for (const char* verb : {"/pause", "/resume"}) {
    const Answer answer = ask("POST", path_of(id, verb));
    EXPECT_EQ(answer.status, 404) << answer.text;
    EXPECT_NE(answer.text.find(id), std::string::npos);
  }
  EXPECT_TRUE(listed("").empty());
  EXPECT_TRUE(listed("?stored=true").empty());
  const Answer type = ask("POST", std::string(kActors) + "/ghost/default/x/pause");
  EXPECT_EQ(type.status, 404);
  EXPECT_NE(type.text.find("ghost"), std::string::npos);
  EXPECT_EQ(ask("GET", std::string(kActors) + "/agent//x").status, 400);
}

TEST_F(ActorRoutesTest, DeactivatesAnActor) {
  const std::string id = create();
  EXPECT_EQ(listed("").size(), 1U);
  EXPECT_TRUE(ask("POST", path_of(id, "/deactivate")).body.at("was_active").as_bool());
  machine_.loop.run_ready();
  EXPECT_TRUE(listed("").empty());
  EXPECT_FALSE(ask("POST", path_of(id, "/deactivate")).body.at("was_active").as_bool());
  EXPECT_EQ(rename(id).status, 200);
  EXPECT_EQ(listed("").size(), 1U);
}

TEST_F(ActorRoutesTest, ShowsParkedMessagesAndTriesOrDropsThem) {
  const std::string id = create();
  const actor::ActorRef actor{"agent", "default", id};
  park(actor);
  park(actor);
  Answer shown = ask("GET", path_of(id, "/inbox"));
  ASSERT_EQ(shown.status, 200) << shown.text;
  EXPECT_EQ(shown.body.at("parked").at("count").to_number<int>(), 2);
  EXPECT_TRUE(shown.body.at("messages").as_array().empty());
  const json::array parked = shown.body.at("parked_messages").as_array();
  ASSERT_EQ(parked.size(), 2U);
  EXPECT_EQ(parked[0].at("method").as_string(), "add");
  EXPECT_EQ(parked[0].at("arguments").as_string(), "[1]");
  EXPECT_EQ(parked[0].at("error").as_string(), "internal: broken");
  EXPECT_EQ(parked[0].at("tries").as_int64(), 5);
  const std::string first(parked[0].at("stamp").as_string());
  const std::string second(parked[1].at("stamp").as_string());

  EXPECT_EQ(ask("POST", path_of(id, "/inbox/" + first + "/retry")).status, 200);
  EXPECT_EQ(ask("POST", path_of(id, "/inbox/" + first + "/retry")).status, 404);
  EXPECT_EQ(ask("POST", path_of(id, "/inbox/" + second + "/drop")).status, 200);
  EXPECT_EQ(ask("POST", path_of(id, "/inbox/" + second + "/drop")).status, 404);
  shown = ask("GET", path_of(id, "/inbox"));
  EXPECT_EQ(shown.body.at("messages").as_array().size(), 1U);
  EXPECT_TRUE(shown.body.at("parked_messages").as_array().empty());
  for (const char* bad : {"12", "zz3456789012345678901234", "1234567890123456789012345"}) {
    const Answer answer = ask("POST", path_of(id, "/inbox/" + std::string(bad) + "/drop"));
    EXPECT_EQ(answer.status, 422) << bad;
    EXPECT_NE(answer.text.find("24 hexadecimal digits"), std::string::npos) << answer.text;
  }
}

TEST_F(ActorRoutesTest, ShowsReminders) {
  const std::string id = create();
  const actor::ActorRef actor{"agent", "default", id};
  const actor::Reminder reminder{.name = "wake",
                                 .due = machine_.clock.now,
                                 .period = Duration::seconds(5),
                                 .catch_up = actor::CatchUp::kAll,
                                 .what = {"tick", "[]"}};
  write([&](store::Transaction& transaction) {
    transaction.set(store::keys::actor_reminder(actor.name(), "wake"), reminder.encode());
  });
  const Answer shown = ask("GET", path_of(id, "/reminders"));
  ASSERT_EQ(shown.status, 200) << shown.text;
  ASSERT_EQ(shown.body.at("reminders").as_array().size(), 1U);
  const json::value& row = shown.body.at("reminders").at(0);
  EXPECT_EQ(row.at("name").as_string(), "wake");
  EXPECT_EQ(row.at("due_micros").as_int64(), machine_.clock.now.micros());
  EXPECT_EQ(row.at("period_micros").as_int64(), 5'000'000);
  EXPECT_EQ(row.at("catch_up").as_string(), "all");
  EXPECT_EQ(row.at("method").as_string(), "tick");
}

TEST_F(ActorRoutesTest, IsForThoseWhoHaveTheKey) {
  key_ = "the-key";
  start();
  const std::string id = "agent-00000000-0000-4000-8000-00000000dead";
  EXPECT_EQ(ask("GET", kActors).status, 401);
  EXPECT_EQ(ask("POST", path_of(id, "/pause")).status, 401);
}

TEST_F(ActorRoutesTest, MetricsCountTurnsByTypeAndLoop) {
  create_some(4);
  EXPECT_EQ(rename("agent-00000000-0000-4000-8000-00000000dead").status, 404);
  const std::string text = ask("GET", "/metrics").text;
  const std::string failed =
      std::to_string(home_loop("agent-00000000-0000-4000-8000-00000000dead", 2));
  // New agents go to the loops in turn.
  for (const std::string loop : {"0", "1"}) {
    const std::string by_type = "{type=\"agent\",loop=\"" + loop + "\"} ";
    const std::string by_loop = "{loop=\"" + loop + "\"} ";
    const std::string bad = loop == failed ? "1" : "0";
    const std::string calls = loop == failed ? "3" : "2";
    for (const std::string& line :
         {"kelpie_actor_turns_total" + by_type + calls,
          "kelpie_actor_turn_failures_total" + by_type + bad,
          "kelpie_actor_turn_seconds_count" + by_type + calls,
          "kelpie_actor_commits_total" + by_loop + "2", "kelpie_actors_active" + by_loop + "2",
          "kelpie_actor_activations_total" + by_loop + calls,
          "kelpie_actor_conflicts_total" + by_loop + "0",
          "kelpie_actor_calls_pending" + by_loop + "0"}) {
      EXPECT_NE(text.find("\n" + line + "\n"), std::string::npos) << line << "\n" << text;
    }
  }
}

}  // namespace
}  // namespace kelpie::api
