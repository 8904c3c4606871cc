// Timeline: of a whole trace, the lines that belong to one request of a client.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kelpie::sim {

// A line of a trace, taken apart. The views are into the line.
struct TraceLine {
  uint64_t event = 0;
  std::string_view time;
  std::string_view who;  // host#incarnation
  std::string_view verb;
  std::string_view details;
};
// invalid_argument for what Trace does not print.
Result<TraceLine> parse_trace_line(std::string_view line);

// The lines that belong to `request`, in order: the number of an operation, as `op` lines show it
// (`17` or `#17`), or a part of the text that it sends. These are:
//   its call and its answer;
//   between these, what happened on the wires of its client, which makes one operation at a time;
//   at any time, writes and logs that mention its text, and between call and answer those that
//   mention its agent, with the write and the sync of their versions;
//   between these, crashes, starts, faults of the servers and steps of the scenario.
// not_found when no call is it.
Result<std::vector<std::string>> follow_request(std::span<const std::string> lines,
                                                std::string_view request);

}  // namespace kelpie::sim
