#include "api/routes.h"

#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actor/runtime.h"
#include "agent/service.h"
#include "cluster/ownership.h"
#include "codec/json.h"
#include "llm/providers.h"
#include "net/testing/test_world.h"
#include "store/keys.h"
#include "store/local_database.h"
#include "store/memory/memory_backend.h"

namespace kelpie::api {
namespace {

namespace json = boost::json;
using net::testing::TestWorld;

// One node without its HTTP: requests go straight to the routes.
struct Node {
  explicit Node(TestWorld& machine, store::Database& database, std::string key = "")
      : models(llm::make_models(machine.world, {})),
        ownership(machine.world, database, cluster::OwnerRecords::kNone),
        runtime(machine.world, database, ownership, {}),
        agents(machine.world, database, runtime, *models, [](std::string_view) { return true; }),
        routes(machine.world, agents, *models, metrics, {std::move(key), "test", {}}) {
    CHECK(machine.loop.run(ownership.join()).ok());
  }
  std::unique_ptr<llm::Models> models;
  obs::Metrics metrics;
  cluster::Ownership ownership;
  actor::Runtime runtime;
  agent::Service agents;
  Routes routes;
};

class RoutesTest : public ::testing::Test {
 protected:
  struct Answer {
    int status = 0;
    json::value body;
    std::string text;
  };
  // As the HTTP server asks: first whether the head is admitted.
  net::Response respond(net::Request request) {
    net::RequestHead head;
    head.method = request.method;
    head.path = request.path;
    head.headers = request.headers;
    if (!request.body.empty()) {
      head.framing = {codec::BodyFraming::Kind::kLength, request.body.size()};
    }
    std::optional<net::Response> refusal = node_->routes.admit(head);
    if (refusal.has_value()) {
      return std::move(*refusal);
    }
    auto response = machine_.loop.run(node_->routes.handle(std::move(request)));
    CHECK(response.ok());
    return std::move(*response);
  }
  Answer ask(std::string method, std::string target, std::string body = "",
             net::Headers headers = {{"host", "localhost"}}) {
    net::Request request;
    request.method = std::move(method);
    const size_t question = target.find('?');
    request.path = target.substr(0, question);
    request.query = question == std::string::npos ? "" : target.substr(question + 1);
    request.headers = std::move(headers);
    request.body = std::move(body);
    const net::Response response = respond(std::move(request));
    Answer answer{response.status, nullptr, response.body};
    if (response.stream != nullptr) {
      for (;;) {
        auto piece = machine_.loop.run(response.stream->next());
        CHECK(piece.ok());
        if (!piece->has_value()) {
          break;
        }
        answer.text += **piece;
      }
    }
    auto parsed = codec::parse_json(answer.text);
    if (parsed.ok()) {
      answer.body = std::move(*parsed);
    }
    return answer;
  }
  std::string create(std::string extra = "") {
    Answer answer = ask("POST", "/v1/agents/",
                        R"({"name":"Ada","model":"kelpie/offline","memory_blocks":[)"
                        R"({"label":"human","value":"Name: Grace"},)"
                        R"({"label":"persona","value":"Kind."}])" +
                            extra + "}");
    CHECK(answer.status == 200);
    return std::string(answer.body.at("id").as_string());
  }
  Answer say(const std::string& id, const std::string& text, const std::string& extra = "") {
    const std::string message =
        codec::write_json(json::object{{"role", "user"}, {"content", text}});
    return ask("POST", "/v1/agents/" + id + "/messages",
               R"({"messages":[)" + message + "]" + extra + "}");
  }
  std::vector<std::string> kinds(const json::value& messages) {
    std::vector<std::string> found;
    for (const json::value& message : messages.as_array()) {
      found.emplace_back(message.at("message_type").as_string());
    }
    return found;
  }
  // Starts again on the same store, as after a crash.
  void restart() {
    node_.reset();
    node_ = std::make_unique<Node>(machine_, database_, key_);
  }

