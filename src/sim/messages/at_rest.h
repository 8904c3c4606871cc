// AtRest: what the accounts and their queues hold when nothing runs any more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "async/task.h"
#include "base/time.h"
#include "sim/messages/account_log.h"
#include "store/database.h"

namespace kelpie::sim {

inline constexpr uint64_t kAccounts = 4;
// From 0.
std::string account_name(uint64_t number);

struct AtRest {
  std::map<std::string, AccountLog> accounts;
  std::set<std::string> parked;
  std::set<std::string> pending;  // reminders
  size_t marks = 0;               // that are due
  size_t messages = 0;
};

// `now`: what is not due then is not waited for.
Task<AtRest> look_at_rest(store::Database& database, WallTime now);

}  // namespace kelpie::sim
