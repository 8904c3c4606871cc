#include "sim/tools/timeline.h"

#include <gtest/gtest.h>

namespace kelpie::sim {
namespace {

// Two clients; the second's request is slow, and the server crashes meanwhile.
const std::vector<std::string> kTrace = {
    "      0     0.000000000 sim          step     set-up",
    "      4     1.000000000 client-1     op       call #0 client-1 get agent-7 called 1.0",
    "      5     1.100000000 client-2     op       call #1 client-2 send agent-9 "
    "message client-2/1; called 1.1",
    "      6     1.200000000 node#1       deliver  c3 90 bytes from client-1#1",
    "      7     1.300000000 node#1       deliver  c4 120 bytes from client-2#1",
    "      8     1.350000000 node#1       log      info woke agent-9",
    "      9     1.360000000 node#1       log      info woke agent-7",
    "     10     1.400000000 disk         write    41 set message = agent-9 message client-2/1;",
    "     10     1.400000000 disk         store    wrote 41 with 1 mutations",
    "     11     1.500000000 disk         write    42 set other = agent-7",
    "     11     1.500000000 disk         store    wrote 42 with 1 mutations",
    "     12     1.600000000 client-1#1   fault    NetworkDelay",
    "     13     1.700000000 node#1       fault    StorageLatency",
    "     14     1.800000000 node#1       crash    ",
    "     15     1.900000000 client-1     op       answer #0 client-1 get agent-7 called 1.0",
    "     16     2.000000000 client-2#1   reset    c4 CrashReset",
    "     17     2.100000000 client-2     op       answer #1 client-2 send agent-9 "
    "message client-2/1; called 1.1 returned 2.1",
    "     18     2.200000000 disk         store    synced 41",
    "     19     2.300000000 node#2       log      info again message client-2/1; found",
    "     20     2.400000000 node#2       log      info agent-9 sleeps",
    "     21     2.500000000 node#2       crash    ",
};

std::vector<uint64_t> events_of(std::string_view request) {
  const Result<std::vector<std::string>> found = follow_request(kTrace, request);
  std::vector<uint64_t> events;
  for (const std::string& line : found.ok() ? *found : std::vector<std::string>()) {
    events.push_back(parse_trace_line(line)->event);
  }
  return events;
}

TEST(Timeline, HoldsWhatBelongsToTheRequestAndNothingElse) {
  const std::vector<uint64_t> wanted = {5, 7, 8, 10, 10, 13, 14, 16, 17, 18, 19};
  EXPECT_EQ(events_of("1"), wanted);
  EXPECT_EQ(events_of("#1"), wanted);
  EXPECT_EQ(events_of("client-2/1"), wanted);
}

TEST(Timeline, ARequestWithoutATextIsFollowedByItsAgentWhileItLasts) {
  EXPECT_EQ(events_of("0"), (std::vector<uint64_t>{4, 6, 9, 11, 11, 12, 13, 14, 15}));
}

TEST(Timeline, ARequestThatIsNoneIsNotFound) {
  const Result<std::vector<std::string>> found = follow_request(kTrace, "17");
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, base::Code::kNotFound);
}

TEST(Timeline, ALineThatNoTraceHasIsRefused) {
  EXPECT_FALSE(parse_trace_line("seed 1 hash 0").ok());
  EXPECT_FALSE(parse_trace_line("").ok());
  EXPECT_FALSE(parse_trace_line("12 0.1 node#1").ok());
}

}  // namespace
}  // namespace kelpie::sim
