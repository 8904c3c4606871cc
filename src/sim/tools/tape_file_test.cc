#include "sim/tools/tape_file.h"

#include <gtest/gtest.h>

namespace kelpie::sim {
namespace {

TapeFile sample() {
  TapeFile tape;
  tape.scenario = "first_light";
  tape.seed = 17;
  tape.mutants = {"M24", "M8"};
  tape.oracle = "S20";
  tape.what = "a read error that became a new actor";
  tape.swarm = Swarm::draw(Choices(17));
  tape.beyond = Beyond::kMild;
  Choices choices(17, ChoiceOptions{.record = true});
  for (uint64_t i = 0; i < 100; ++i) {
    choices.choose("net/delay", 2 + i % 3);
    choices.choose("schedule/order", 1'000'000);
  }
  tape.streams = by_stream(choices.tape(), choices.labels(), 1'000);
  return tape;
}

TEST(TapeFile, WhatIsWrittenIsReadBackWhole) {
  const TapeFile tape = sample();
  const Result<TapeFile> back = read_tape(write_tape(tape));
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(back->scenario, tape.scenario);
  EXPECT_EQ(back->seed, 17u);
  EXPECT_EQ(back->mutants, tape.mutants);
  EXPECT_EQ(back->oracle, "S20");
  EXPECT_EQ(back->what, tape.what);
  EXPECT_EQ(back->swarm.to_string(), tape.swarm.to_string());
  EXPECT_EQ(back->beyond, Beyond::kMild);
  EXPECT_EQ(back->streams, tape.streams);
  EXPECT_EQ(decisions(back->streams), 200u);
}

TEST(TapeFile, SaysWhichLineIsNone) {
  const auto refused = [](std::string_view text) {
    const Result<TapeFile> tape = read_tape(text);
    return tape.ok() ? std::string("taken") : tape.error().message;
  };
  EXPECT_NE(refused("").find("line 0"), std::string::npos);
  EXPECT_NE(refused("kelpie-tape 2\n").find("line 1"), std::string::npos);
  EXPECT_NE(refused("kelpie-tape 1\nscenario s\nseed x\n").find("line 3"), std::string::npos);
  const std::string head = "kelpie-tape 1\nscenario s\n";
  EXPECT_NE(refused(head + "stream a 2\n5:1\n").find("1 more"), std::string::npos);
  EXPECT_NE(refused(head + "stream a 1\n5:5\n").find("below the bound"), std::string::npos);
  EXPECT_NE(refused(head + "stream a 1\n3\n").find("below the bound"), std::string::npos);
  EXPECT_NE(refused(head + "stream a 1\n5:1 2\n").find("more decisions"), std::string::npos);
  EXPECT_EQ(refused(head + "stream a 1\n5:1\n"), "taken");
}

}  // namespace
}  // namespace kelpie::sim
