#include "judge.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "sim/check/linearizable.h"

namespace kelpie::contend {
namespace {

constexpr const char* kOk = "ok";
constexpr const char* kUnknown = "unknown";

// All calls of one key: one increment.
struct Increment {
  std::string key;
  int64_t called_ns = std::numeric_limits<int64_t>::max();
  int64_t returned_ns = std::numeric_limits<int64_t>::max();  // the first answer
  bool answered = false;
  bool undecided = false;
  int64_t value = 0;
  std::string generation;
  std::set<std::string> nodes;  // who made them
};

struct Read {
  int64_t called_ns = 0;
  int64_t returned_ns = 0;
  int64_t value = 0;
  std::string node;
};

struct Counter {
  std::string actor;
  std::map<std::string, Increment> increments;
  std::vector<Read> reads;
  std::vector<int64_t> last;  // what was read after everything
};

// A moment by which the counter is known to have had a value.
struct Seen {
  int64_t at_ns = 0;
  int64_t value = 0;
};

std::string show(const Read& read) {
  return "a read by " + read.node + " (" + std::to_string(read.called_ns) + " to " +
         std::to_string(read.returned_ns) + ") saw " + std::to_string(read.value);
}
std::string show(const Increment& increment) {
  return "the increment " + increment.key + " (" + std::to_string(increment.called_ns) + " to " +
         std::to_string(increment.returned_ns) + ") made it " + std::to_string(increment.value);
}

class Judge {
 public:
  Judge(const Counter& counter, Verdict& verdict) : counter_(counter), verdict_(verdict) {
    for (const auto& [key, increment] : counter_.increments) {
      if (increment.answered) {
        answered_.push_back(&increment);
        seen_.push_back({increment.returned_ns, increment.value});
      }
      undecided_ += static_cast<uint64_t>(!increment.answered && increment.undecided);
    }
    std::ranges::sort(answered_, {}, &Increment::value);
    for (const Read& read : counter_.reads) {
      seen_.push_back({read.returned_ns, read.value});
    }
    std::ranges::sort(seen_, {}, &Seen::at_ns);
    int64_t highest = 0;
    for (Seen& seen : seen_) {
      seen.value = highest = std::max(highest, seen.value);
    }
    verdict_.increments += answered_.size();
    verdict_.undecided += undecided_;
    verdict_.reads += counter_.reads.size();
  }

  void run() {
    each_value_once();
    nothing_older();
    nothing_made_up();
    final_value();
    generations();
    linearizable();
  }

 private:
  void problem(const std::string& rule, std::string text) {
    const auto same = [&](const Problem& old) {
      return old.rule == rule && old.actor == counter_.actor;
    };
    if (std::ranges::none_of(verdict_.problems, same)) {
      verdict_.problems.push_back({rule, counter_.actor, std::move(text)});
    }
  }

  // The highest value that somebody knew before this moment.
  [[nodiscard]] int64_t known_before(int64_t at_ns) const {
    const auto after = std::ranges::lower_bound(seen_, at_ns, {}, &Seen::at_ns);
    return after == seen_.begin() ? 0 : std::prev(after)->value;
  }

  void each_value_once() {
    for (size_t i = 1; i < answered_.size(); ++i) {
      if (answered_[i]->value == answered_[i - 1]->value) {
        problem("each value once", show(*answered_[i - 1]) + ", and " + show(*answered_[i]));
      }
    }
  }

  void nothing_older() {
    for (const Read& read : counter_.reads) {
      const int64_t known = known_before(read.called_ns);
      if (read.value < known) {
        problem("no stale reply", show(read) + ", after " + std::to_string(known) + " was known");
      }
    }
    for (const Increment* increment : answered_) {
      const int64_t known = known_before(increment->called_ns);
      if (increment->value <= known) {
        problem("no stale commit",
                show(*increment) + ", after " + std::to_string(known) + " was known");
      }
    }
  }

  void nothing_made_up() {
    std::vector<int64_t> begun;
    for (const auto& [key, increment] : counter_.increments) {
      if (increment.answered || increment.undecided) {
        begun.push_back(increment.called_ns);
      }
    }
    std::ranges::sort(begun);
    const auto begun_by = [&](int64_t at_ns) {
      return std::ranges::upper_bound(begun, at_ns) - begun.begin();
    };
    for (const Read& read : counter_.reads) {
      if (read.value < 0 || read.value > begun_by(read.returned_ns)) {
        problem(
            "nothing made up",
            show(read) + " of " + std::to_string(begun_by(read.returned_ns)) + " that had begun");
      }
    }
    for (const Increment* increment : answered_) {
      if (increment->value < 1 || increment->value > begun_by(increment->returned_ns)) {
        problem("nothing made up", show(*increment) + " of " +
                                       std::to_string(begun_by(increment->returned_ns)) +
                                       " that had begun");
      }
    }
  }

