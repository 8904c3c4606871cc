#include "sim/history.h"

#include <fmt/format.h>

#include <algorithm>

namespace kelpie::sim {
namespace {

std::string seconds(int64_t at_ns) {
  return at_ns == kNever
             ? std::string("never")
             : fmt::format("{}.{:06}", at_ns / 1'000'000'000, at_ns % 1'000'000'000 / 1'000);
}

}  // namespace

std::string_view op_name(OpKind kind) {
  switch (kind) {
    case OpKind::kCreate:
      return "create";
    case OpKind::kSend:
      return "send";
    case OpKind::kList:
      return "list";
    case OpKind::kGet:
      return "get";
    case OpKind::kDelete:
      return "delete";
  }
  return "?";
}

std::string Op::to_string() const {
  return fmt::format("{} {} {}{}{} called {} returned {} status {} messages {}", client,
                     op_name(kind), agent, text.empty() ? "" : " ", text, seconds(called_ns),
                     seconds(returned_ns), status, messages.size());
}

bool in_flight(const History& history) {
  return std::ranges::any_of(history, [](const Op& op) { return op.returned_ns == kNever; });
}

}  // namespace kelpie::sim
