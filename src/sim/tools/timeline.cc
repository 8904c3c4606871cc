#include "sim/tools/timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <set>

namespace kelpie::sim {
namespace {

constexpr size_t kNowhere = std::numeric_limits<size_t>::max();

std::string_view next_word(std::string_view& rest) {
  const size_t begin = std::min(rest.find_first_not_of(' '), rest.size());
  rest.remove_prefix(begin);
  const std::string_view word = rest.substr(0, rest.find(' '));
  rest.remove_prefix(word.size());
  return word;
}

std::string_view host_of(std::string_view who) { return who.substr(0, who.find_first_of("#/")); }

bool mentions(std::string_view text, std::string_view what) {
  return !what.empty() && text.find(what) != std::string_view::npos;
}

bool is_one_of(std::string_view verb, std::initializer_list<std::string_view> verbs) {
  return std::ranges::find(verbs, verb) != verbs.end();
}

// What an `op` line says: `call #17 client-1 send agent-1 message client-1/3; called …`.
struct OpLine {
  std::string_view what;  // call, made, answer
  std::string_view number;
  std::string_view agent;
  std::string_view text;
};

OpLine parse_op(std::string_view details) {
  OpLine op;
  std::string_view rest = details;
  op.what = next_word(rest);
  op.number = next_word(rest);
  const size_t agent = rest.find(" agent-");
  if (agent != std::string_view::npos) {
    std::string_view from = rest.substr(agent);
    op.agent = next_word(from);
  }
  const size_t text = rest.find("message ");
  if (text != std::string_view::npos) {
    op.text = rest.substr(text, rest.find(';', text) - text + 1);
  }
  return op;
}

class Follower {
 public:
  Follower(std::span<const std::string> lines, std::string_view request) : lines_(lines) {
    number_ = request.starts_with('#') ? std::string(request) : fmt::format("#{}", request);
    text_ = request;
  }

  Result<std::vector<std::string>> follow() {
    find_operation();
    if (called_at_ == kNowhere) {
      return base::not_found(
          fmt::format("no operation of this run has the number {} or sends \"{}\"; `op` lines of "
                      "`kelpie sim replay --trace` show them",
                      number_, text_));
    }
    find_versions();
    std::vector<std::string> found;
    for (size_t i = 0; i < lines_.size(); ++i) {
      const Result<TraceLine> line = parse_trace_line(lines_[i]);
      if (line.ok() && belongs(*line, i)) {
        found.push_back(lines_[i]);
      }
    }
    return found;
  }

 private:
  void find_operation() {
    for (size_t i = 0; i < lines_.size(); ++i) {
      const Result<TraceLine> line = parse_trace_line(lines_[i]);
      if (!line.ok() || line->verb != "op") {
        continue;
      }
      clients_.insert(std::string(host_of(line->who)));
      const OpLine op = parse_op(line->details);
      const bool starts = called_at_ == kNowhere && op.what == "call" &&
                          (op.number == number_ || mentions(op.text, text_));
      if (starts) {
        called_at_ = i;
        client_ = host_of(line->who);
        number_ = op.number;
        text_ = op.text;
      }
      if (called_at_ == kNowhere || op.number != number_) {
        continue;
      }
      agent_ = op.agent.empty() ? agent_ : op.agent;
      answered_at_ = op.what == "answer" ? i : answered_at_;
    }
  }

  // Versions of the disk whose mutations mention it.
  void find_versions() {
    for (size_t i = 0; i < lines_.size(); ++i) {
      const Result<TraceLine> line = parse_trace_line(lines_[i]);
      if (line.ok() && line->verb == "write" && mentioned(line->details, i)) {
        std::string_view rest = line->details;
        versions_.insert(std::string(next_word(rest)));
      }
    }
  }

  [[nodiscard]] bool in_between(size_t at) const { return at >= called_at_ && at <= answered_at_; }

  [[nodiscard]] bool mentioned(std::string_view details, size_t at) const {
    return mentions(details, text_) || (in_between(at) && mentions(details, agent_));
  }

  [[nodiscard]] bool belongs(const TraceLine& line, size_t at) const {
    if (line.verb == "op") {
      return parse_op(line.details).number == number_;
    }
    if (line.verb == "store") {
      std::string_view rest = line.details;
      const std::string_view what = next_word(rest);
      return versions_.contains(std::string(next_word(rest))) ||
             (in_between(at) && what.starts_with("crash"));
    }
    if (mentioned(line.details, at)) {
      return true;
    }
    if (!in_between(at)) {
      return false;
    }
    const std::string_view host = host_of(line.who);
    if (is_one_of(line.verb, {"connect", "deliver", "fin", "reset"})) {
      return host == client_ || mentions(line.details, fmt::format("from {}#", client_));
    }
    const bool of_another_client = host != client_ && clients_.contains(std::string(host));
    return is_one_of(line.verb, {"crash", "boot", "stop", "fault", "step"}) && !of_another_client;
  }

  std::span<const std::string> lines_;
  std::string number_;  // with its #
  std::string text_;
  std::string client_;
  std::string agent_;
  std::set<std::string> clients_;
  std::set<std::string> versions_;
  size_t called_at_ = kNowhere;
  size_t answered_at_ = kNowhere;
};

}  // namespace

Result<TraceLine> parse_trace_line(std::string_view line) {
  std::string_view rest = line;
  const std::string_view number = next_word(rest);
  TraceLine parsed;
  const auto [end, code] =
      std::from_chars(number.data(), number.data() + number.size(), parsed.event);
  parsed.time = next_word(rest);
  parsed.who = next_word(rest);
  parsed.verb = next_word(rest);
  parsed.details = rest.substr(std::min(rest.find_first_not_of(' '), rest.size()));
  const bool whole = code == std::errc() && end == number.data() + number.size();
  if (!whole || parsed.verb.empty()) {
    return base::invalid_argument(
        fmt::format("expected `event seconds host verb details`, got \"{}\"", line));
  }
  return parsed;
}

Result<std::vector<std::string>> follow_request(std::span<const std::string> lines,
                                                std::string_view request) {
  return Follower(lines, request).follow();
}

}  // namespace kelpie::sim
