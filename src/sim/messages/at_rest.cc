#include "sim/messages/at_rest.h"

#include <fmt/format.h>

#include "actor/inbox.h"
#include "actor/reminder.h"
#include "base/limits.h"
#include "sim/messages/account_actor.h"
#include "store/chunked.h"
#include "store/keys.h"

namespace kelpie::sim {

std::string account_name(uint64_t number) { return fmt::format("account-{}", number + 1); }

Task<AtRest> look_at_rest(store::Database& database, WallTime now) {
  AtRest rest;
  auto transaction = database.begin();
  for (uint64_t account = 0; account < kAccounts; ++account) {
    const std::string name = account_name(account);
    const actor::ActorRef ref = account_ref(name);
    const auto stored =
        co_await store::get_chunked(*transaction, store::keys::actor_state(ref.name()));
    rest.accounts[name] = stored ? co_await AccountLog::decode(*stored) : AccountLog();
    for (const actor::Reminder& reminder :
         co_await actor::list_reminders(*transaction, ref, 1'000)) {
      rest.pending.insert(reminder.name);
    }
    rest.messages += (co_await actor::list_inbox(*transaction, ref, 1)).size();
    for (const actor::StoredParked& parked :
         co_await actor::list_parked(*transaction, ref, 1'000)) {
      rest.parked.insert(
          (co_await AccountRequest::decode(parked.parked.message.what.arguments)).id);
    }
  }
  for (int64_t shard = 0; shard < base::kDueShards; ++shard) {
    const store::KeyRange due = store::keys::due_before(shard, now.micros());
    rest.marks += (co_await transaction->get_range({.range = due, .rows_max = 1})).rows.size();
  }
  co_return rest;
}

}  // namespace kelpie::sim
