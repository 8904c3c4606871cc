#include "sim/links.h"

namespace kelpie::sim {

void Links::cut(const std::string& from, const std::string& to) { cut_.try_emplace({from, to}); }

void Links::mend(const std::string& from, const std::string& to) {
  // Out of the map first: what runs may send.
  auto node = cut_.extract({from, to});
  if (node.empty()) {
    return;
  }
  for (async::Work& arrive : node.mapped()) {
    arrive();
  }
}

void Links::mend_all() {
  while (!cut_.empty()) {
    const Pair pair = cut_.begin()->first;
    mend(pair.first, pair.second);
  }
}

void Links::pass(const std::string& from, const std::string& to, async::Work arrive) {
  const auto found = cut_.find({from, to});
  if (found == cut_.end()) {
    arrive();
  } else {
    found->second.push_back(std::move(arrive));
  }
}

void Links::slow_down(const std::string& a, const std::string& b, Duration by) {
  slow_[{a, b}] = by;
  slow_[{b, a}] = by;
}

Duration Links::slowness(const std::string& from, const std::string& to) const {
  if (slow_.empty()) {
    return Duration();
  }
  const auto found = slow_.find({from, to});
  return found == slow_.end() ? Duration() : found->second;
}

}  // namespace kelpie::sim
