// ActorFacts: what operators are told about one actor: what is stored of it, and who owns it, why.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "actor/head.h"
#include "actor/ref.h"
#include "async/task.h"
#include "base/result.h"
#include "base/time.h"
#include "cluster/ownership.h"
#include "store/database.h"

namespace kelpie::api {

// Keys are counted up to this number, and not beyond.
inline constexpr size_t kActorKeysCountedMax = 1'000;

struct Counted {
  size_t count = 0;
  bool more = false;
  bool operator==(const Counted&) const = default;
};
// How many keys are in the range. Finds them by their places; moves no value.
Task<Counted> count_keys(store::Transaction& transaction, store::KeyRange range);

struct StoredFacts {
  std::optional<actor::Head> head;    // absent: it has committed nothing yet
  std::optional<size_t> state_bytes;  // absent: it keeps no state there
  Counted data;
  Counted inbox;
  Counted parked;
  Counted reminders;
};
// Nothing at all is stored of it: nullopt.
Task<std::optional<StoredFacts>> read_stored_facts(store::Database& database,
                                                   actor::ActorRef actor);

// Who owns an actor.
struct OwnerFacts {
  bool records = false;             // owners are written down, actor by actor
  std::string here;                 // the node that was asked
  bool active = false;              // in memory there
  std::optional<actor::Head> head;  // absent: it has committed nothing yet
  // Absent: nobody does.
  std::optional<cluster::Placement> placement;
  std::optional<WallTime> node_joined;  // under the epoch that it owns by
};
Task<OwnerFacts> read_owner_facts(store::Database& database, cluster::Ownership& ownership,
                                  actor::ActorRef actor);
// One or two sentences.
std::string explain_owner(const OwnerFacts& facts);

}  // namespace kelpie::api
