#include "sim/messages/account_audit.h"

#include <fmt/format.h>

#include <array>
#include <tuple>
#include <utility>

namespace kelpie::sim {
namespace {

using Event = AccountEvent;

std::string_view event_name(Event event) {
  constexpr std::array<std::string_view, 8> kNames = {
      "deposited", "sent", "received", "paid", "credited", "armed", "fired", "cancelled"};
  return kNames.at(static_cast<size_t>(event));
}

std::optional<Event> event_of(const std::string& method) {
  constexpr std::array<std::pair<std::string_view, Event>, 5> kEvents = {
      {{"deposit", Event::kDeposited},
       {"send", Event::kSent},
       {"pay", Event::kPaid},
       {"arm", Event::kArmed},
       {"cancel", Event::kCancelled}}};
  for (const auto& [name, event] : kEvents) {
    if (name == method) {
      return event;
    }
  }
  return std::nullopt;
}

// How often something has happened to an account.
using Counts = std::map<std::tuple<std::string, Event, std::string>, int>;

Counts count(const std::map<std::string, AccountLog>& accounts) {
  Counts counts;
  for (const auto& [name, log] : accounts) {
    for (const AccountEntry& entry : log.entries) {
      ++counts[{name, entry.event, entry.id}];
    }
  }
  return counts;
}

int times(const Counts& counts, const std::string& account, Event event, const std::string& id) {
  const auto found = counts.find({account, event, id});
  return found == counts.end() ? 0 : found->second;
}

}  // namespace

std::optional<Failure> judge_look(const AccountLog& seen, const std::vector<AccountOp>& answered) {
  std::set<std::pair<Event, std::string>> there;
  for (const AccountEntry& entry : seen.entries) {
    there.emplace(entry.event, entry.id);
  }
  for (const AccountOp& op : answered) {
    const std::optional<Event> event = event_of(op.method);
    if (event && !there.contains({*event, op.id})) {
      return Failure{"S4", fmt::format("a look at {} misses {}, which had been answered before",
                                       op.account, op.id)};
    }
  }
  return std::nullopt;
}

std::optional<Failure> AccountAudit::judge() const {
  auto failure = judge_answers();
  if (!failure) {
    failure = judge_money();
  }
  return failure ? failure : judge_reminders();
}

std::optional<Failure> AccountAudit::judge_answers() const {
  const Counts counts = count(accounts);
  for (const AccountOp& op : ops) {
    const std::optional<Event> event = event_of(op.method);
    if (!event) {
      continue;
    }
    const int found = times(counts, op.account, *event, op.id);
    if (op.answered && found == 0) {
      return Failure{"S3", fmt::format("{} of {} was answered, and the account knows nothing of it",
                                       op.id, op.account)};
    }
    if (found > 1) {
      return Failure{"S6", fmt::format("{} of {} was asked for once and has {} {} times", op.id,
                                       op.account, event_name(*event), found)};
    }
  }
  return std::nullopt;
}

std::optional<Failure> AccountAudit::judge_money() const {
  const Counts counts = count(accounts);
  int64_t deposited = 0;
  int64_t held = 0;
  for (const auto& [name, log] : accounts) {
    held += log.balance();
    for (const AccountEntry& entry : log.entries) {
      if (entry.event == Event::kDeposited) {
        deposited += entry.amount;
      }
      if (entry.event == Event::kSent) {
        const int came = times(counts, entry.peer, Event::kReceived, entry.id);
        if (came > 1 || (came == 0 && !parked.contains(entry.id))) {
          return Failure{"S15", fmt::format("message {} from {} was applied {} times by {}",
                                            entry.id, name, came, entry.peer)};
        }
        if (came == 0) {
          held += entry.amount;
        }
      }
      if (entry.event == Event::kPaid &&
          times(counts, entry.peer, Event::kCredited, entry.id) != 1) {
        return Failure{
            "S6", fmt::format("call {} from {} took effect {} times on {}", entry.id, name,
                              times(counts, entry.peer, Event::kCredited, entry.id), entry.peer)};
      }
      if (entry.event == Event::kReceived &&
          times(counts, entry.peer, Event::kSent, entry.id) == 0) {
        return Failure{
            "S7", fmt::format("{} received {} that {} never sent", name, entry.id, entry.peer)};
      }
    }
  }
  if (held != deposited) {
    return Failure{"S7", fmt::format("{} were deposited, and accounts hold {}", deposited, held)};
  }
  return std::nullopt;
}

std::optional<Failure> AccountAudit::judge_reminders() const {
  for (const auto& [name, log] : accounts) {
    std::map<std::string, int64_t> armed;
    std::set<std::string> fired;
    std::set<std::string> cancelled;
    for (const AccountEntry& entry : log.entries) {
      if (entry.event == Event::kArmed) {
        // Armed anew it counts anew: a client may cancel what another still tries to arm.
        armed[entry.id] = entry.when_ns;
        cancelled.erase(entry.id);
      } else if (entry.event == Event::kCancelled) {
        cancelled.insert(entry.peer);
      } else if (entry.event == Event::kFired) {
        const auto due = armed.find(entry.id);
        if (due == armed.end() || entry.when_ns < due->second) {
          return Failure{"S14",
                         fmt::format("{}: reminder {} fired before its time", name, entry.id)};
        }
        if (cancelled.contains(entry.id)) {
          return Failure{"S14",
                         fmt::format("{}: reminder {} fired after its cancel", name, entry.id)};
        }
        if (!fired.insert(entry.id).second) {
          return Failure{"S14", fmt::format("{}: reminder {} took effect twice", name, entry.id)};
        }
      }
    }
    for (const auto& [id, due] : armed) {
      if (!fired.contains(id) && !cancelled.contains(id) && !pending.contains(id)) {
        return Failure{"S14", fmt::format("{}: reminder {} never fired", name, id)};
      }
    }
  }
  return std::nullopt;
}

}  // namespace kelpie::sim
