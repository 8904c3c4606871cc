// What a single object does when its operations come one after the other: the specification that
// concurrent histories are held to.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/check/history.h"

namespace kelpie::sim {

class SequentialObject {
 public:
  // Equal bytes are equal states.
  using State = Bytes;

  SequentialObject() = default;
  virtual ~SequentialObject() = default;
  SequentialObject(const SequentialObject&) = delete;
  SequentialObject& operator=(const SequentialObject&) = delete;

  [[nodiscard]] virtual State initial() const = 0;
  // The state after `op`, or absent if it cannot have got its answer in `state`. What an operation
  // of unknown fate says of its answer is not looked at; it always has a state after it. A read and
  // a refused compare-and-set leave the state as it is.
  [[nodiscard]] virtual std::optional<State> apply(const State& state,
                                                   const ObjectOp& op) const = 0;
  // Why this object cannot be asked this. A senseless answer is no problem: it has no place.
  [[nodiscard]] virtual std::optional<std::string> problem(const ObjectOp& op) const = 0;
  [[nodiscard]] virtual std::string show(const State& state) const = 0;

  // What the answers tell about all states, to spare the search what cannot be: a state that is
  // sure to be passed through, if they are all right. Absent: they tell nothing.
  [[nodiscard]] virtual std::optional<State> signpost(
      const std::vector<const ObjectOp*>& /*answered*/) const {
    return std::nullopt;
  }
  // Whether one of the two may lead to the other.
  [[nodiscard]] virtual bool may_be_on_the_way(const State& /*state*/,
                                               const State& /*signpost*/) const {
    return true;
  }
};

// Read, write, compare-and-set; absent at first.
class RegisterObject final : public SequentialObject {
 public:
  [[nodiscard]] State initial() const override;
  [[nodiscard]] std::optional<State> apply(const State& state, const ObjectOp& op) const override;
  [[nodiscard]] std::optional<std::string> problem(const ObjectOp& op) const override;
  [[nodiscard]] std::string show(const State& state) const override;
};

// Read and add of decimal numbers of 64 bits with a sign, which wrap; zero at first. A read that
// saw nothing saw zero.
class CounterObject final : public SequentialObject {
 public:
  [[nodiscard]] State initial() const override;
  [[nodiscard]] std::optional<State> apply(const State& state, const ObjectOp& op) const override;
  [[nodiscard]] std::optional<std::string> problem(const ObjectOp& op) const override;
  [[nodiscard]] std::string show(const State& state) const override;
};

// Read and append; what is seen is as encode_list writes it; empty at first. A read that saw
// nothing saw the empty list.
class AppendListObject final : public SequentialObject {
 public:
  [[nodiscard]] State initial() const override;
  [[nodiscard]] std::optional<State> apply(const State& state, const ObjectOp& op) const override;
  [[nodiscard]] std::optional<std::string> problem(const ObjectOp& op) const override;
  [[nodiscard]] std::string show(const State& state) const override;
  // The longest list that was seen: every shorter one is its beginning.
  [[nodiscard]] std::optional<State> signpost(
      const std::vector<const ObjectOp*>& answered) const override;
  [[nodiscard]] bool may_be_on_the_way(const State& state, const State& signpost) const override;
};

}  // namespace kelpie::sim
