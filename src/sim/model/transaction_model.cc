#include "sim/model/transaction_model.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace kelpie::sim {
namespace {

using Kind = TransactionModel::Action::Kind;
using Program = TransactionModel::Program;

constexpr std::array<std::string_view, 7> kNames = {"begin",  "read", "batch",    "refuse",
                                                    "untold", "drop", "warm turn"};
static_assert(kNames.size() == static_cast<size_t>(Kind::kWarmTurn) + 1);

constexpr std::array<std::string_view, TransactionModel::kKeys> kKey = {"a", "b"};
constexpr uint8_t kA = 1;
constexpr uint8_t kB = 2;
constexpr uint8_t kBoth = kA | kB;

constexpr std::array kPrograms = {
    Program{.name = "gets a, sets b", .gets = kA, .sets = kB},
    Program{.name = "gets b, sets a", .gets = kB, .sets = kA},
    Program{.name = "gets a, sets a", .gets = kA, .sets = kA},
    Program{.name = "reads the range, sets a", .range = true, .sets = kA},
    Program{.name = "reads the range, sets b", .range = true, .sets = kB},
    Program{.name = "sets a", .sets = kA},
    Program{.name = "clears the range", .clear_range = true},
    Program{.name = "gets a as a snapshot, sets b", .snapshot_gets = kA, .sets = kB},
    Program{.name = "gets the fence a, sets b, warm after", .gets = kA, .sets = kB, .warm = true},
};
// Of a warm turn: it has a conflict on the fence, and writes blind.
constexpr Program kWarmProgram{.name = "warm turn", .gets = kA, .sets = kB};

}  // namespace

std::string_view TransactionModel::Action::name() const {
  return kNames[static_cast<size_t>(kind)];
}

std::string TransactionModel::Action::to_string() const {
  if (kind == Kind::kBatch) {
    std::string text = "a batch commits, of clients";
    for (const size_t client : which) {
      text += " " + std::to_string(client);
    }
    return text;
  }
  std::string text = "client " + std::to_string(which[0]) + ": " + std::string(name());
  if (kind == Kind::kBegin) {
    text += ": " + std::string(kPrograms[which[1]].name);
  }
  return text;
}

TransactionModel::TransactionModel(TransactionOptions options)
    : options_(options), clients_(options.clients) {
  history_[0].emplace(version_, "initial");
  history_[1].emplace(version_, std::nullopt);
  written_[0] = version_;
  ledger_.commit({.name = "the beginning",
                  .version = store::Version(version_),
                  .reads = {},
                  .ranges = {},
                  .writes = {{"a", "initial"}}});
}

const Program& TransactionModel::program_of(const Client& client) const {
  return client.is_warm ? kWarmProgram : kPrograms[client.program];
}

TransactionModel::Value TransactionModel::value_at(size_t key, int64_t version) const {
  const auto after = history_[key].upper_bound(version);
  return after == history_[key].begin() ? std::nullopt : std::prev(after)->second;
}

uint8_t TransactionModel::promised(const Program& program) {
  return program.gets | (program.range ? kBoth : uint8_t{0});
}

uint8_t TransactionModel::conflicts(const Client& client) const {
  const Program& program = program_of(client);
  const TransactionBug bug = options_.bug;
  // The warm turn's conflict is added by hand: no get is behind it.
  const bool gets = bug != TransactionBug::kGetsBlind || client.is_warm;
  const bool range = program.range && bug != TransactionBug::kRangesBlind;
  return (gets ? program.gets : uint8_t{0}) | (range ? kBoth : uint8_t{0});
}

uint8_t TransactionModel::written_after(int64_t version) const {
  uint8_t keys = 0;
  for (size_t key = 0; key < kKeys; ++key) {
    keys |= static_cast<uint8_t>((written_[key] > version ? 1U : 0U) << key);
  }
  return keys;
}

// ADR 011: the larger of where the fence was read and one less than the last fenced commit.
int64_t TransactionModel::warm_version(const Client& client) const {
  const int64_t less = options_.bug == TransactionBug::kWarmTooNew ? 0 : 1;
  return std::max(client.read_version, client.committed - less);
}

bool TransactionModel::may_be_warm(const Client& client) const {
  return client.phase == Phase::kCommitted && client.acknowledged && !client.is_warm &&
         kPrograms[client.program].warm;
}