  TestWorld machine_;
  store::MemoryBackend backend_;
  store::LocalDatabase database_{machine_.world, backend_};
  std::string key_;
  std::unique_ptr<Node> node_ = std::make_unique<Node>(machine_, database_);
};

using Kinds = std::vector<std::string>;

TEST_F(RoutesTest, HealthSaysBothVersionsInBothSlashForms) {
  for (const char* path : {"/v1/health", "/v1/health/"}) {
    Answer answer = ask("GET", path);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body.at("version").as_string(), "0.16.8");
    EXPECT_EQ(answer.body.at("kelpie_version").as_string(), "test");
  }
}

TEST_F(RoutesTest, AMessageIsAnsweredAndListed) {
  const std::string id = create();
  Answer answer = say(id, "say hello there");
  ASSERT_EQ(answer.status, 200) << answer.text;
  EXPECT_EQ(kinds(answer.body.at("messages")), Kinds{"assistant_message"});
  EXPECT_EQ(answer.body.at("stop_reason").at("stop_reason").as_string(), "end_turn");
  EXPECT_GT(answer.body.at("usage").at("total_tokens").as_int64(), 0);
  Answer list = ask("GET", "/v1/agents/" + id + "/messages?order=asc");
  EXPECT_EQ(kinds(list.body), (Kinds{"system_message", "user_message", "assistant_message"}));
  EXPECT_EQ(list.body.at(1).at("content").as_string(), "say hello there");
}

TEST_F(RoutesTest, AllOfTheMemoryReachesTheModel) {
  const std::string id = create();
  Answer answer = say(id, "what do you remember?");
  ASSERT_EQ(answer.status, 200) << answer.text;
  const std::string text(answer.body.at("messages").at(0).at("content").as_string());
  EXPECT_NE(text.find("Name: Grace"), std::string::npos) << text;
  EXPECT_NE(text.find("Kind."), std::string::npos) << text;
}

TEST_F(RoutesTest, AToolCallEditsABlockAndHasExactlyOneResult) {
  const std::string id = create();
  Answer answer = say(id, R"(call memory_insert {"label":"human","new_string":"Likes tea"})");
  ASSERT_EQ(answer.status, 200) << answer.text;
  EXPECT_EQ(kinds(answer.body.at("messages")),
            (Kinds{"tool_call_message", "tool_return_message", "assistant_message"}));
  const json::value& call = answer.body.at("messages").at(0).at("tool_call");
  const json::value& result = answer.body.at("messages").at(1);
  EXPECT_EQ(call.at("tool_call_id"), result.at("tool_call_id"));
  EXPECT_EQ(result.at("status").as_string(), "success");
  EXPECT_EQ(answer.body.at("usage").at("step_count").as_int64(), 2);
  Answer block = ask("GET", "/v1/agents/" + id + "/core-memory/blocks/human");
  EXPECT_EQ(block.body.at("value").as_string(), "Name: Grace\nLikes tea");
}

TEST_F(RoutesTest, AToolThatFailsTellsTheModelAndEditsNothing) {
  const std::string id = create();
  Answer answer =
      say(id, R"(call memory_replace {"label":"human","old_string":"absent","new_string":"x"})");
  ASSERT_EQ(answer.status, 200) << answer.text;
  EXPECT_EQ(answer.body.at("messages").at(1).at("status").as_string(), "error");
  Answer block = ask("GET", "/v1/agents/" + id + "/core-memory/blocks/human");
  EXPECT_EQ(block.body.at("value").as_string(), "Name: Grace");
}

TEST_F(RoutesTest, StepsAreStreamedInTheOrderThatClientsExpect) {
  const std::string id = create();
  Answer answer = say(id, "say streamed words", R"(,"streaming":true)");
  ASSERT_EQ(answer.status, 200);
  const size_t ping = answer.text.find("\"ping\"");
  const size_t text = answer.text.find("assistant_message");
  const size_t stop = answer.text.find("stop_reason");
  const size_t usage = answer.text.find("usage_statistics");
  const size_t done = answer.text.find("data: [DONE]\n\n");
  ASSERT_NE(done, std::string::npos) << answer.text;
  EXPECT_TRUE(ping < text && text < stop && stop < usage && usage < done) << answer.text;
  EXPECT_EQ(answer.text.find("event:"), std::string::npos);
}

TEST_F(RoutesTest, StreamedTokensAddUpToTheStoredMessage) {
  const std::string id = create();
  Answer answer = say(id, "say one two three four",
                      R"(,"streaming":true,"stream_tokens":true,"include_pings":false)");
  std::string joined;
  std::string message_id;
  size_t pieces = 0;
  size_t at = 0;
  while ((at = answer.text.find("data: {", at)) != std::string::npos) {
    at += 6;
    auto frame = codec::parse_json(answer.text.substr(at, answer.text.find("\n\n", at) - at));
    ASSERT_TRUE(frame.ok());
    if (frame->at("message_type").as_string() == "assistant_message") {
      joined += std::string(frame->at("content").as_string());
      message_id = std::string(frame->at("id").as_string());
      ++pieces;
    }
  }
  EXPECT_GT(pieces, 1U);
  Answer list = ask("GET", "/v1/agents/" + id + "/messages?limit=1");
  EXPECT_EQ(list.body.at(0).at("content").as_string(), joined);
  EXPECT_EQ(list.body.at(0).at("id").as_string(), message_id);
}

TEST_F(RoutesTest, CursorsWalkAHistoryWithoutGapOrRepeat) {
  const std::string id = create();
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(say(id, "say " + std::to_string(i)).status, 200);
  }
  const std::string base = "/v1/agents/" + id + "/messages?limit=3&order=asc";
  std::vector<std::string> ids;
  std::string after;
  for (;;) {
    Answer page = ask("GET", base + (after.empty() ? "" : "&after=" + after));
    if (page.body.as_array().empty()) {
      break;
    }
    for (const json::value& message : page.body.as_array()) {
      ids.emplace_back(message.at("id").as_string());
    }
    after = ids.back();
  }
  EXPECT_EQ(ids.size(), 11U);
  Answer all = ask("GET", "/v1/agents/" + id);
  EXPECT_EQ(all.body.at("message_ids").as_array().size(), 11U);
  for (size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(all.body.at("message_ids").at(i).as_string(), ids[i]);
  }
  Answer before = ask("GET", "/v1/agents/" + id + "/messages?order=asc&before=" + ids[2]);
  EXPECT_EQ(before.body.as_array().size(), 2U);
  // With a limit, the page is what stands nearest before the cursor, in the list's order.
  Answer near = ask("GET", "/v1/agents/" + id + "/messages?order=asc&limit=2&before=" + ids[5]);
  ASSERT_EQ(near.body.as_array().size(), 2U);
  EXPECT_EQ(near.body.at(0).at("id").as_string(), ids[3]);
  EXPECT_EQ(near.body.at(1).at("id").as_string(), ids[4]);
  EXPECT_TRUE(
      ask("GET", "/v1/agents/" + id + "/messages?after=message-unknown").body.as_array().empty());
}

