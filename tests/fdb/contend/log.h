// What one process of the contention test saw, as lines of text: written by the process, judged by
// judge.h. Times are nanoseconds of CLOCK_MONOTONIC, which the processes of a machine share.
#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace kelpie::contend {

enum class Kind : uint8_t {
  kAdd,      // one more, under an idempotency key
  kSession,  // one more, in a session
  kRead,
};

struct Call {
  int64_t called_ns = 0;
  int64_t returned_ns = 0;
  std::string actor;
  Kind kind = Kind::kRead;
  // Of kAdd and kSession: calls of one key are attempts at one increment, whoever makes them.
  std::string key;
  // "ok", the name of an error's code, or "elsewhere": refused, because `owner` has the actor.
  std::string outcome;
  std::string owner;
  // Of an answer: what the counter held, after the increment. The generation is hexadecimal, and
  // reads have none.
  int64_t value = 0;
  std::string generation;
};

struct EpochSeen {
  int64_t at_ns = 0;
  std::string epoch;  // hexadecimal
};

struct NodeLog {
  std::string node;
  std::vector<Call> calls;
  std::vector<EpochSeen> epochs;  // the first, and each that followed it
};

// Lines, each with its end. A log is the line of its node, lines of calls and epochs, and its end,
// which says how many calls there are.
std::string node_line(const std::string& node);
std::string call_line(const Call& call);
std::string epoch_line(const EpochSeen& seen);
std::string end_line(uint64_t calls);

// data_loss for anything else, a log without its end among it.
Result<NodeLog> read_log(std::istream& in);

}  // namespace kelpie::contend
