// AccountAudit: judges what accounts hold when all has come to rest against what their clients were
// told. It knows only stored logs and answers, no code.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/messages/account_log.h"
#include "sim/simulation.h"

namespace kelpie::sim {

// An operation of a client, with one id, however often it was tried.
struct AccountOp {
  std::string method;  // deposit, send, pay, arm, cancel
  std::string id;
  std::string account;
  std::string peer;  // of a cancel, the reminder
  int64_t amount = 0;
  bool answered = false;  // with ok
};

// A look at an account, called after these operations on it were answered: S4 when it misses one.
[[nodiscard]] std::optional<Failure> judge_look(const AccountLog& seen,
                                                const std::vector<AccountOp>& answered);

struct AccountAudit {
  std::map<std::string, AccountLog> accounts;
  std::vector<AccountOp> ops;
  // Of messages that were parked, and wait for an operator: their money is under way.
  std::set<std::string> parked;
  // Reminders that the store still has.
  std::set<std::string> pending;

  // The first promise that is broken:
  //   S3   what was answered left no trace
  //   S6   what was asked for once took effect more often
  //   S7   money was made or lost: the parts of a turn did not commit together
  //   S14  a reminder fired before its time, twice, not at all, or after its cancel
  //   S15  a message was applied twice, or was lost
  [[nodiscard]] std::optional<Failure> judge() const;

 private:
  [[nodiscard]] std::optional<Failure> judge_answers() const;
  [[nodiscard]] std::optional<Failure> judge_money() const;
  [[nodiscard]] std::optional<Failure> judge_reminders() const;
};

}  // namespace kelpie::sim