TEST_F(RoutesTest, EverythingIsThereAfterARestart) {
  const std::string id = create();
  ASSERT_EQ(say(id, "say before").status, 200);
  restart();
  ASSERT_EQ(say(id, "say after").status, 200);
  Answer list = ask("GET", "/v1/agents/" + id + "/messages?order=asc");
  EXPECT_EQ(kinds(list.body), (Kinds{"system_message", "user_message", "assistant_message",
                                     "user_message", "assistant_message"}));
}

TEST_F(RoutesTest, ARunThatACrashInterruptedIsResumedAndEnds) {
  const std::string id = create();
  net::Request request{"POST",
                       "/v1/agents/" + id + "/messages",
                       "",
                       {},
                       R"({"messages":[{"role":"user","content":)"
                       R"("call memory_insert {\"label\":\"human\",\"new_string\":\"x\"}"}],)"
                       R"("streaming":true})",
                       ""};
  auto response = machine_.loop.run(node_->routes.handle(std::move(request)));
  ASSERT_TRUE(response.ok());
  ASSERT_EQ(response->status, 200);
  response->stream.reset();
  restart();
  ASSERT_TRUE(machine_.loop.run(node_->agents.resume_all()).ok());
  machine_.loop.run();
  Answer list = ask("GET", "/v1/agents/" + id + "/messages?order=asc");
  EXPECT_EQ(kinds(list.body), (Kinds{"system_message", "user_message", "tool_call_message",
                                     "tool_return_message", "assistant_message"}));
}

