#include "sim/provider/provider_oracles.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

namespace kelpie::sim {
namespace {

// How a run may end at the model; what an agent's server tells of it.
constexpr std::array<std::string_view, 5> kModelErrors = {
    "llm_timeout", "llm_rate_limit", "llm_bad_request", "llm_empty_response", "llm_error"};

std::map<std::string, int64_t> first_deletes(const History& history) {
  std::map<std::string, int64_t> deletes;
  for (const Op& op : history) {
    if (op.kind == OpKind::kDelete) {
      const auto [found, is_new] = deletes.try_emplace(op.agent, op.called_ns);
      found->second = std::min(found->second, op.called_ns);
    }
  }
  return deletes;
}

bool holds_text(const Op& list, const std::string& text) {
  return std::ranges::any_of(list.messages, [&](const SeenMessage& message) {
    return message.type == "user_message" && message.text == text;
  });
}

}  // namespace

std::optional<Failure> check_answers_were_said(const History& history,
                                               const std::set<std::string>& agents,
                                               const std::set<std::string>& said) {
  for (const Op& op : history) {
    if (op.outcome != Outcome::kOk || !agents.contains(op.agent)) {
      continue;
    }
    for (const SeenMessage& message : op.messages) {
      if (message.type == "assistant_message" && !said.contains(message.text)) {
        return Failure{"S16", fmt::format("the provider has never said \"{}\": {}",
                                          message.text.substr(0, 200), op.to_string())};
      }
    }
  }
  return std::nullopt;
}

std::optional<Failure> check_failed_runs(const History& history,
                                         const std::set<std::string>& agents) {
  const std::map<std::string, int64_t> deletes = first_deletes(history);
  for (const Op& send : history) {
    if (send.model_error.empty()) {
      continue;
    }
    if (!agents.contains(send.agent)) {
      return Failure{"500", "a model that cannot fail has failed: " + send.to_string()};
    }
    if (send.model_error == kReasonLost) {
      continue;
    }
    if (std::ranges::find(kModelErrors, send.model_error) == kModelErrors.end()) {
      return Failure{"L8", fmt::format("a run ended for a reason that is none ({}): {}",
                                       send.model_error, send.to_string())};
    }
    const auto removed = deletes.find(send.agent);
    for (const Op& list : history) {
      const bool later = list.kind == OpKind::kList && list.outcome == Outcome::kOk &&
                         list.agent == send.agent && list.called_ns > send.returned_ns;
      const bool gone = removed != deletes.end() && removed->second <= list.returned_ns;
      if (later && !gone && !holds_text(list, send.text)) {
        return Failure{"S16", fmt::format("{} is lost, whose run failed at the model ({}): {}",
                                          send.text, send.model_error, list.to_string())};
      }
    }
  }
  return std::nullopt;
}

}  // namespace kelpie::sim
