#include "sim/check/linearizable.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "base/hash.h"

namespace kelpie::sim {
namespace {

constexpr size_t kShownOperationsMax = 8;
constexpr size_t kNone = SIZE_MAX;

using Operations = std::vector<const ObjectOp*>;

// Sets of operations with a state, each stored once: the memory of the search.
class Visited {
 public:
  explicit Visited(size_t words) : words_(words), slots_(1024, kEmpty) {}

  // False if it is there already.
  bool insert(const std::vector<uint64_t>& set, uint32_t state) {
    if (states_.size() * 2 >= slots_.size()) {
      grow();
    }
    size_t slot = hash(set.data(), state) & (slots_.size() - 1);
    for (; slots_[slot] != kEmpty; slot = (slot + 1) & (slots_.size() - 1)) {
      if (states_[slots_[slot]] == state && std::equal(set.begin(), set.end(), at(slots_[slot]))) {
        return false;
      }
    }
    slots_[slot] = static_cast<uint32_t>(states_.size());
    states_.push_back(state);
    sets_.insert(sets_.end(), set.begin(), set.end());
    return true;
  }
  [[nodiscard]] size_t size() const { return states_.size(); }

 private:
  static constexpr uint32_t kEmpty = UINT32_MAX;

  [[nodiscard]] const uint64_t* at(uint32_t entry) const { return sets_.data() + entry * words_; }
  [[nodiscard]] uint64_t hash(const uint64_t* set, uint32_t state) const {
    uint64_t h = state;
    for (size_t i = 0; i < words_; ++i) {
      h = base::mix64(h ^ set[i]);
    }
    return h;
  }
  void grow() {
    slots_.assign(slots_.size() * 2, kEmpty);
    for (uint32_t entry = 0; entry < states_.size(); ++entry) {
      size_t slot = hash(at(entry), states_[entry]) & (slots_.size() - 1);
      while (slots_[slot] != kEmpty) {
        slot = (slot + 1) & (slots_.size() - 1);
      }
      slots_[slot] = entry;
    }
  }

  size_t words_;
  std::vector<uint32_t> slots_;  // a power of two of them, at most half full
  std::vector<uint32_t> states_;
  std::vector<uint64_t> sets_;  // words_ for each entry
};

// States as small numbers, and each step between them computed once.
class Steps {
 public:
  Steps(const SequentialObject& object, const Operations& certain, const Operations& operations)
      : object_(object), operations_(operations), signpost_(object.signpost(certain)) {
    number(object.initial());
  }
  static constexpr uint32_t kInitial = 0;

  [[nodiscard]] std::optional<uint32_t> after(uint32_t state, size_t operation) {
    const uint64_t question = uint64_t{state} << 32 | operation;
    const auto known = steps_.find(question);
    if (known != steps_.end()) {
      return known->second;
    }
    std::optional<uint32_t> answer;
    auto next = object_.apply(*texts_[state], *operations_[operation]);
    if (next && (!signpost_ || object_.may_be_on_the_way(*next, *signpost_))) {
      answer = number(*std::move(next));
    }
    steps_.emplace(question, answer);
    return answer;
  }
  [[nodiscard]] const SequentialObject::State& text(uint32_t state) const { return *texts_[state]; }

 private:
  uint32_t number(SequentialObject::State state) {
    const auto [at, fresh] =
        numbers_.emplace(std::move(state), static_cast<uint32_t>(texts_.size()));
    if (fresh) {
      texts_.push_back(&at->first);
    }
    return at->second;
  }

  const SequentialObject& object_;
  const Operations& operations_;
  std::optional<SequentialObject::State> signpost_;
  std::unordered_map<SequentialObject::State, uint32_t> numbers_;  // its keys do not move
  std::vector<const SequentialObject::State*> texts_;
  std::unordered_map<uint64_t, std::optional<uint32_t>> steps_;
};

enum class Answer : uint8_t { kYes, kNo, kBudget };

// One search over the operations of one object.
class Search {
 public:
  // `certain` must be placed, `pending` may be; both in order of calling.
  Search(const SequentialObject& object, const Operations& certain, const Operations& pending)
      : certain_(certain.size()),
        operations_(joined(certain, pending)),
        steps_(object, certain, operations_),
        placed_((operations_.size() + 63) / 64),
        visited_(placed_.size()) {
    look_at_returns();
  }

