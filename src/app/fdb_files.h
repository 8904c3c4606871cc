// The texts that FoundationDB's client is set up with: the cluster file and a file of knobs. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace kelpie::app {

// A cluster file holds one connection string, `description:id@address[,address...]`. Blanks and
// line breaks do not count, and `#` begins a comment up to the end of its line.
struct ClusterString {
  std::string description;             // letters, digits, underscores
  std::string id;                      // letters, digits
  std::vector<std::string> addresses;  // `host:port` or `[ipv6]:port`, perhaps with `:tls`
  bool operator==(const ClusterString&) const = default;
};

// `invalid_argument` with what was expected and what came.
Result<ClusterString> parse_cluster_file(std::string_view text);

// Name and value, in the order of the file.
using Knobs = std::vector<std::pair<std::string, std::string>>;

// Lines `name=value`; blank lines and lines that begin with `#` are passed over. `invalid_argument`
// with `path:line`; also for a knob that is named twice.
Result<Knobs> parse_knobs_file(const std::string& path, std::string_view text);

}  // namespace kelpie::app
