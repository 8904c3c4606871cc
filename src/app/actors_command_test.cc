#include "app/actors_command.h"

#include <gtest/gtest.h>

namespace kelpie::app {
namespace {

ActorsRequest asked(const ActorsCommand& command) {
  const auto request = actors_request(command);
  return request.ok() ? *request : ActorsRequest{"", request.error().message};
}

TEST(ActorsCommand, AListHasWhatWasAskedFor) {
  EXPECT_EQ(asked({}), (ActorsRequest{"GET", "/v1/kelpie/actors"}));
  EXPECT_EQ(asked({.filter = "agent"}), (ActorsRequest{"GET", "/v1/kelpie/actors?type=agent"}));
  EXPECT_EQ(
      asked({.filter = "agent/a b", .stored = true, .cursor = "agent/default/x", .limit = "7"}),
      (ActorsRequest{"GET",
                     "/v1/kelpie/actors?stored=true&type=agent&namespace=a%20b"
                     "&cursor=agent%2Fdefault%2Fx&limit=7"}));
}

TEST(ActorsCommand, AnIdMayHaveSlashes) {
  const ActorsCommand command{.action = ActorsAction::kShow, .actor = "counter/default/a/b%/ü"};
  EXPECT_EQ(asked(command),
            (ActorsRequest{"GET", "/v1/kelpie/actors/counter/default/a%2Fb%25%2F%C3%BC"}));
}

TEST(ActorsCommand, EachActionHasItsPath) {
  const struct {
    ActorsAction action;
    ActorsRequest request;
  } all[] = {{ActorsAction::kShow, {"GET", ""}},
             {ActorsAction::kExplain, {"GET", "/explain"}},
             {ActorsAction::kPause, {"POST", "/pause"}},
             {ActorsAction::kResume, {"POST", "/resume"}},
             {ActorsAction::kDeactivate, {"POST", "/deactivate"}},
             {ActorsAction::kInbox, {"GET", "/inbox"}},
             {ActorsAction::kReminders, {"GET", "/reminders"}}};
  for (const auto& each : all) {
    EXPECT_EQ(
        asked({.action = each.action, .actor = "a/b/c"}),
        (ActorsRequest{each.request.method, "/v1/kelpie/actors/a/b/c" + each.request.target}));
  }
}

TEST(ActorsCommand, AnInboxIsLookedAtOrOneMessageOfItIsMoved) {
  ActorsCommand command{.action = ActorsAction::kInbox, .actor = "a/b/c", .limit = "3"};
  EXPECT_EQ(asked(command), (ActorsRequest{"GET", "/v1/kelpie/actors/a/b/c/inbox?limit=3"}));
  command.retry = "00ff";
  EXPECT_EQ(asked(command), (ActorsRequest{"POST", "/v1/kelpie/actors/a/b/c/inbox/00ff/retry"}));
  command.drop = "00ff";
  EXPECT_EQ(asked(command).target, "expected one of --retry and --drop, got both");
  command.retry.clear();
  EXPECT_EQ(asked(command), (ActorsRequest{"POST", "/v1/kelpie/actors/a/b/c/inbox/00ff/drop"}));
}

TEST(ActorsCommand, SaysWhatAnActorIsExpectedToBe) {
  for (const char* wrong :
       {"", "agent", "agent/default", "agent/default/", "/default/a", "agent//a"}) {
    EXPECT_EQ(asked({.action = ActorsAction::kPause, .actor = wrong}).target,
              "expected an actor as type/namespace/id, got \"" + std::string(wrong) + "\"");
  }
  for (const char* wrong : {"/", "agent/", "/default", "agent/default/a"}) {
    EXPECT_EQ(asked({.filter = wrong}).target,
              "expected actors as type or type/namespace, got \"" + std::string(wrong) + "\"");
  }
}

}  // namespace
}  // namespace kelpie::app