  Answer run(uint64_t states_max) {
    size_t from = 0;
    while (certain_placed_ < certain_) {
      const Candidate next = candidate(from);
      if (next.operation != kNone) {
        if (place(next)) {
          if (visited_.size() > states_max) {
            return Answer::kBudget;
          }
          from = 0;
          continue;
        }
        if (next.choice == Choice::kOne) {
          from = next.operation + 1;
          continue;
        }
      }
      const std::optional<size_t> undone = take_back();
      if (!undone) {
        return Answer::kNo;
      }
      from = *undone + 1;
    }
    return Answer::kYes;
  }

  [[nodiscard]] uint64_t states() const { return visited_.size(); }
  [[nodiscard]] const SequentialObject::State& state() const { return steps_.text(state_); }
  // The order found so far.
  [[nodiscard]] Operations path() const {
    Operations path;
    for (const Placed& placed : path_) {
      path.push_back(operations_[placed.operation]);
    }
    return path;
  }

 private:
  // An operation without an effect, wherever it stands, is placed as soon as its answer fits:
  // whatever order there is, moving it to the front leaves it one. Nothing else need be tried in
  // its stead. (A write of the value that is there does have an effect: later on it may be needed.)
  enum class Choice : uint8_t { kOne, kOnly };
  struct Candidate {
    size_t operation = kNone;
    uint32_t after = 0;
    Choice choice = Choice::kOne;
  };
  struct Placed {
    size_t operation;
    uint32_t state_before;
    size_t low_before;
    int64_t return_min_before_ns;
    Choice choice;
  };

  static bool never_changes(const ObjectOp& op) {
    return op.kind == ObjectOpKind::kRead ||
           (op.kind == ObjectOpKind::kCompareAndSet && op.swap == Swap::kRefused);
  }
  static Operations joined(Operations first, const Operations& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
  }
  [[nodiscard]] bool is_placed(size_t i) const { return (placed_[i / 64] >> (i % 64) & 1) != 0; }
  void flip(size_t i) { placed_[i / 64] ^= uint64_t{1} << (i % 64); }
  // Nothing that is not placed returned before it was called.
  [[nodiscard]] bool may_be_next(size_t i) const {
    return operations_[i]->called_ns <= return_min_ns_ && !is_placed(i);
  }

  // The next one to try from `from` on. Those that must be placed come first: an effect that may
  // never have happened is assumed only where nothing else goes on.
  Candidate candidate(size_t from) {
    if (from == 0) {
      for (size_t i = low_; in_reach(i); ++i) {
        if (may_be_next(i) && never_changes(*operations_[i]) && steps_.after(state_, i)) {
          return {i, state_, Choice::kOnly};
        }
      }
    }
    for (size_t i = std::max(from, low_); in_reach(i); ++i) {
      if (const auto after = may_be_next(i) ? steps_.after(state_, i) : std::nullopt) {
        return {i, *after, Choice::kOne};
      }
    }
    for (size_t i = std::max(from, certain_); i < operations_.size(); ++i) {
      const auto after = may_be_next(i) ? steps_.after(state_, i) : std::nullopt;
      if (after && *after != state_) {
        return {i, *after, Choice::kOne};
      }
    }
    return {};
  }
  [[nodiscard]] bool in_reach(size_t i) const {
    return i < certain_ && operations_[i]->called_ns <= return_min_ns_;
  }