// All share one version. Each is held against what was written after its read version, and against
// those accepted before it.
void TransactionModel::batch(const std::vector<size_t>& clients) {
  const int64_t version = version_ + 1;
  uint8_t in_batch = 0;
  std::array<int64_t, kKeys> written = written_;
  std::vector<size_t> accepted;
  for (const size_t index : clients) {
    Client& client = clients_[index];
    uint8_t newer = written_after(client.read_version);
    if (options_.bug != TransactionBug::kBatchBlind) {
      newer |= in_batch;
    }
    if ((conflicts(client) & newer) != 0) {
      client.phase = Phase::kRefused;
      continue;
    }
    const Program& program = program_of(client);
    const bool clears = program.clear_range && options_.bug != TransactionBug::kPointsOnly;
    const uint8_t writes = program.sets | (clears ? kBoth : uint8_t{0});
    in_batch |= writes;
    for (size_t key = 0; key < kKeys; ++key) {
      if (((writes >> key) & 1U) != 0) {
        written[key] = version;
      }
    }
    accepted.push_back(index);
  }
  written_ = written;
  version_ = version;
  for (size_t order = 0; order < accepted.size(); ++order) {
    commit(accepted[order], version, static_cast<uint16_t>(order));
  }
  check_contents();
}

void TransactionModel::commit(size_t index, int64_t version, uint16_t order) {
  Client& client = clients_[index];
  const Program& program = program_of(client);
  CommittedTransaction transaction{.name = "client " + std::to_string(index),
                                   .version = store::Version(version),
                                   .order = order,
                                   .reads = {},
                                   .ranges = {},
                                   .writes = {}};
  std::vector<store::KeyValue> rows;
  for (size_t key = 0; key < kKeys; ++key) {
    const Bytes name(kKey[key]);
    if (((program.gets >> key) & 1U) != 0) {
      transaction.reads.emplace_back(name, client.seen[key]);
    }
    if (client.seen[key]) {
      rows.push_back({name, *client.seen[key]});
    }
    if (((program.sets >> key) & 1U) != 0) {
      const Bytes value = "of client " + std::to_string(index) + (client.is_warm ? ", warm" : "");
      transaction.writes.emplace_back(name, value);
      history_[key].insert_or_assign(version, value);
    } else if (program.clear_range) {
      transaction.writes.emplace_back(name, std::nullopt);
      history_[key].insert_or_assign(version, std::nullopt);
    }
  }
  if (program.range) {
    transaction.ranges.push_back({{"a", "c"}, std::move(rows)});
  }
  if (auto failure = ledger_.commit(transaction); failure && !broken_) {
    broken_ = failure->oracle + " serializable: " + failure->message;
  }
  client.acknowledged |= client.phase == Phase::kRead;
  client.phase = Phase::kCommitted;
  client.committed = version;
}

// What was committed, and so all that was acknowledged, is what a reader sees now.
void TransactionModel::check_contents() {
  for (size_t key = 0; key < kKeys && !broken_; ++key) {
    const auto found = ledger_.contents().find(Bytes(kKey[key]));
    const Value expected = found == ledger_.contents().end() ? std::nullopt : Value(found->second);
    if (value_at(key, version_) != expected) {
      broken_ = "S3 durable: key " + Bytes(kKey[key]) + " is not what was committed last";
    }
  }
}

void TransactionModel::apply(const Action& action) {
  if (action.kind == Kind::kBatch) {
    batch(action.which);
    return;
  }
  Client& client = clients_[action.which[0]];
  switch (action.kind) {
    case Kind::kBegin:
      client.phase = Phase::kBegun;
      client.program = action.which[1];
      client.read_version = version_;
      break;
    case Kind::kRead:
      client.phase = Phase::kRead;
      for (size_t key = 0; key < kKeys; ++key) {
        client.seen[key] = value_at(key, client.read_version);
      }
      break;
    case Kind::kRefuse:
      client.phase = Phase::kRefused;
      break;
    case Kind::kUntold:
      client.phase = Phase::kUntold;
      client.acknowledged = options_.bug == TransactionBug::kAnswerEarly;
      break;
    case Kind::kDrop:
      client.phase = Phase::kDropped;
      if (client.acknowledged && !broken_) {
        broken_ = "S3 durable: client " + std::to_string(action.which[0]) +
                  " was told of a commit that is not there";
      }
      break;
    default:
      CHECK(action.kind == Kind::kWarmTurn);
      // What the fence said then is what it is taken to say still.
      client.read_version = warm_version(client);
      client.is_warm = true;
      client.phase = Phase::kRead;
  }
}

std::vector<TransactionModel::Action> TransactionModel::enabled_actions() const {
  std::vector<Action> actions;
  std::vector<size_t> open;
  for (size_t i = 0; i < clients_.size(); ++i) {
    const Client& client = clients_[i];
    switch (client.phase) {
      case Phase::kIdle:
        for (size_t program = 0; program < kPrograms.size(); ++program) {
          actions.push_back({Kind::kBegin, {i, program}});
        }
        break;
      case Phase::kBegun:
        actions.push_back({Kind::kRead, {i}});
        break;
      case Phase::kRead:
        open.push_back(i);
        actions.push_back({Kind::kUntold, {i}});
        actions.push_back({Kind::kRefuse, {i}});
        break;
      case Phase::kUntold:
        open.push_back(i);
        actions.push_back({Kind::kDrop, {i}});
        break;
      default:
        if (may_be_warm(client)) {
          actions.push_back({Kind::kWarmTurn, {i}});
        }
    }
  }
  // Every choice of them in every order.
  std::vector<std::vector<size_t>> batches = {{}};
  for (size_t i = 0; i < batches.size(); ++i) {
    for (const size_t client : open) {
      if (std::ranges::find(batches[i], client) == batches[i].end()) {
        std::vector<size_t> longer = batches[i];
        longer.push_back(client);
        actions.push_back({Kind::kBatch, longer});
        batches.push_back(std::move(longer));
      }
    }
  }
  return actions;
}

