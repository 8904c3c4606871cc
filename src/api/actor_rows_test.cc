#include "api/actor_rows.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kelpie::api {
namespace {

ActorRow row(std::string id) { return {.actor = {"agent", "default", std::move(id)}}; }

std::vector<std::string> ids(const ActorRows& rows) {
  std::vector<std::string> found;
  for (const ActorRow& each : rows) {
    found.push_back(each.actor.id);
  }
  return found;
}

TEST(ActorRows, ACursorKeepsEveryByte) {
  for (const actor::ActorRef& actor : std::vector<actor::ActorRef>{
           {"agent", "default", "agent-1"}, {"a/b", "%2f", std::string("x/\0\xff y", 6)}}) {
    const auto back = parse_actor_cursor(actor_cursor(actor));
    ASSERT_TRUE(back.ok()) << back.error().to_string();
    EXPECT_EQ(*back, actor);
  }
  EXPECT_EQ(actor_cursor({"agent", "default", "agent-1"}), "agent/default/agent-1");
}

TEST(ActorRows, RefusesWhatIsNoCursor) {
  for (const char* text :
       {"", "agent", "agent/default", "agent/default/a/b", "agent//a", "a/b/%f"}) {
    EXPECT_FALSE(parse_actor_cursor(text).ok()) << text;
  }
}

TEST(ActorRows, ReadsAQuery) {
  const auto all = parse_actor_query({});
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->limit, kActorRowsDefault);
  EXPECT_FALSE(all->stored);
  const auto query = parse_actor_query({{"stored", "true"},
                                        {"type", "agent"},
                                        {"namespace", "default"},
                                        {"limit", "1000"},
                                        {"cursor", "agent/default/a"}});
  ASSERT_TRUE(query.ok());
  EXPECT_TRUE(query->stored);
  EXPECT_EQ(query->type, "agent");
  EXPECT_EQ(query->ns, "default");
  EXPECT_EQ(query->limit, 1'000U);
  EXPECT_EQ(query->after->id, "a");
}

TEST(ActorRows, SaysWhatAQueryWasExpectedToBe) {
  const struct {
    codec::QueryParameters query;
    std::string text;
  } wrong[] = {{{{"limit", "0"}}, "1 to 1000"},      {{{"limit", "1001"}}, "1 to 1000"},
               {{{"limit", "ten"}}, "1 to 1000"},    {{{"stored", "yes"}}, "true or false"},
               {{{"namespace", "x"}}, "query.type"}, {{{"cursor", "x"}}, "`next`"}};
  for (const auto& each : wrong) {
    const auto parsed = parse_actor_query(each.query);
    ASSERT_FALSE(parsed.ok()) << each.text;
    EXPECT_EQ(parsed.error().code, Code::kOutOfRange);
    EXPECT_NE(parsed.error().message.find(each.text), std::string::npos) << parsed.error().message;
  }
}

TEST(ActorRows, MergesThePagesOfLoopsAndKeepsOneMoreThanTheLimit) {
  const std::vector<ActorRows> pages = {{row("a"), row("d"), row("e")}, {}, {row("b"), row("c")}};
  EXPECT_EQ(ids(merge_rows(pages, 10)), (std::vector<std::string>{"a", "b", "c", "d", "e"}));
  EXPECT_EQ(ids(merge_rows(pages, 2)), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(ids(merge_rows({}, 2)), std::vector<std::string>{});
}

}  // namespace
}  // namespace kelpie::api
