// A checker for small models: every state that can be reached, in breadth-first order, so that the
// first violation has the shortest trace there is.
//
// A model is a copyable value: what may happen next, what a step does, what must hold. A model that
// holds because it cannot move proves nothing. So each also names the steps that must have been
// taken and the situations that must have come up (its witnesses); one that is missing fails the
// check as a violation would.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"

namespace kelpie::sim {

// A situation that some step must bring about. The function is pure.
template <class M>
struct Witness {
  std::string name;
  std::function<bool(const M& before, const typename M::Action& step, const M& after)> seen;
};

// `name()` is the kind of step, `to_string()` the step with its arguments. States of one encoding
// enable the same steps. The invariant is asked after each step, also one into a known state, so it
// may speak of the step that was just taken.
template <class M>
concept Model = std::copyable<M> && requires(const M& model, M& next, const M::Action& action) {
  { model.enabled_actions() } -> std::same_as<std::vector<typename M::Action>>;
  { next.apply(action) } -> std::same_as<void>;
  { model.invariant() } -> std::same_as<std::optional<std::string>>;
  { model.encode() } -> std::same_as<Bytes>;
  { model.action_names() } -> std::same_as<std::vector<std::string_view>>;
  { model.witnesses() } -> std::same_as<std::vector<Witness<M>>>;
  { action.name() } -> std::convertible_to<std::string_view>;
  { action.to_string() } -> std::same_as<std::string>;
};

struct ModelCheck {
  enum class Verdict : uint8_t {
    kHolds,         // every state was visited, every step taken, every witness seen
    kViolated,      // `violation`, after `trace`
    kUnreached,     // it holds, but `missing` never came up: it may hold for the wrong reason
    kBoundReached,  // there are more states than were allowed: nothing is proved
  };
  Verdict verdict = Verdict::kHolds;
  size_t states = 0;       // different ones
  size_t transitions = 0;  // steps taken, also into states that were known
  size_t depth = 0;        // of the deepest state: steps from the initial one, at least
  std::string violation;
  std::vector<std::string> trace;    // the shortest: one line a step
  std::vector<std::string> reached;  // witnesses
  std::vector<std::string> missing;  // steps never taken and witnesses never seen

  // A verdict with its figures; for a violation also what broke and each step to it, on lines.
  [[nodiscard]] std::string to_string() const;
};

namespace detail {

// What is still missing, as steps are taken.
template <class M>
class Wanted {
 public:
  explicit Wanted(const M& model) : witnesses_(model.witnesses()), names_(model.action_names()) {}
  void step(const M& before, const M::Action& action, const M& after, ModelCheck& check) {
    std::erase(names_, action.name());
    std::erase_if(witnesses_, [&](const Witness<M>& witness) {
      const bool seen = witness.seen(before, action, after);
      if (seen) {
        check.reached.push_back(witness.name);
      }
      return seen;
    });
  }
  void report(ModelCheck& check) const {
    for (const std::string_view name : names_) {
      check.missing.push_back("step never taken: " + std::string(name));
    }
    for (const Witness<M>& witness : witnesses_) {
      check.missing.push_back("never seen: " + witness.name);
    }
  }

 private:
  std::vector<Witness<M>> witnesses_;
  std::vector<std::string_view> names_;
};

// How each state was first reached.
template <class M>
class Paths {
 public:
  static constexpr size_t kRoot = 0;
  size_t add(size_t parent, M::Action action) {
    steps_.push_back({parent, std::move(action)});
    return steps_.size();
  }
  [[nodiscard]] std::vector<std::string> to(size_t state) const {
    std::vector<std::string> lines;
    for (; state != kRoot; state = steps_[state - 1].parent) {
      lines.insert(lines.begin(), steps_[state - 1].action.to_string());
    }
    return lines;
  }

 private:
  struct Step {
    size_t parent;
    M::Action action;
  };
  std::vector<Step> steps_;  // of state 1 and on
};

}  // namespace detail

// Visits at most `states_max` states. Pure: the same model gives the same result.
template <Model M>
ModelCheck check_breadth_first(const M& initial, size_t states_max) {
  struct Open {
    size_t state;
    M model;
  };
  ModelCheck check;
  detail::Wanted<M> wanted(initial);
  detail::Paths<M> paths;
  boost::unordered_flat_set<Bytes> known = {initial.encode()};
  std::vector<Open> level;
  const auto finish = [&](ModelCheck::Verdict verdict) {
    check.verdict = verdict;
    check.states = known.size();
    wanted.report(check);
    return check;
  };
  level.push_back({detail::Paths<M>::kRoot, initial});
  if (auto broken = initial.invariant()) {
    check.violation = *std::move(broken);
    return finish(ModelCheck::Verdict::kViolated);
  }
  for (; !level.empty(); ++check.depth) {
    std::vector<Open> next_level;
    for (const Open& open : level) {
      for (typename M::Action& action : open.model.enabled_actions()) {
        M next = open.model;
        next.apply(action);
        ++check.transitions;
        wanted.step(open.model, action, next, check);
        auto broken = next.invariant();
        const bool fresh = known.insert(next.encode()).second;
        if (!fresh && !broken) {
          continue;
        }
        const size_t state = paths.add(open.state, std::move(action));
        if (broken) {
          check.violation = *std::move(broken);
          check.trace = paths.to(state);
          ++check.depth;
          return finish(ModelCheck::Verdict::kViolated);
        }
        if (known.size() > states_max) {
          return finish(ModelCheck::Verdict::kBoundReached);
        }
        next_level.push_back({state, std::move(next)});
      }
    }
    if (next_level.empty()) {
      break;
    }
    level = std::move(next_level);
  }
  finish(ModelCheck::Verdict::kHolds);
  if (!check.missing.empty()) {
    check.verdict = ModelCheck::Verdict::kUnreached;
  }
  return check;
}

}  // namespace kelpie::sim