TEST_F(RoutesTest, DeletingAnAgentLeavesNoneOfItsKeys) {
  const std::string other = create();
  const auto rows = [this] {
    auto transaction = database_.begin();
    store::RangeRead read;
    read.range = store::KeyRange::prefix("\x02kelpie");
    return machine_.loop.run(transaction->get_range(std::move(read))).value().rows;
  };
  const auto before = rows();
  const std::string id = create();
  ASSERT_EQ(say(id, "say x").status, 200);
  EXPECT_GT(rows().size(), before.size());
  EXPECT_EQ(ask("DELETE", "/v1/agents/" + id).status, 200);
  EXPECT_EQ(rows(), before);
  Answer gone = ask("GET", "/v1/agents/" + id);
  EXPECT_EQ(gone.status, 404);
  EXPECT_EQ(gone.text, R"({"detail":"Agent not found"})");
  EXPECT_EQ(say(id, "say x").status, 404);
  EXPECT_EQ(ask("GET", "/v1/agents/").body.as_array().size(), 1U);
}

TEST_F(RoutesTest, AgentsAreListedNewestFirstAndFiltered) {
  const std::string first = create(R"(,"tags":["a"])");
  machine_.clock.now = machine_.clock.now + Duration::seconds(1);
  const std::string second = create(R"(,"tags":["a","b"])");
  Answer all = ask("GET", "/v1/agents");
  ASSERT_EQ(all.body.as_array().size(), 2U);
  EXPECT_EQ(all.body.at(0).at("id").as_string(), second);
  EXPECT_EQ(ask("GET", "/v1/agents?tags=b").body.as_array().size(), 1U);
  EXPECT_EQ(ask("GET", "/v1/agents?name=Nobody").body.as_array().size(), 0U);
  Answer next = ask("GET", "/v1/agents?limit=1&after=" + second);
  EXPECT_EQ(next.body.at(0).at("id").as_string(), first);
  EXPECT_TRUE(ask("GET", "/v1/agents?after=agent-unknown").body.as_array().empty());
}

TEST_F(RoutesTest, AnUpdateChangesWhatItNamesAndNothingElse) {
  const std::string id = create();
  Answer changed = ask("PATCH", "/v1/agents/" + id, R"({"name":"Bob","tags":["x"]})");
  ASSERT_EQ(changed.status, 200) << changed.text;
  EXPECT_EQ(changed.body.at("name").as_string(), "Bob");
  EXPECT_EQ(changed.body.at("model").as_string(), "kelpie/offline");
  Answer block =
      ask("PATCH", "/v1/agents/" + id + "/core-memory/blocks/human", R"({"value":"Name: Joan"})");
  EXPECT_EQ(block.body.at("value").as_string(), "Name: Joan");
  EXPECT_EQ(block.body.at("label").as_string(), "human");
}

TEST_F(RoutesTest, BadInputIsAClearError) {
  const std::string id = create();
  struct Case {
    std::string method, path, body;
    int status;
    std::string says;
  };
  const std::string messages = "/v1/agents/" + id + "/messages";
  const std::vector<Case> cases = {
      {"POST", "/v1/agents/", "{", 422, "not valid JSON"},
      {"POST", "/v1/agents/", "[]", 422, "expected a JSON object"},
      {"POST", "/v1/agents/", "{}", 400, "model is required"},
      {"POST", "/v1/agents/", R"({"model":"nomodel"})", 400, "provider/model"},
      {"POST", "/v1/agents/", R"({"model":"nobody/x"})", 404, "nobody/x"},
      {"POST", "/v1/agents/", R"({"model":"kelpie/offline","name":7})", 422, "body.name"},
      {"POST", "/v1/agents/", R"({"model":"kelpie/offline","tools":["web_search"]})", 400,
       "Tools not found by name"},
      {"POST", "/v1/agents/", R"({"model":"kelpie/offline","agent_type":"memgpt_agent"})", 400,
       "letta_v1_agent"},
      {"POST", "/v1/agents/",
       R"({"model":"kelpie/offline","memory_blocks":[{"label":"a","value":"xy","limit":1}]})", 422,
       "limit is 1"},
      {"GET", "/v1/agents/nonsense", "", 422, "agent-<uuid>"},
      {"GET", "/v1/agents/agent-00000000-0000-4000-8000-000000000000", "", 404, "Agent not found"},
      {"GET", "/v1/agents?limit=0", "", 422, "query.limit"},
      {"GET", "/v1/agents?order=up", "", 422, "asc or desc"},
      {"GET", "/v1/nothing", "", 404, "Not Found"},
      {"PUT", "/v1/agents", "", 405, "Method Not Allowed"},
      {"POST", messages, R"({"messages":[]})", 422, "at least one message"},
      {"POST", messages, R"({})", 422, "messages or input"},
      {"POST", messages, R"({"messages":[{"role":"robot","content":"x"}]})", 422, "role"},
      {"POST", messages, R"({"messages":[{"role":"user","content":7}]})", 422, "content"},
      {"POST", messages, R"({"messages":[{"role":"user","content":"x"}],"background":true})", 400,
       "background"},
      {"PATCH", "/v1/agents/" + id + "/core-memory/blocks/absent", R"({"value":"x"})", 404,
       "absent"},
  };
  for (const Case& c : cases) {
    Answer answer = ask(c.method, c.path, c.body);
    EXPECT_EQ(answer.status, c.status) << c.method << " " << c.path << " " << c.body;
    EXPECT_NE(answer.text.find(c.says), std::string::npos) << answer.text;
    EXPECT_NE(answer.text.find("\"detail\""), std::string::npos) << answer.text;
  }
}

