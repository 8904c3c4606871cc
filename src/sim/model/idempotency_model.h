// The model of exactly once: clients that commit an effect, are told nothing, settle, die, and try
// again elsewhere.
//
// What it takes from the code (store/exactly_once; promise S6): each attempt has a fresh nonce,
// writes it into its client's head and conflicts with the nonce's guard key; a settling reads the
// head and writes the guard key. With records, all clients have one request key, whose record each
// attempt reads and writes in the effect's own transaction; without them each client has a request
// of its own, tried by no one else, and a client that dies is not followed by another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "sim/model/breadth_first.h"
#include "sim/model/effect_ledger.h"

namespace kelpie::sim {

enum class IdempotencyBug : uint8_t {
  kNone,
  kBlindRetry,    // M9: an undecided commit is simply tried again
  kRewriteHead,   // M34: a settling writes the head, which its commit does not conflict with
  kOverwrite,     // M11: the record is written without a conflict on what was read of it
  kLoserRecords,  // M11: who is refused writes that into the record, in a commit of its own
  kSplitRecord,   // the record is written by a second commit, after the effect's
  kAnswerUntold,  // an undecided commit is answered as if it had happened
};

struct IdempotencyOptions {
  enum class Records : uint8_t { kNone, kShared } records = Records::kShared;
  size_t clients = 2;
  size_t undecided_max = 2;  // commits on their way after their client was told nothing
  IdempotencyBug bug = IdempotencyBug::kNone;
};

class IdempotencyModel {
 public:
  struct Action {
    enum class Kind : uint8_t {
      kAttempt,
      kTold,
      kRefused,
      kUntoldApplied,
      kUntoldLost,
      kUntoldLate,
      kRecord,
      kSettle,
      kSettleUntold,
      kCrash,
      kAskAgain,
      kLand,
    };
    Kind kind;
    size_t which;  // client; kLand: undecided commit
    [[nodiscard]] std::string_view name() const;
    [[nodiscard]] std::string to_string() const;
  };

  explicit IdempotencyModel(IdempotencyOptions options);

  [[nodiscard]] std::vector<Action> enabled_actions() const;
  void apply(const Action& action);
  [[nodiscard]] std::optional<std::string> invariant() const { return broken_; }
  [[nodiscard]] Bytes encode() const;
  [[nodiscard]] std::vector<std::string_view> action_names() const;
  [[nodiscard]] std::vector<Witness<IdempotencyModel>> witnesses() const;

 private:
  enum class Phase : uint8_t { kAsked, kOpen, kSettling, kRecording, kAnswered, kGone };
  // An attempt after its reads.
  struct Flight {
    size_t client = 0;
    bool record = false;   // it conflicts with the request's record
    bool refused = false;  // something that it conflicts with was written
    bool settled = false;  // by a write of its guard key
    bool awaited = true;   // its client is going to settle it
  };
  struct Client {
    Phase phase = Phase::kAsked;
    std::optional<Flight> open = {};
    bool head_is_mine = false;  // the head shows the nonce of its newest attempt
    bool crashed = false;       // while an attempt was undecided
  };

  [[nodiscard]] bool shares() const {
    return options_.records == IdempotencyOptions::Records::kShared;
  }
  [[nodiscard]] Bytes request_of(size_t client) const;
  static Bytes reply_of(size_t client);
  void attempt(size_t index);
  void conclude(size_t index, Action::Kind outcome);
  void settle(size_t index, Action::Kind kind);
  void answer(size_t index, const Bytes& reply);
  void land(const Flight& flight);
  void write_record(const Bytes& reply);
  void judge(std::optional<Failure> failure);

  IdempotencyOptions options_;
  EffectLedger ledger_;
  std::vector<Client> clients_;
  std::vector<Flight> undecided_;
  std::optional<Bytes> record_;  // of the one request key
  std::optional<std::string> broken_;
};

}  // namespace kelpie::sim
