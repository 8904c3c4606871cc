#include "sim/check/sequential_object.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace kelpie::sim {
namespace {

// An absent register, and one with a value, which may be empty.
constexpr char kHasValue = '=';

Bytes register_state(const std::optional<Bytes>& value) {
  return value ? kHasValue + *value : Bytes();
}

std::optional<int64_t> decimal(ByteView text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return number;
}

int64_t wrapping_sum(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

std::string not_understood(std::string_view object, const ObjectOp& op) {
  return fmt::format("{} does not know this operation: {}", object, op.to_string());
}

}  // namespace

Bytes RegisterObject::initial() const { return register_state(std::nullopt); }

std::optional<Bytes> RegisterObject::apply(const State& state, const ObjectOp& op) const {
  const bool answered = op.fate == Fate::kOk;
  switch (op.kind) {
    case ObjectOpKind::kRead:
      if (answered && state != register_state(op.seen)) {
        return std::nullopt;
      }
      return state;
    case ObjectOpKind::kCompareAndSet: {
      const bool equal = state == register_state(op.expected);
      if (answered && equal != (op.swap == Swap::kDone)) {
        return std::nullopt;
      }
      return equal ? register_state(op.argument) : state;
    }
    default:
      return register_state(op.argument);
  }
}

std::optional<std::string> RegisterObject::problem(const ObjectOp& op) const {
  if (op.kind == ObjectOpKind::kAppend || op.kind == ObjectOpKind::kAdd) {
    return not_understood("a register", op);
  }
  return std::nullopt;
}

std::string RegisterObject::show(const State& state) const {
  return state.empty() ? "absent" : show_bytes(ByteView(state).substr(1));
}

Bytes CounterObject::initial() const { return "0"; }

std::optional<Bytes> CounterObject::apply(const State& state, const ObjectOp& op) const {
  const bool answered = op.fate == Fate::kOk;
  if (op.kind == ObjectOpKind::kRead) {
    if (answered && decimal(state) != decimal(op.seen.value_or("0"))) {
      return std::nullopt;
    }
    return state;
  }
  const int64_t sum = wrapping_sum(decimal(state).value_or(0), decimal(op.argument).value_or(0));
  if (answered && op.seen && decimal(*op.seen) != sum) {
    return std::nullopt;
  }
  return std::to_string(sum);
}

std::optional<std::string> CounterObject::problem(const ObjectOp& op) const {
  if (op.kind != ObjectOpKind::kRead && op.kind != ObjectOpKind::kAdd) {
    return not_understood("a counter", op);
  }
  if (op.kind == ObjectOpKind::kAdd && !decimal(op.argument)) {
    return "not a decimal number of 64 bits: " + op.to_string();
  }
  return std::nullopt;
}

std::string CounterObject::show(const State& state) const { return state; }

Bytes AppendListObject::initial() const { return ""; }

std::optional<Bytes> AppendListObject::apply(const State& state, const ObjectOp& op) const {
  const bool answered = op.fate == Fate::kOk;
  if (op.kind == ObjectOpKind::kRead) {
    const bool equal = op.seen ? *op.seen == state : state.empty();
    if (answered && !equal) {
      return std::nullopt;
    }
    return state;
  }
  Bytes after = state + op.argument + ',';
  if (answered && op.seen && *op.seen != after) {
    return std::nullopt;
  }
  return after;
}

std::optional<std::string> AppendListObject::problem(const ObjectOp& op) const {
  if (op.kind != ObjectOpKind::kRead && op.kind != ObjectOpKind::kAppend) {
    return not_understood("a list", op);
  }
  if (op.kind == ObjectOpKind::kAppend && !is_list_element(op.argument)) {
    return "an element must not be empty nor hold a comma: " + op.to_string();
  }
  return std::nullopt;
}

std::optional<Bytes> AppendListObject::signpost(
    const std::vector<const ObjectOp*>& answered) const {
  State longest;
  for (const ObjectOp* op : answered) {
    if (op->seen && op->seen->size() > longest.size()) {
      longest = *op->seen;
    }
  }
  return longest;
}

bool AppendListObject::may_be_on_the_way(const State& state, const State& signpost) const {
  const size_t common = std::min(state.size(), signpost.size());
  return ByteView(state).substr(0, common) == ByteView(signpost).substr(0, common);
}

std::string AppendListObject::show(const State& state) const { return show_bytes(state); }

}  // namespace kelpie::sim