  bool place(const Candidate& next) {
    flip(next.operation);
    if (!visited_.insert(placed_, next.after)) {
      flip(next.operation);
      return false;
    }
    path_.push_back({next.operation, state_, low_, return_min_ns_, next.choice});
    state_ = next.after;
    certain_placed_ += next.operation < certain_ ? 1 : 0;
    look_at_returns();
    return true;
  }

  // The operation in whose stead another may be tried, or nothing if all was tried.
  std::optional<size_t> take_back() {
    while (!path_.empty()) {
      const Placed last = path_.back();
      path_.pop_back();
      flip(last.operation);
      state_ = last.state_before;
      low_ = last.low_before;
      return_min_ns_ = last.return_min_before_ns;
      certain_placed_ -= last.operation < certain_ ? 1 : 0;
      if (last.choice == Choice::kOne) {
        return last.operation;
      }
    }
    return std::nullopt;
  }

  void look_at_returns() {
    while (low_ < certain_ && is_placed(low_)) {
      ++low_;
    }
    return_min_ns_ = kNever;
    for (size_t i = low_; in_reach(i); ++i) {
      if (!is_placed(i)) {
        return_min_ns_ = std::min(return_min_ns_, operations_[i]->returned_ns);
      }
    }
  }

  size_t certain_;
  Operations operations_;  // the certain ones, then the pending ones
  Steps steps_;
  std::vector<uint64_t> placed_;  // a bit for each operation
  Visited visited_;
  std::vector<Placed> path_;
  uint32_t state_ = Steps::kInitial;
  size_t certain_placed_ = 0;
  size_t low_ = 0;                  // all certain ones before it are placed
  int64_t return_min_ns_ = kNever;  // of the certain ones that are not placed
};

// The history as it stood when so many operations had returned and the next one was about to: the
// others have no answer yet.
struct Prefix {
  std::vector<ObjectOp> cut;
  Operations certain;
  Operations pending;
};

// One object's operations, in order of calling, and those with an answer in order of returning.
class ObjectHistory {
 public:
  explicit ObjectHistory(const Operations& operations)
      : calls_(sorted(operations)), rank_(calls_.size(), kNone) {
    std::vector<std::pair<int64_t, size_t>> order;
    for (size_t i = 0; i < calls_.size(); ++i) {
      if (calls_[i]->fate == Fate::kOk) {
        order.emplace_back(calls_[i]->returned_ns, i);
      }
    }
    std::ranges::sort(order);
    for (const auto& [at_ns, i] : order) {
      rank_[i] = returns_.size();
      returns_.push_back(calls_[i]);
    }
  }

  [[nodiscard]] const Operations& calls() const { return calls_; }
  [[nodiscard]] const Operations& returns() const { return returns_; }

  [[nodiscard]] Prefix prefix(size_t returned) const {
    CHECK(returned <= returns_.size());
    const int64_t until_ns = returned < returns_.size() ? returns_[returned]->returned_ns : kNever;
    Prefix prefix;
    prefix.cut.reserve(calls_.size());  // pointers into it are kept
    for (size_t i = 0; i < calls_.size(); ++i) {
      const ObjectOp& op = *calls_[i];
      if (op.called_ns > until_ns || op.fate == Fate::kFailed) {
        continue;
      }
      if (rank_[i] < returned) {
        prefix.certain.push_back(&op);
      } else if (op.kind != ObjectOpKind::kRead) {
        prefix.cut.push_back(op);
        prefix.cut.back().fate = Fate::kUnknown;
        prefix.pending.push_back(&prefix.cut.back());
      }
    }
    return prefix;
  }

  // What may have had an effect before the answer behind so many, besides the operation itself.
  [[nodiscard]] Operations in_flight(size_t returned) const {
    Operations found;
    for (size_t i = 0; i < calls_.size(); ++i) {
      const ObjectOp& op = *calls_[i];
      const bool open = rank_[i] > returned && op.fate != Fate::kFailed;
      if (open && op.kind != ObjectOpKind::kRead &&
          op.called_ns <= returns_[returned]->returned_ns) {
        found.push_back(&op);
      }
    }
    return found;
  }