Bytes TransactionModel::encode() const {
  const auto compared = [&](size_t key, const Value& value) {
    if (!value) {
      return '-';
    }
    return value == value_at(key, version_) ? '=' : '<';
  };
  std::vector<Bytes> clients;
  for (const Client& client : clients_) {
    const bool under_way = client.phase == Phase::kBegun || client.phase == Phase::kRead ||
                           client.phase == Phase::kUntold || may_be_warm(client);
    Bytes bytes(1, under_way ? static_cast<char>('a' + static_cast<int>(client.phase)) : 'x');
    if (client.phase == Phase::kIdle) {
      bytes = "i";
    }
    if (under_way) {
      const int64_t version = may_be_warm(client) ? warm_version(client) : client.read_version;
      bytes += static_cast<char>('0' + client.program);
      bytes += static_cast<char>('0' + written_after(version));
      bytes += client.is_warm ? 'w' : '-';
      for (size_t key = 0; key < kKeys; ++key) {
        const bool begun = client.phase == Phase::kBegun;
        bytes += compared(key, begun ? value_at(key, version) : client.seen[key]);
      }
    }
    clients.push_back(std::move(bytes));
  }
  std::ranges::sort(clients);
  Bytes all;
  for (const Bytes& client : clients) {
    all += client + '|';
  }
  for (size_t key = 0; key < kKeys; ++key) {
    all += value_at(key, version_) ? '+' : '-';
  }
  return all;
}

std::vector<std::string_view> TransactionModel::action_names() const {
  return {kNames.begin(), kNames.end()};
}

std::vector<Witness<TransactionModel>> TransactionModel::witnesses() const {
  using M = TransactionModel;
  using Phases = std::pair<Phase, Phase>;
  const auto some = [](const M& before, const M& after, const Phases& phases, auto also) {
    for (size_t i = 0; i < before.clients_.size(); ++i) {
      if (before.clients_[i].phase == phases.first && after.clients_[i].phase == phases.second &&
          also(before.clients_[i])) {
        return true;
      }
    }
    return false;
  };
  const auto batch_with = [some](Phases phases, auto also) {
    return [some, phases, also](const M& before, const Action& step, const M& after) {
      return step.kind == Kind::kBatch && some(before, after, phases, [&](const Client& client) {
               return also(before, step, client);
             });
    };
  };
  return {
      {"an undecided commit landed after another's",
       batch_with({Phase::kUntold, Phase::kCommitted},
                  [](const M& before, const Action&, const Client& client) {
                    return before.version_ > client.read_version;
                  })},
      {"an undecided commit arrived and was refused",
       batch_with({Phase::kUntold, Phase::kRefused},
                  [](const M&, const Action&, const Client&) { return true; })},
      {"one was refused for what was accepted before it in its batch",
       batch_with({Phase::kRead, Phase::kRefused},
                  [](const M& before, const Action& step, const Client& client) {
                    return step.which.size() > 1 && before.version_ == client.read_version;
                  })},
      {"a range read was refused for a key that was not there",
       batch_with({Phase::kRead, Phase::kRefused},
                  [](const M& before, const Action&, const Client& client) {
                    return before.program_of(client).range && !client.seen[1] &&
                           before.written_after(client.read_version) == kB;
                  })},
      {"a snapshot read did not hold, and its transaction committed",
       batch_with({Phase::kRead, Phase::kCommitted},
                  [](const M& before, const Action&, const Client& client) {
                    return before.program_of(client).snapshot_gets != 0 &&
                           client.seen[0] != before.value_at(0, before.version_);
                  })},
      {"a warm turn committed",
       batch_with({Phase::kRead, Phase::kCommitted},
                  [](const M&, const Action&, const Client& client) { return client.is_warm; })},
      {"a warm turn was refused for what followed its last commit in its batch",
       batch_with({Phase::kRead, Phase::kRefused},
                  [](const M& before, const Action&, const Client& client) {
                    return client.is_warm && before.written_[0] == client.committed;
                  })},
      {"a transaction read what had been overwritten since it began",
       [](const M& before, const Action& step, const M& after) {
         return step.kind == Kind::kRead &&
                after.clients_[step.which[0]].seen[0] != before.value_at(0, before.version_);
       }},
  };
}

}  // namespace kelpie::sim
