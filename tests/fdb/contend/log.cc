#include "log.h"

#include <sstream>
#include <utility>

#include "base/error.h"

namespace kelpie::contend {
namespace {

constexpr const char* kNothing = "-";

std::string shown(const std::string& word) { return word.empty() ? kNothing : word; }
std::string meant(std::string word) { return word == kNothing ? std::string() : word; }

std::string kind_name(Kind kind) {
  switch (kind) {
    case Kind::kAdd:
      return "add";
    case Kind::kSession:
      return "session";
    case Kind::kRead:
      return "read";
  }
  return kNothing;
}

std::optional<Kind> kind_of(const std::string& name) {
  for (const Kind kind : {Kind::kAdd, Kind::kSession, Kind::kRead}) {
    if (kind_name(kind) == name) {
      return kind;
    }
  }
  return std::nullopt;
}

std::optional<Call> read_call(std::istringstream& line) {
  Call call;
  std::string kind;
  line >> call.called_ns >> call.returned_ns >> call.actor >> kind >> call.key >> call.outcome >>
      call.owner >> call.value >> call.generation;
  const std::optional<Kind> known = kind_of(kind);
  if (!line || !known || call.returned_ns < call.called_ns) {
    return std::nullopt;
  }
  call.kind = *known;
  call.key = meant(std::move(call.key));
  call.owner = meant(std::move(call.owner));
  call.generation = meant(std::move(call.generation));
  if ((call.kind == Kind::kRead) != call.key.empty()) {
    return std::nullopt;
  }
  return call;
}

}  // namespace

std::string node_line(const std::string& node) { return "node " + node + "\n"; }

std::string call_line(const Call& call) {
  return "call " + std::to_string(call.called_ns) + " " + std::to_string(call.returned_ns) + " " +
         call.actor + " " + kind_name(call.kind) + " " + shown(call.key) + " " + call.outcome +
         " " + shown(call.owner) + " " + std::to_string(call.value) + " " + shown(call.generation) +
         "\n";
}

std::string epoch_line(const EpochSeen& seen) {
  return "epoch " + std::to_string(seen.at_ns) + " " + seen.epoch + "\n";
}

std::string end_line(uint64_t calls) { return "end " + std::to_string(calls) + "\n"; }

Result<NodeLog> read_log(std::istream& in) {
  NodeLog log;
  std::string text;
  bool ended = false;
  for (int number = 1; std::getline(in, text); ++number) {
    std::istringstream line(text);
    std::string word;
    line >> word;
    bool fine = !ended && (number == 1) == (word == "node");
    if (word == "node") {
      fine = fine && line >> log.node;
    } else if (word == "call") {
      std::optional<Call> call = read_call(line);
      fine = fine && call.has_value();
      log.calls.push_back(std::move(call).value_or(Call()));
    } else if (word == "epoch") {
      EpochSeen seen;
      fine = fine && line >> seen.at_ns >> seen.epoch;
      log.epochs.push_back(std::move(seen));
    } else {
      uint64_t calls = 0;
      fine = fine && word == "end" && line >> calls && calls == log.calls.size();
      ended = true;
    }
    if (!fine) {
      return base::data_loss("line " + std::to_string(number) + " of the log: " + text);
    }
  }
  if (!ended) {
    return base::data_loss("the log has no end");
  }
  return log;
}

}  // namespace kelpie::contend