  void final_value() {
    if (counter_.last.size() != 1) {
      problem("final value", "it was read " + std::to_string(counter_.last.size()) +
                                 " times in the end, instead of once");
      return;
    }
    const auto value = static_cast<uint64_t>(counter_.last.front());
    if (value < answered_.size() || value > answered_.size() + undecided_) {
      problem("final value", "it is " + std::to_string(value) + " after " +
                                 std::to_string(answered_.size()) + " increments and " +
                                 std::to_string(undecided_) + " of unknown fate");
    }
  }

  // They grow with the values, and each is one node's. A repetition of a key that both nodes use
  // says nothing of who has the actor.
  void generations() {
    std::map<std::string, std::string> owner;
    for (size_t i = 0; i < answered_.size(); ++i) {
      const Increment& increment = *answered_[i];
      if (i > 0 && increment.generation < answered_[i - 1]->generation) {
        problem("generations grow", show(increment) + " under generation " + increment.generation +
                                        ", after one of " + answered_[i - 1]->generation);
      }
      if (increment.nodes.size() != 1) {
        continue;
      }
      const auto place = owner.emplace(increment.generation, *increment.nodes.begin()).first;
      if (place->second != *increment.nodes.begin()) {
        problem("a generation is one node's", increment.generation + " is of " + place->second +
                                                  " and of " + *increment.nodes.begin());
      }
    }
  }

  void linearizable() {
    std::vector<sim::ObjectOp> history;
    for (const auto& [key, increment] : counter_.increments) {
      if (!increment.answered && !increment.undecided) {
        continue;
      }
      sim::ObjectOp op{.client = key,
                       .object = counter_.actor,
                       .kind = sim::ObjectOpKind::kAdd,
                       .called_ns = increment.called_ns,
                       .argument = "1"};
      if (increment.answered) {
        op.returned_ns = increment.returned_ns;
        op.fate = sim::Fate::kOk;
        op.seen = std::to_string(increment.value);
      }
      history.push_back(std::move(op));
    }
    for (const Read& read : counter_.reads) {
      history.push_back({.client = read.node,
                         .object = counter_.actor,
                         .kind = sim::ObjectOpKind::kRead,
                         .called_ns = read.called_ns,
                         .returned_ns = read.returned_ns,
                         .fate = sim::Fate::kOk,
                         .seen = std::to_string(read.value)});
    }
    const sim::CheckResult result = sim::check_linearizable(history, sim::CounterObject());
    if (result.verdict != sim::HistoryVerdict::kHolds) {
      problem("linearizable", result.to_string());
    }
  }

  const Counter& counter_;
  Verdict& verdict_;
  std::vector<const Increment*> answered_;  // by value
  std::vector<Seen> seen_;                  // by time, each with the highest so far
  uint64_t undecided_ = 0;
};

void add_call(Counter& counter, const std::string& node, const Call& call, Verdict& verdict) {
  if (call.kind == Kind::kRead) {
    if (call.outcome == kOk) {
      counter.reads.push_back({call.called_ns, call.returned_ns, call.value, node});
    }
    return;
  }
  Increment& increment = counter.increments[call.key];
  increment.key = call.key;
  increment.nodes.insert(node);
  if (call.outcome == kUnknown || call.outcome == kOk) {
    // An attempt that failed did nothing.
    increment.called_ns = std::min(increment.called_ns, call.called_ns);
  }
  if (call.outcome == kUnknown) {
    increment.undecided = true;
  } else if (call.outcome == kOk) {
    if (increment.answered &&
        (increment.value != call.value || increment.generation != call.generation)) {
      verdict.problems.push_back(
          {"one key, one answer", call.actor,
           show(increment) + ", and was answered with " + std::to_string(call.value) + " later"});
    }
    increment.answered = true;
    increment.value = call.value;
    increment.generation = call.generation;
    increment.returned_ns = std::min(increment.returned_ns, call.returned_ns);
  }
}

}  // namespace

Verdict judge(const std::vector<NodeLog>& logs, const NodeLog& last) {
  Verdict verdict;
  verdict.rules = {
      "each value once", "one key, one answer", "no stale reply",   "no stale commit",
      "nothing made up", "final value",         "generations grow", "a generation is one node's",
      "linearizable"};
  std::map<std::string, Counter> counters;
  const auto counter_of = [&](const std::string& actor) -> Counter& {
    Counter& counter = counters[actor];
    counter.actor = actor;
    return counter;
  };
  for (const NodeLog& log : logs) {
    for (const Call& call : log.calls) {
      add_call(counter_of(call.actor), log.node, call, verdict);
    }
  }
  for (const Call& call : last.calls) {
    Counter& counter = counter_of(call.actor);
    add_call(counter, last.node, call, verdict);
    if (call.outcome == kOk) {
      counter.last.push_back(call.value);
    }
  }
  verdict.actors = counters.size();
  for (const auto& [actor, counter] : counters) {
    Judge(counter, verdict).run();
  }
  return verdict;
}

}  // namespace kelpie::contend
