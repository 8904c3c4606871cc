// History: what clients called and what came back, recorded outside the code under test.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace kelpie::sim {

enum class OpKind : uint8_t { kCreate, kSend, kList, kGet, kDelete };
std::string_view op_name(OpKind kind);

enum class Outcome : uint8_t {
  kUnknown,  // no answer, or one that leaves open whether it happened
  kOk,       // 2xx
  kAbsent,   // 404: the agent is not there
  kFailed,   // another 4xx: it certainly did not happen
};

// A message as a list shows it.
struct SeenMessage {
  std::string id;
  std::string type;
  std::string text;
  std::string tool_call_id;  // of calls and returns
  bool operator==(const SeenMessage&) const = default;
};

inline constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

// In place of a model's error: the answer's body, which would name it, was lost on its way.
inline constexpr std::string_view kReasonLost = "lost";

struct Op {
  std::string client;
  OpKind kind = OpKind::kGet;
  std::string agent;  // of kCreate: once it is known
  std::string text;   // of kSend: unique in the run
  int64_t called_ns = 0;
  int64_t returned_ns = kNever;
  Outcome outcome = Outcome::kUnknown;
  int status = 0;
  // Production code received a storage read error between the call and the answer.
  bool storage_errors = false;
  std::string model_error;  // of kSend: its run has ended because the model failed, in this way
  std::vector<SeenMessage> messages;  // of kList: all of them, oldest first; of kSend: the answer's

  [[nodiscard]] std::string to_string() const;
};

// In order of calling. An index stays valid.
using History = std::vector<Op>;

// Whether somebody waits for an answer.
bool in_flight(const History& history);

}  // namespace kelpie::sim
