#include "sim/agent_oracles.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <vector>

#include "store/keys.h"

namespace kelpie::sim {
namespace {

// All that the history says of one agent.
struct AgentView {
  const Op* create = nullptr;         // acknowledged
  const Op* remove = nullptr;         // the first acknowledged delete
  int64_t remove_called_ns = kNever;  // the first delete of any outcome
  std::vector<const Op*> sends;
  std::vector<const Op*> lists;   // answered with 2xx
  std::vector<const Op*> absent;  // answered with 404

  // Whether the agent must still be there for an operation that ended then.
  [[nodiscard]] bool lives_until(int64_t ns) const { return ns < remove_called_ns; }
  [[nodiscard]] bool seen_after(int64_t ns) const {
    const auto later = [&](const Op* op) { return op->returned_ns > ns; };
    return std::ranges::any_of(lists, later);
  }
};

using Agents = std::map<std::string, AgentView>;

void add_delete(AgentView& view, const Op& op) {
  view.remove_called_ns = std::min(view.remove_called_ns, op.called_ns);
  const bool done = op.outcome == Outcome::kOk;
  if (done && (view.remove == nullptr || op.returned_ns < view.remove->returned_ns)) {
    view.remove = &op;
  }
}

Agents by_agent(const History& history) {
  Agents agents;
  for (const Op& op : history) {
    if (op.agent.empty()) {
      continue;
    }
    AgentView& view = agents[op.agent];
    if (op.outcome == Outcome::kAbsent && op.kind != OpKind::kDelete) {
      view.absent.push_back(&op);
    }
    if (op.kind == OpKind::kCreate && op.outcome == Outcome::kOk) {
      view.create = &op;
    } else if (op.kind == OpKind::kSend) {
      view.sends.push_back(&op);
    } else if (op.kind == OpKind::kList && op.outcome == Outcome::kOk) {
      view.lists.push_back(&op);
    } else if (op.kind == OpKind::kDelete) {
      add_delete(view, op);
    }
  }
  return agents;
}

Failure failure(std::string oracle, std::string what, const Op& op) {
  return Failure{std::move(oracle), fmt::format("{}: {}", what, op.to_string())};
}

// Positions of the user messages of a list, by what a client sent. Texts carry a unique first line.
std::map<std::string, std::vector<size_t>> user_texts(const Op& list) {
  std::map<std::string, std::vector<size_t>> positions;
  for (size_t i = 0; i < list.messages.size(); ++i) {
    if (list.messages[i].type == "user_message") {
      positions[list.messages[i].text].push_back(i);
    }
  }
  return positions;
}

bool must_contain(const AgentView& view, const Op& send, const Op& list) {
  return send.outcome == Outcome::kOk && send.returned_ns < list.called_ns &&
         view.lives_until(list.returned_ns);
}

// An answer without the agent, or with nothing of what must be in it, while a read error hit, of an
// agent that a later answer shows.
bool is_error_read_as_absence(const AgentView& view, const Op& op) {
  if (!op.storage_errors || !view.seen_after(op.returned_ns)) {
    return false;
  }
  return op.outcome == Outcome::kAbsent ||
         (op.messages.empty() && std::ranges::any_of(view.sends, [&](const Op* send) {
            return must_contain(view, *send, op);
          }));
}

std::optional<Failure> check_list_against_sends(const AgentView& view, const Op& list) {
  const auto positions = user_texts(list);
  std::set<std::string> sent;
  for (const Op* send : view.sends) {
    if (send->called_ns < list.returned_ns) {
      sent.insert(send->text);
    }
    const auto found = positions.find(send->text);
    const size_t times = found == positions.end() ? 0 : found->second.size();
    if (times > 1) {
      return failure("S3", fmt::format("{} is listed {} times", send->text, times), list);
    }
    if (times == 0 && must_contain(view, *send, list) && !is_error_read_as_absence(view, list)) {
      return failure("S3", fmt::format("{} was acknowledged before and is missing", send->text),
                     list);
    }
  }
  for (const auto& [text, where] : positions) {
    if (!sent.contains(text)) {
      return failure("S4", fmt::format("nobody has sent \"{}\"", text), list);
    }
  }
  return std::nullopt;
}

// What a send's answer showed is acknowledged, too.
std::optional<Failure> check_answers_are_listed(const AgentView& view, const Op& list) {
  std::set<std::pair<std::string, std::string>> listed;
  for (const SeenMessage& message : list.messages) {
    listed.emplace(message.id, message.type);
  }
  for (const Op* send : view.sends) {
    if (!must_contain(view, *send, list) || is_error_read_as_absence(view, list)) {
      continue;
    }
    for (const SeenMessage& message : send->messages) {
      if (!listed.contains(std::pair(message.id, message.type))) {
        return failure("S3",
                       fmt::format("{} {} was in the answer to {} and is missing", message.type,
                                   message.id, send->text),
                       list);
      }
    }
  }
  return std::nullopt;
}

bool same_message(const SeenMessage& a, const SeenMessage& b) {
  // The system message is rendered anew; everything else stays as it was.
  return a.id == b.id && a.type == b.type && a.tool_call_id == b.tool_call_id &&
         (a.type == "system_message" || a.text == b.text);
}

bool is_prefix(const Op& shorter, const Op& longer) {
  return shorter.messages.size() <= longer.messages.size() &&
         std::ranges::equal(
             shorter.messages.begin(), shorter.messages.end(), longer.messages.begin(),
             longer.messages.begin() + static_cast<std::ptrdiff_t>(shorter.messages.size()),
             same_message);
}

std::optional<Failure> check_growth(const AgentView& view) {
  std::vector<const Op*> lists = view.lists;
  std::ranges::sort(
      lists, {}, [](const Op* list) { return std::pair(list->messages.size(), list->called_ns); });
  for (size_t i = 1; i < lists.size(); ++i) {
    const Op& shorter = *lists[i - 1];
    const Op& longer = *lists[i];
    if (is_error_read_as_absence(view, shorter)) {
      continue;
    }
    if (!is_prefix(shorter, longer)) {
      return failure("S16", "a list is no beginning of a longer one (" + longer.to_string() + ")",
                     shorter);
    }
  }
  return std::nullopt;
}

std::optional<Failure> check_tool_calls(const Op& list, bool settled) {
  std::map<std::string, int> results;
  for (const SeenMessage& message : list.messages) {
    if (message.type == "tool_call_message") {
      if (!results.emplace(message.tool_call_id, 0).second) {
        return failure("S16", "two tool calls share the id " + message.tool_call_id, list);
      }
    } else if (message.type == "tool_return_message") {
      const auto call = results.find(message.tool_call_id);
      if (call == results.end()) {
        return failure("S16", "a result comes before its tool call " + message.tool_call_id, list);
      }
      if (++call->second > 1) {
        return failure("S16", "a second result for tool call " + message.tool_call_id, list);
      }
    }
  }
  for (const auto& [id, count] : results) {
    if (settled && count == 0) {
      return failure("S16", "no result for tool call " + id, list);
    }
  }
  return std::nullopt;
}

// Real time: a send that returned before another was called stands before it.
std::optional<Failure> check_real_time(const AgentView& view, const Op& list) {
  const auto positions = user_texts(list);
  const auto position = [&](const Op* send) -> std::optional<size_t> {
    const auto found = positions.find(send->text);
    return found == positions.end() ? std::nullopt : std::optional(found->second.front());
  };
  for (const Op* first : view.sends) {
    const std::optional<size_t> first_at = position(first);
    if (!first_at || first->outcome != Outcome::kOk) {
      continue;
    }
    for (const Op* second : view.sends) {
      const std::optional<size_t> second_at = position(second);
      if (second_at && first->returned_ns < second->called_ns && *second_at < *first_at) {
        return failure("S4",
                       fmt::format("{} was called after {} had returned, and stands before it",
                                   second->text, first->text),
                       list);
      }
    }
  }
  return std::nullopt;
}

// What one list shows, a list that starts after it shows, too.
std::optional<Failure> check_lists_in_real_time(const AgentView& view) {
  for (const Op* first : view.lists) {
    for (const Op* second : view.lists) {
      if (first->returned_ns < second->called_ns && view.lives_until(second->returned_ns) &&
          second->messages.size() < first->messages.size() &&
          !is_error_read_as_absence(view, *second)) {
        return failure("S4", "a list shows less than one before it (" + first->to_string() + ")",
                       *second);
      }
    }
  }
  return std::nullopt;
}

bool holds_config(const std::map<Bytes, Bytes>& contents, const std::string& agent) {
  return std::ranges::any_of(contents, [&](const auto& entry) {
    return entry.first.find(agent) != Bytes::npos && entry.first.find("config") != Bytes::npos;
  });
}

// An acknowledged delete that is gone whole is a lost acknowledgement; anything between is S18's.
Failure delete_failure(std::string what, const Op& op, const std::map<Bytes, Bytes>& contents) {
  return holds_config(contents, op.agent)
             ? failure("S3", "an acknowledged delete was lost: " + what, op)
             : failure("S18", std::move(what), op);
}

// Runs `check` for each agent in order until one fails.
template <class Check>
std::optional<Failure> for_each_agent(const History& history, Check check) {
  for (const auto& [id, view] : by_agent(history)) {
    if (std::optional<Failure> found = check(view)) {
      return found;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Failure> check_acknowledged_is_readable(const History& history) {
  return for_each_agent(history, [](const AgentView& view) -> std::optional<Failure> {
    for (const Op* op : view.absent) {
      const bool was_there = view.create != nullptr && view.create->returned_ns < op->called_ns;
      if (was_there && view.lives_until(op->returned_ns) && !is_error_read_as_absence(view, *op)) {
        return failure("S3", "the agent was acknowledged before and is absent", *op);
      }
    }
    for (const Op* list : view.lists) {
      if (std::optional<Failure> found = check_list_against_sends(view, *list)) {
        return found;
      }
      if (std::optional<Failure> found = check_answers_are_listed(view, *list)) {
        return found;
      }
    }
    return std::nullopt;
  });
}

std::optional<Failure> check_order(const History& history) {
  return for_each_agent(history, [](const AgentView& view) -> std::optional<Failure> {
    // Lists are beginnings of each other (S16), so that the longest stands for all.
    const auto longest =
        std::ranges::max_element(view.lists, {}, [](const Op* op) { return op->messages.size(); });
    if (longest != view.lists.end()) {
      if (std::optional<Failure> found = check_real_time(view, **longest)) {
        return found;
      }
    }
    return check_lists_in_real_time(view);
  });
}

std::optional<Failure> check_well_formed(const History& history, int64_t settled_ns) {
  return for_each_agent(history, [&](const AgentView& view) -> std::optional<Failure> {
    for (const Op* list : view.lists) {
      if (std::optional<Failure> found = check_tool_calls(*list, list->called_ns >= settled_ns)) {
        return found;
      }
    }
    return check_growth(view);
  });
}

std::optional<Failure> check_deleted_is_absent(const History& history,
                                               const std::map<Bytes, Bytes>& contents) {
  for (const Op& op : history) {
    if (op.kind == OpKind::kDelete || op.outcome != Outcome::kOk) {
      continue;
    }
    for (const Op& remove : history) {
      if (remove.kind == OpKind::kDelete && remove.agent == op.agent &&
          remove.outcome == Outcome::kOk && remove.returned_ns < op.called_ns) {
        return delete_failure("the agent's delete was acknowledged and it answers", op, contents);
      }
    }
  }
  return std::nullopt;
}

std::optional<Failure> check_errors_are_not_absence(const History& history) {
  return for_each_agent(history, [](const AgentView& view) -> std::optional<Failure> {
    std::vector<const Op*> suspects = view.absent;
    suspects.insert(suspects.end(), view.lists.begin(), view.lists.end());
    for (const Op* op : suspects) {
      const bool was_there = view.create != nullptr && view.create->returned_ns < op->called_ns;
      if (was_there && view.lives_until(op->returned_ns) && is_error_read_as_absence(view, *op)) {
        return failure("S20", "a read error was answered as if nothing were there", *op);
      }
    }
    return std::nullopt;
  });
}

std::optional<Failure> check_refused_is_absent(const History& history,
                                               const std::map<Bytes, Bytes>& contents) {
  for (const Op& send : history) {
    // A run that its model made fail was accepted.
    const bool refused = send.outcome == Outcome::kFailed && send.model_error.empty();
    if (send.kind != OpKind::kSend || !refused) {
      continue;
    }
    const std::string text = send.text.substr(0, send.text.find('\n'));
    for (const auto& [key, value] : contents) {
      if (value.find(text) != Bytes::npos) {
        return failure("S17", "a message that was refused is in the store", send);
      }
    }
  }
  return std::nullopt;
}

std::optional<Failure> check_store(const History& history, const std::map<Bytes, Bytes>& contents) {
  const Agents agents = by_agent(history);
  for (const auto& [id, view] : agents) {
    if (view.remove != nullptr) {
      for (const auto& [key, value] : contents) {
        if (key.find(id) != Bytes::npos) {
          return delete_failure("a deleted agent left a key behind", *view.remove, contents);
        }
      }
    }
    if (view.remove == nullptr && view.remove_called_ns != kNever) {
      // Nobody knows whether it was deleted; but not by half.
      const Bytes config = store::keys::agent_config(id);
      const auto first = contents.lower_bound(config);
      const bool whole = first != contents.end() && first->first.starts_with(config);
      const auto names_it = [&](const auto& entry) { return entry.first.find(id) != Bytes::npos; };
      const auto left = std::ranges::find_if(contents, names_it);
      if (!whole && left != contents.end()) {
        return Failure{"S18", "a delete of unknown outcome left a part of " + id + " behind"};
      }
    }
    for (const Op* send : view.sends) {
      if (send->outcome != Outcome::kOk || view.remove_called_ns != kNever) {
        continue;
      }
      const bool there = std::ranges::any_of(contents, [&](const auto& entry) {
        return entry.second.find(send->text.substr(0, send->text.find('\n'))) != Bytes::npos;
      });
      if (!there) {
        return failure("S3", "an acknowledged text is not in the store", *send);
      }
    }
  }
  return std::nullopt;
}

std::optional<Failure> check_agents(const History& history, int64_t settled_ns,
                                    const std::map<Bytes, Bytes>& contents) {
  if (auto found = check_errors_are_not_absence(history)) {
    return found;
  }
  if (auto found = check_acknowledged_is_readable(history)) {
    return found;
  }
  if (auto found = check_deleted_is_absent(history, contents)) {
    return found;
  }
  if (auto found = check_refused_is_absent(history, contents)) {
    return found;
  }
  if (auto found = check_order(history)) {
    return found;
  }
  if (auto found = check_well_formed(history, settled_ns)) {
    return found;
  }
  return check_store(history, contents);
}

}  // namespace kelpie::sim
