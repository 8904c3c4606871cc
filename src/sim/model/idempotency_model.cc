#include "sim/model/idempotency_model.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"

namespace kelpie::sim {
namespace {

using Kind = IdempotencyModel::Action::Kind;

constexpr std::array<std::string_view, 12> kNames = {
    "attempt",
    "commit: told",
    "commit: refused",
    "commit: untold, applied",
    "commit: untold, lost",
    "commit: untold, late",
    "record",
    "settle",
    "settle: untold",
    "crash",
    "ask again",
    "land",
};
static_assert(kNames.size() == static_cast<size_t>(Kind::kLand) + 1);

}  // namespace

std::string_view IdempotencyModel::Action::name() const {
  return kNames[static_cast<size_t>(kind)];
}

std::string IdempotencyModel::Action::to_string() const {
  const std::string number = std::to_string(which);
  if (kind == Kind::kLand) {
    return "undecided commit " + number + " arrives";
  }
  return "client " + number + ": " + std::string(name());
}

IdempotencyModel::IdempotencyModel(IdempotencyOptions options)
    : options_(options), clients_(options.clients) {}

Bytes IdempotencyModel::request_of(size_t client) const {
  return shares() ? "the request" : "request " + std::to_string(client);
}

Bytes IdempotencyModel::reply_of(size_t client) {
  return "done by client " + std::to_string(client);
}

void IdempotencyModel::judge(std::optional<Failure> failure) {
  if (failure && !broken_) {
    broken_ = failure->oracle + " exactly once: " + failure->message;
  }
}

void IdempotencyModel::answer(size_t index, const Bytes& reply) {
  clients_[index].phase = Phase::kAnswered;
  clients_[index].head_is_mine = false;
  judge(ledger_.answered(request_of(index), reply));
}

void IdempotencyModel::write_record(const Bytes& reply) {
  record_ = reply;
  for (Client& client : clients_) {
    if (client.open) {
      client.open->refused |= client.open->record;
    }
  }
  for (Flight& flight : undecided_) {
    flight.refused |= flight.record;
  }
}

void IdempotencyModel::attempt(size_t index) {
  Client& client = clients_[index];
  if (shares() && record_) {
    answer(index, *record_);
    client.crashed = false;
    return;
  }
  client.phase = Phase::kOpen;
  client.head_is_mine = false;
  client.open = Flight{.client = index};
  client.open->record = shares() && options_.bug != IdempotencyBug::kOverwrite;
}

void IdempotencyModel::land(const Flight& flight) {
  judge(ledger_.applied(request_of(flight.client), reply_of(flight.client)));
  clients_[flight.client].head_is_mine = flight.awaited;
  if (shares() && options_.bug != IdempotencyBug::kSplitRecord) {
    write_record(reply_of(flight.client));
  }
}

void IdempotencyModel::conclude(size_t index, Action::Kind outcome) {
  Client& client = clients_[index];
  const Flight flight = *std::exchange(client.open, std::nullopt);
  switch (outcome) {
    case Kind::kTold:
      land(flight);
      if (options_.bug == IdempotencyBug::kSplitRecord) {
        client.phase = Phase::kRecording;
      } else {
        answer(index, reply_of(index));
      }
      return;
    case Kind::kRefused:
      client.phase = Phase::kAsked;
      if (options_.bug == IdempotencyBug::kLoserRecords) {
        write_record("refused");
      }
      return;
    case Kind::kUntoldApplied:
      land(flight);
      break;
    case Kind::kUntoldLate:
      undecided_.push_back(flight);
      break;
    default:
      CHECK(outcome == Kind::kUntoldLost);
  }
  client.phase = Phase::kSettling;
  if (options_.bug == IdempotencyBug::kBlindRetry) {
    client.phase = Phase::kAsked;
  } else if (options_.bug == IdempotencyBug::kAnswerUntold) {
    answer(index, reply_of(index));
  }
}

// kSettleUntold: it committed, and its client, who was not told, makes it again.
void IdempotencyModel::settle(size_t index, Action::Kind kind) {
  Client& client = clients_[index];
  for (Flight& flight : undecided_) {
    const bool guarded = flight.client == index && flight.awaited;
    if (guarded && options_.bug != IdempotencyBug::kRewriteHead) {
      flight.refused = flight.settled = true;
    }
    flight.awaited &= !guarded || kind == Kind::kSettleUntold;
  }
  if (kind == Kind::kSettleUntold) {
    return;
  }
  if (client.head_is_mine) {
    answer(index, reply_of(index));
  } else {
    client.phase = Phase::kAsked;
  }
}

void IdempotencyModel::apply(const Action& action) {
  const size_t which = action.which;
  if (action.kind == Kind::kLand) {
    const Flight flight = undecided_[which];
    undecided_.erase(undecided_.begin() + static_cast<ptrdiff_t>(which));
    if (!flight.refused) {
      land(flight);
    }
    return;
  }
  Client& client = clients_[which];
  switch (action.kind) {
    case Kind::kAttempt:
      attempt(which);
      break;
    case Kind::kRecord:
      write_record(reply_of(which));
      answer(which, reply_of(which));
      break;
    case Kind::kSettle:
    case Kind::kSettleUntold:
      settle(which, action.kind);
      break;
    case Kind::kCrash:
      client.crashed = client.phase == Phase::kSettling;
      client.phase = shares() ? Phase::kAsked : Phase::kGone;
      client.open.reset();
      client.head_is_mine = false;
      for (Flight& flight : undecided_) {
        flight.awaited &= flight.client != which;
      }
      break;
    case Kind::kAskAgain:
      client.phase = Phase::kAsked;
      break;
    default:
      conclude(which, action.kind);
  }
}

std::vector<IdempotencyModel::Action> IdempotencyModel::enabled_actions() const {
  std::vector<Action> actions;
  for (size_t i = 0; i < clients_.size(); ++i) {
    const Client& client = clients_[i];
    const auto may = [&](Kind kind) { actions.push_back({kind, i}); };
    switch (client.phase) {
      case Phase::kAsked:
        may(Kind::kAttempt);
        break;
      case Phase::kOpen:
        may(Kind::kRefused);  // also without a reason: a conflict may be false
        may(Kind::kUntoldLost);
        if (!client.open->refused) {
          may(Kind::kTold);
          may(Kind::kUntoldApplied);
        }
        if (undecided_.size() < options_.undecided_max) {
          may(Kind::kUntoldLate);
        }
        may(Kind::kCrash);
        break;
      case Phase::kSettling:
        may(Kind::kSettle);
        may(Kind::kSettleUntold);
        may(Kind::kCrash);
        break;
      case Phase::kRecording:
        may(Kind::kRecord);
        may(Kind::kCrash);
        break;
      case Phase::kAnswered:
        if (shares()) {
          may(Kind::kAskAgain);
        }
        break;
      case Phase::kGone:
        break;
    }
  }
  for (size_t i = 0; i < undecided_.size(); ++i) {
    actions.push_back({Kind::kLand, i});
  }
  return actions;
}

Bytes IdempotencyModel::encode() const {
  Bytes bytes;
  const auto flight = [&](const Flight& each) {
    bytes += static_cast<char>('0' + each.client);
    for (const bool flag : {each.record, each.refused, each.settled, each.awaited}) {
      bytes += flag ? '+' : '-';
    }
  };
  for (const Client& client : clients_) {
    bytes += static_cast<char>(client.phase);
    bytes += client.head_is_mine ? '+' : '-';
    bytes += client.crashed ? '+' : '-';
    if (client.open) {
      flight(*client.open);
    }
  }
  bytes += '|';
  std::ranges::for_each(undecided_, flight);
  bytes += '|' + record_.value_or("");
  for (const auto& [request, effect] : ledger_.effects()) {
    bytes += '|' + request + '=' + effect.reply;
  }
  return bytes;
}

std::vector<std::string_view> IdempotencyModel::action_names() const {
  using enum Action::Kind;
  std::vector<Action::Kind> kinds = {kAttempt,    kTold,       kRefused, kUntoldApplied,
                                     kUntoldLost, kUntoldLate, kSettle,  kSettleUntold,
                                     kCrash,      kLand};
  if (shares()) {
    kinds.push_back(kAskAgain);
  }
  std::vector<std::string_view> names;
  for (const Action::Kind kind : kinds) {
    names.push_back(Action{kind, 0}.name());
  }
  return names;
}

std::vector<Witness<IdempotencyModel>> IdempotencyModel::witnesses() const {
  using M = IdempotencyModel;
  std::vector<Witness<M>> all = {
      {"a commit arrived after its settling began and was refused",
       [](const M& before, const Action& step, const M&) {
         return step.kind == Kind::kLand && before.undecided_[step.which].settled;
       }},
      {"a commit landed before its settling, which found it",
       [](const M& before, const Action& step, const M& after) {
         return step.kind == Kind::kSettle && before.clients_[step.which].head_is_mine &&
                after.clients_[step.which].phase == Phase::kAnswered;
       }},
      {"a commit landed after its client was gone",
       [](const M& before, const Action& step, const M& after) {
         return step.kind == Kind::kLand && !before.undecided_[step.which].awaited &&
                after.ledger_.effects().size() > before.ledger_.effects().size();
       }},
  };
  if (!shares()) {
    return all;
  }
  all.push_back({"who lost was answered with the winner's reply",
                 [](const M& before, const Action& step, const M&) {
                   return step.kind == Kind::kAttempt && before.record_ &&
                          *before.record_ != reply_of(step.which);
                 }});
  all.push_back({"a client died between its commit and its settling, and was answered on its retry",
                 [](const M& before, const Action& step, const M& after) {
                   return step.kind == Kind::kAttempt && before.clients_[step.which].crashed &&
                          before.record_ == reply_of(step.which) &&
                          after.clients_[step.which].phase == Phase::kAnswered;
                 }});
  all.push_back({"an undecided commit arrived after another's effect and was refused",
                 [](const M& before, const Action& step, const M&) {
                   return step.kind == Kind::kLand && before.undecided_[step.which].refused &&
                          !before.undecided_[step.which].settled && before.record_;
                 }});
  return all;
}

}  // namespace kelpie::sim
