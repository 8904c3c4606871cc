#include "log.h"

#include <gtest/gtest.h>

#include <sstream>

#include "testing.h"

namespace kelpie::contend {
namespace {

using namespace testing;  // NOLINT

bool whole(const std::string& text) {
  std::istringstream in(text);
  const auto log = read_log(in);
  EXPECT_TRUE(log.ok() || log.error().code == Code::kDataLoss);
  return log.ok();
}

TEST(Log, ReadsWhatItWrote) {
  Call session = add(3, 9, "session/n/1", 2, "0a");
  session.kind = Kind::kSession;
  std::istringstream in(node_line("n") + epoch_line({.at_ns = 1, .epoch = "ff"}) +
                        call_line(read(2, 5, 7)) + call_line(session) +
                        call_line(refused(4, 6, "other")) + end_line(3));
  const auto log = read_log(in);
  ASSERT_TRUE(log.ok()) << log.error().to_string();
  EXPECT_EQ(log->node, "n");
  ASSERT_EQ(log->epochs.size(), 1U);
  EXPECT_EQ(log->epochs[0].epoch, "ff");
  ASSERT_EQ(log->calls.size(), 3U);
  EXPECT_EQ(log->calls[0].called_ns, 2);
  EXPECT_EQ(log->calls[0].returned_ns, 5);
  EXPECT_EQ(log->calls[0].kind, Kind::kRead);
  EXPECT_EQ(log->calls[0].value, 7);
  EXPECT_EQ(log->calls[0].key, "");
  EXPECT_EQ(log->calls[1].kind, Kind::kSession);
  EXPECT_EQ(log->calls[1].key, "session/n/1");
  EXPECT_EQ(log->calls[1].generation, "0a");
  EXPECT_EQ(log->calls[2].outcome, "elsewhere");
  EXPECT_EQ(log->calls[2].owner, "other");
}

TEST(Log, RefusesWhatIsNotWhole) {
  const std::string call = call_line(read(1, 2, 0));
  EXPECT_TRUE(whole(node_line("n") + call + end_line(1)));
  EXPECT_FALSE(whole(""));
  EXPECT_FALSE(whole(node_line("n") + call));
  EXPECT_FALSE(whole(node_line("n") + call + end_line(2)));
  EXPECT_FALSE(whole(call + end_line(1)));
  EXPECT_FALSE(whole(node_line("n") + end_line(0) + call));
  EXPECT_FALSE(whole(node_line("n") + "call 1 2 a read\n" + end_line(1)));
  EXPECT_FALSE(whole(node_line("n") + call_line(read(3, 2, 0)) + end_line(1)));
  EXPECT_FALSE(whole(node_line("n") + "something else\n" + end_line(0)));
}

}  // namespace
}  // namespace kelpie::contend
