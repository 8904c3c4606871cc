// Links: which host's packets reach which other host, and how slowly. Directed: a cut may be of one
// direction alone.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <utility>

#include "async/loop.h"
#include "base/time.h"

namespace kelpie::sim {

// One per run. Nothing is lost by a cut: what was sent waits, as TCP sends it again.
class Links {
 public:
  void cut(const std::string& from, const std::string& to);
  // What waited is let through now, in its order.
  void mend(const std::string& from, const std::string& to);
  void mend_all();
  [[nodiscard]] bool is_cut(const std::string& from, const std::string& to) const {
    return cut_.contains({from, to});
  }
  [[nodiscard]] size_t cuts() const { return cut_.size(); }

  // Runs `arrive` now, or when the link is mended.
  void pass(const std::string& from, const std::string& to, async::Work arrive);

  // For good, in both directions.
  void slow_down(const std::string& a, const std::string& b, Duration by);
  // What is added to each latency.
  [[nodiscard]] Duration slowness(const std::string& from, const std::string& to) const;

 private:
  using Pair = std::pair<std::string, std::string>;
  std::map<Pair, std::deque<async::Work>> cut_;  // and what waits
  std::map<Pair, Duration> slow_;
};

}  // namespace kelpie::sim
