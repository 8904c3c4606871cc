#include "app/actors_text.h"

#include <gtest/gtest.h>

#include <string>

#include "codec/json.h"

namespace kelpie::app {
namespace {

std::string text(const ActorsCommand& command, const std::string& answer) {
  return actors_text(command, codec::parse_json(answer).value());
}

TEST(ActorsText, AListIsATableWithColumnsAsWideAsTheirCells) {
  EXPECT_EQ(text({}, R"({"actors":[
                {"actor":"agent/default/a","turn":12,"paused":false,"waiting":0,"working":false,
                 "idle_millis":3999},
                {"actor":"agent/default/long","turn":null,"paused":true,"waiting":2,"working":true,
                 "idle_millis":0}],"next":"agent/default/long"})"),
            "ACTOR               TURN  PAUSED  WAITING  DOES\n"
            "agent/default/a     12    -       0        idle 3 s\n"
            "agent/default/long  -     yes     2        works\n"
            "there are more: --cursor agent/default/long\n");
  EXPECT_EQ(text({.stored = true}, R"({"actors":[{"actor":"a/b/c","turn":1,"paused":false}],
                                       "next":null})"),
            "ACTOR  TURN  PAUSED\n"
            "a/b/c  1     -\n");
}

TEST(ActorsText, ShowsAnActorLineByLine) {
  EXPECT_EQ(text({.action = ActorsAction::kShow},
                 R"({"actor":"a/b/c","turn":3,"paused":true,"generation":"00ff","state_bytes":17,
                     "data_rows":{"count":0,"more":false},"inbox":{"count":1000,"more":true},
                     "parked":{"count":1,"more":false},"reminders":{"count":2,"more":false},
                     "activation":{"waiting":1,"working":true,"idle_millis":0}})"),
            "actor        a/b/c\n"
            "turn         3\n"
            "paused       yes\n"
            "generation   00ff\n"
            "state bytes  17\n"
            "data rows    0\n"
            "inbox        1000+\n"
            "parked       1\n"
            "reminders    2\n"
            "in memory    yes, works, 1 calls wait\n");
}

TEST(ActorsText, ExplainsAnOwner) {
  const std::string shown =
      text({.action = ActorsAction::kExplain},
           R"({"actor":"a/b/c","active_here":true,"written_by_generation":"01","why":"Because.",
               "owner":{"node":"local","address":"","state":"active","epoch":"02",
                        "generation":"02","joined_micros":1795208532000123}})");
  for (const char* line :
       {"owner            local\n", "address          -\n",
        "joined           2026-11-20T21:02:12.000123Z\n", "last written by  01\n",
        "in memory        yes\n", "why              Because.\n"}) {
    EXPECT_NE(shown.find(line), std::string::npos) << line << shown;
  }
  EXPECT_NE(text({.action = ActorsAction::kExplain}, R"({"actor":"a/b/c","owner":null})")
                .find("owner            -\n"),
            std::string::npos);
}

TEST(ActorsText, SaysWhatAVerbChanged) {
  const auto said = [](ActorsAction action, const std::string& more) {
    return text({.action = action}, R"({"actor":"a/b/c",)" + more + "}");
  };
  EXPECT_EQ(said(ActorsAction::kPause, R"("changed":true)"), "a/b/c is paused\n");
  EXPECT_EQ(said(ActorsAction::kPause, R"("changed":false)"), "a/b/c was paused before\n");
  EXPECT_EQ(said(ActorsAction::kResume, R"("changed":true)"), "a/b/c goes on\n");
  EXPECT_EQ(said(ActorsAction::kResume, R"("changed":false)"), "a/b/c was not paused\n");
  EXPECT_EQ(said(ActorsAction::kDeactivate, R"("was_active":false)"), "a/b/c was not in memory\n");
  EXPECT_EQ(
      text({.action = ActorsAction::kInbox, .retry = "00"}, R"({"actor":"a/b/c","retried":"00"})"),
      "00 is in the inbox of a/b/c again\n");
  EXPECT_EQ(
      text({.action = ActorsAction::kInbox, .drop = "00"}, R"({"actor":"a/b/c","dropped":"00"})"),
      "00 is dropped from a/b/c\n");
}

TEST(ActorsText, ShowsAnInboxAndWhatIsParked) {
  EXPECT_EQ(text({.action = ActorsAction::kInbox},
                 R"({"actor":"a/b/c","inbox":{"count":0,"more":false},
                     "parked":{"count":1,"more":false},"messages":[],
                     "parked_messages":[{"stamp":"00","parked_micros":0,"from":"x/y/z",
                       "method":"add","tries":5,"error":"internal: broken"}]})"),
            "0 messages wait\n"
            "1 messages are parked\n"
            "STAMP  PARKED                       FROM   METHOD  TRIES  ERROR\n"
            "00     1970-01-01T00:00:00.000000Z  x/y/z  add     5      internal: broken\n");
}

TEST(ActorsText, ShowsReminders) {
  EXPECT_EQ(text({.action = ActorsAction::kReminders},
                 R"({"actor":"a/b/c","count":{"count":1,"more":false},
                     "reminders":[{"name":"wake","due_micros":0,"period_micros":5000000,
                       "catch_up":"all","method":"tick","tries":0}]})"),
            "1 reminders\n"
            "NAME  DUE                          PERIOD   CATCH-UP  METHOD  TRIES\n"
            "wake  1970-01-01T00:00:00.000000Z  5000 ms  all       tick    0\n");
}

// Of another version, or of something that is no server of ours.
TEST(ActorsText, WhatAnAnswerDoesNotHaveIsADash) {
  for (const char* answer : {"null", "[]", "{}", R"({"actors":7,"owner":3,"inbox":[],
                              "activation":1,"reminders":[null,3],"count":"x","next":[]})"}) {
    for (const ActorsAction action :
         {ActorsAction::kList, ActorsAction::kShow, ActorsAction::kExplain, ActorsAction::kPause,
          ActorsAction::kResume, ActorsAction::kDeactivate, ActorsAction::kInbox,
          ActorsAction::kReminders}) {
      EXPECT_TRUE(text({.action = action}, answer).ends_with('\n'));
    }
  }
  EXPECT_EQ(text({.action = ActorsAction::kReminders}, R"({"reminders":[{"due_micros":-1}]})"),
            "- reminders\n"
            "NAME  DUE  PERIOD  CATCH-UP  METHOD  TRIES\n"
            "-     -    once    -         -       -\n");
}

TEST(ActorsText, ATextOfOthersCommandsNoTerminal) {
  EXPECT_EQ(
      text({.stored = true}, R"({"actors":[{"actor":"a/b/\u001b[2J\n\u009b\u00e4","turn":1}]})"),
      "ACTOR         TURN  PAUSED\n"
      "a/b/?[2J??\xc3\xa4  1     -\n");
}

}  // namespace
}  // namespace kelpie::app
