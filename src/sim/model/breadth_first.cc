#include "sim/model/breadth_first.h"

namespace kelpie::sim {
namespace {

std::string_view verdict_name(ModelCheck::Verdict verdict) {
  switch (verdict) {
    case ModelCheck::Verdict::kHolds:
      return "holds";
    case ModelCheck::Verdict::kViolated:
      return "VIOLATED";
    case ModelCheck::Verdict::kUnreached:
      return "UNREACHED";
    case ModelCheck::Verdict::kBoundReached:
      return "BOUND REACHED";
  }
  return "?";
}

}  // namespace

std::string ModelCheck::to_string() const {
  std::string text(verdict_name(verdict));
  text += ": " + std::to_string(states) + " states, " + std::to_string(transitions) +
          " transitions, depth " + std::to_string(depth);
  if (verdict == Verdict::kUnreached) {
    for (const std::string& what : missing) {
      text += "\n  " + what;
    }
  }
  if (verdict == Verdict::kViolated) {
    text += "\n  " + violation;
    for (size_t i = 0; i < trace.size(); ++i) {
      text += "\n  " + std::to_string(i + 1) + ". " + trace[i];
    }
  }
  return text;
}

}  // namespace kelpie::sim