TEST_F(RoutesTest, AMessageThatFitsNoTransactionIs413WithSizeAndLimit) {
  const std::string id = create();
  Answer answer = say(id, std::string(9'500'000, 'x'));
  EXPECT_EQ(answer.status, 413);
  EXPECT_NE(answer.text.find("9000000"), std::string::npos);
  EXPECT_EQ(say(id, "say still here").status, 200);
}

TEST_F(RoutesTest, AMegabyteIsStoredWhole) {
  const std::string id = create();
  const std::string big(1'000'000, 'y');
  ASSERT_EQ(say(id, "say ok " + big).status, 200);
  Answer list = ask("GET", "/v1/agents/" + id + "/messages?order=asc");
  EXPECT_EQ(list.body.at(1).at("content").as_string(), "say ok " + big);
}

TEST_F(RoutesTest, WithAKeyOnlyHealthIsOpen) {
  key_ = "secret";
  restart();
  EXPECT_EQ(ask("GET", "/v1/health/").status, 200);
  EXPECT_EQ(ask("GET", "/v1/ready").status, 200);
  Answer refused = ask("GET", "/v1/agents/");
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.text, R"({"detail":"Unauthorized"})");
  EXPECT_EQ(ask("GET", "/metrics").status, 401);
  EXPECT_EQ(ask("GET", "/v1/agents/", "", {{"authorization", "Bearer wrong!"}}).status, 401);
  EXPECT_EQ(ask("GET", "/v1/agents/", "", {{"authorization", "Bearer secre"}}).status, 401);
  EXPECT_EQ(ask("GET", "/v1/agents/", "", {{"authorization", "Bearer secret"}}).status, 200);
  EXPECT_EQ(ask("GET", "/v1/agents/", "", {{"x-bare-password", "password secret"}}).status, 200);
  EXPECT_EQ(ask("HEAD", "/v1/health").status, 200);
  EXPECT_EQ(ask("GET", "/v1/health", "a body that nobody asked for").status, 401);
  EXPECT_EQ(ask("POST", "/v1/health").status, 401);
  EXPECT_EQ(ask("GET", "/absent").status, 401);
}

TEST_F(RoutesTest, WithoutAKeyAWebPageIsRefusedExceptFromHealth) {
  const net::Headers rebound = {{"host", "evil.example"}};
  const net::Headers crossing = {{"host", "localhost:8283"}, {"origin", "https://evil.example"}};
  for (const net::Headers& headers : {rebound, crossing}) {
    EXPECT_EQ(ask("GET", "/v1/health/", "", headers).status, 200);
    EXPECT_EQ(ask("GET", "/v1/ready/", "", headers).status, 200);
    EXPECT_EQ(ask("GET", "/metrics", "", headers).status, 403);
    EXPECT_EQ(ask("GET", "/absent", "", headers).status, 403);
    Answer answer = ask("POST", "/v1/agents/", R"({"model":"kelpie/offline"})", headers);
    EXPECT_EQ(answer.status, 403);
    EXPECT_NE(answer.body.at("detail").as_string().find("set an API key"), std::string::npos);
  }
  EXPECT_EQ(ask("GET", "/v1/agents/").text, "[]");
  key_ = "secret";
  restart();
  EXPECT_EQ(ask("GET", "/v1/agents/", "",
                {{"host", "evil.example"},
                 {"origin", "https://evil.example"},
                 {"authorization", "Bearer secret"}})
                .status,
            200);
}

}  // namespace
}  // namespace kelpie::api
