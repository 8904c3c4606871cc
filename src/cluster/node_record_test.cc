#include "cluster/node_record.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <utility>

namespace kelpie::cluster {
namespace {

using enum NodeState;

constexpr std::array kStates = {kJoining, kActive, kLeaving, kLeft, kFailed};

TEST(NodeState, MovesByTheTableAndInNoOtherWay) {
  const std::set<std::pair<NodeState, NodeState>> legal = {
      {kLeft, kJoining},   {kJoining, kActive}, {kActive, kLeaving}, {kLeaving, kLeft},
      {kJoining, kFailed}, {kActive, kFailed},  {kLeaving, kFailed}, {kFailed, kJoining}};
  for (const NodeState from : kStates) {
    for (const NodeState to : kStates) {
      EXPECT_EQ(may_follow(from, to), legal.contains({from, to}))
          << node_state_name(from) << " to " << node_state_name(to);
    }
  }
}

TEST(NodeState, AWalkStopsAtTheFirstStepThatIsNotLegal) {
  EXPECT_EQ(walk(kActive, {kFailed, kJoining, kActive}).value(), kActive);
  EXPECT_EQ(walk(kLeft, {}).value(), kLeft);
  const auto refused = walk(kLeft, {kJoining, kLeaving, kLeft});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kFailedPrecondition);
  EXPECT_NE(refused.error().message.find("joining cannot become leaving"), std::string::npos);
}

TEST(NodeState, NamesAreReadBack) {
  for (const NodeState state : kStates) {
    EXPECT_EQ(node_state_of(node_state_name(state)), state);
  }
  EXPECT_FALSE(node_state_of("dead").has_value());
}

TEST(NodeRecord, IsReadBack) {
  const NodeRecord record{
      .state = kLeaving, .address = "10.0.0.1:8283", .joined = WallTime::from_seconds(1'790'000)};
  EXPECT_EQ(decode_node_record(encode_node_record(record)).value(), record);
}

TEST(NodeRecord, OfAnOlderVersionHasAStateAlone) {
  const auto record = decode_node_record(R"({"format":1,"state":"active"})");
  ASSERT_TRUE(record.ok());
  EXPECT_EQ(record->state, kActive);
  EXPECT_EQ(record->address, "");
}

TEST(NodeRecord, WhatIsNotUnderstoodIsAnError) {
  for (const char* text : {"", "7", R"({"state":"active"})", R"({"format":2,"state":"active"})",
                           R"({"format":1})", R"({"format":1,"state":"zombie"})"}) {
    const auto record = decode_node_record(text);
    ASSERT_FALSE(record.ok()) << text;
    EXPECT_EQ(record.error().code, Code::kDataLoss) << text;
  }
}

TEST(Beat, IsReadBack) {
  const Beat beat{.epoch = Epoch("0123456789"), .counter = 77, .sent = WallTime::from_seconds(5)};
  EXPECT_EQ(decode_beat(encode_beat(beat)).value(), beat);
  EXPECT_EQ(decode_beat("").error().code, Code::kDataLoss);
  EXPECT_FALSE(decode_beat(encode_beat(beat) + "x").ok());
}

}  // namespace
}  // namespace kelpie::cluster
