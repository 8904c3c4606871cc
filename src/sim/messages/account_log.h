// AccountLog: all that ever had an effect on one account, in the order of its turns. The account's
// whole state, so that whoever reads it can judge what happened, and how often.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace kelpie::sim {

enum class AccountEvent : uint8_t {
  kDeposited,  // by a client
  kSent,       // a message that carries money left for `peer`
  kReceived,   // and came
  kPaid,       // a call that carries money was made to `peer`
  kCredited,   // and ran
  kArmed,      // a reminder for `when`
  kFired,      // it called at `when`
  kCancelled,  // the reminder `peer`
};

struct AccountEntry {
  AccountEvent event = AccountEvent::kDeposited;
  std::string id;  // of the client's operation that caused it
  std::string peer;
  int64_t amount = 0;
  int64_t when_ns = 0;  // of the node's wall clock
  bool operator==(const AccountEntry&) const = default;
};

struct AccountLog {
  std::vector<AccountEntry> entries;

  [[nodiscard]] int64_t balance() const;
  [[nodiscard]] Bytes encode() const;
  static Result<AccountLog> decode(ByteView bytes);
};

}  // namespace kelpie::sim