 private:
  static Operations sorted(const Operations& operations) {
    std::vector<std::pair<int64_t, size_t>> order;
    for (size_t i = 0; i < operations.size(); ++i) {
      order.emplace_back(operations[i]->called_ns, i);
    }
    std::ranges::sort(order);
    Operations result;
    for (const auto& [at_ns, i] : order) {
      result.push_back(operations[i]);
    }
    return result;
  }

  Operations calls_;
  std::vector<size_t> rank_;  // of each of calls_ in returns_, or kNone
  Operations returns_;
};

std::string show_last(const Operations& operations) {
  std::string text;
  const size_t from = operations.size() - std::min(operations.size(), kShownOperationsMax);
  if (from > 0) {
    text += fmt::format("\n  ... {} before", from);
  }
  for (size_t i = from; i < operations.size(); ++i) {
    text += "\n  " + operations[i]->to_string();
  }
  return text;
}

// Prefixes up to some length have an order and longer ones have none: find it by halving.
std::string explain(const ObjectHistory& history, const SequentialObject& object,
                    const std::string& name, uint64_t states_max) {
  size_t good = 0;  // so many answers have an order, or it is not known that they have none
  size_t bad = history.returns().size();
  CHECK(bad > 0);
  while (good + 1 < bad) {
    const size_t middle = (good + bad) / 2;
    const Prefix prefix = history.prefix(middle);
    const Answer answer = Search(object, prefix.certain, prefix.pending).run(states_max);
    (answer == Answer::kNo ? bad : good) = middle;
  }
  const Prefix prefix = history.prefix(good);
  Search before(object, prefix.certain, prefix.pending);
  std::string text = fmt::format("{}: no order explains the answer of\n  {}", name,
                                 history.returns()[good]->to_string());
  if (before.run(states_max) != Answer::kYes) {
    return text + "\nnor, within the budget, what had returned before it";
  }
  text += fmt::format("\nwhat had returned before it has this order, with {} at its end:{}",
                      object.show(before.state()), show_last(before.path()));
  if (const Operations open = history.in_flight(good); !open.empty()) {
    text += "\nin flight then, and placed above or not:" + show_last(open);
  }
  return text;
}

CheckResult check_object(const ObjectHistory& history, const SequentialObject& object,
                         const std::string& name, uint64_t states_max) {
  const Prefix all = history.prefix(history.returns().size());
  Search search(object, all.certain, all.pending);
  const Answer answer = search.run(states_max);
  CheckResult result;
  result.states = search.states();
  if (answer == Answer::kBudget) {
    result.verdict = HistoryVerdict::kUndecided;
    result.explanation = fmt::format(
        "{}: {} operations with an answer, {} without, and no order found within {} states", name,
        all.certain.size(), all.pending.size(), states_max);
  } else if (answer == Answer::kNo) {
    result.verdict = HistoryVerdict::kViolation;
    result.anomaly = "not linearizable";
    result.explanation = explain(history, object, name, states_max);
  }
  return result;
}

}  // namespace

CheckResult check_linearizable(const std::vector<ObjectOp>& operations,
                               const SequentialObject& object, LinearizableOptions options) {
  if (auto problem = find_malformed(operations)) {
    return malformed_history(*std::move(problem));
  }
  std::map<std::string, Operations> objects;
  for (const ObjectOp& op : operations) {
    if (auto problem = object.problem(op)) {
      return malformed_history(*std::move(problem));
    }
    objects[op.object].push_back(&op);
  }
  CheckResult result;
  for (const auto& [name, of_object] : objects) {
    CheckResult one = check_object(ObjectHistory(of_object), object, name, options.states_max);
    one.states += result.states;
    if (one.verdict == HistoryVerdict::kViolation) {
      return one;
    }
    if (result.verdict == HistoryVerdict::kHolds) {
      result = std::move(one);
    } else {
      result.states = one.states;
    }
  }
  return result;
}

}  // namespace kelpie::sim
