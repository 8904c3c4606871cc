// ActorRows: which actors there are: those in memory on a loop, those in the store; a page at a
// time, in the order of type, namespace and id.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actor/ref.h"
#include "actor/runtime.h"
#include "async/task.h"
#include "base/result.h"
#include "base/time.h"
#include "codec/url.h"
#include "store/database.h"

namespace kelpie::api {

inline constexpr size_t kActorRowsDefault = 100;
inline constexpr size_t kActorRowsMax = 1'000;

struct ActorQuery {
  bool stored = false;  // in the store; else in memory
  std::string type;     // empty: all
  std::string ns;       // empty: all; only with a type
  std::optional<actor::ActorRef> after;
  size_t limit = kActorRowsDefault;
};
// From `stored`, `type`, `namespace`, `cursor`, `limit`. `out_of_range` names what was expected.
Result<ActorQuery> parse_actor_query(const codec::QueryParameters& query);
// `limit` of any list about actors.
Result<size_t> parse_actor_limit(const codec::QueryParameters& query);

// An actor as a cursor: each part percent-encoded, so that any byte comes back.
std::string actor_cursor(const actor::ActorRef& actor);
Result<actor::ActorRef> parse_actor_cursor(std::string_view cursor);

struct ActorRow {
  struct Live {
    size_t waiting = 0;  // calls
    bool working = false;
    Duration idle;  // since it was used last; zero while it works
  };
  actor::ActorRef actor;
  std::optional<int64_t> turn;  // of the last commit; absent: it has committed nothing yet
  bool paused = false;
  std::optional<Live> live;
};
// One more than the limit says that there are more.
using ActorRows = std::vector<ActorRow>;

ActorRow::Live live_of(const actor::Activation& activation, Instant now);
// Of the runtime's own loop. One walk over all that are in memory, which holds the loop.
ActorRows resident_rows(actor::Runtime& runtime, const ActorQuery& query);
// Read actor by actor, not as of one moment: a page may take many transactions.
Task<ActorRows> stored_rows(store::Database& database, ActorQuery query);
// Pages of several loops, for the same query, as one.
ActorRows merge_rows(std::vector<ActorRows> pages, size_t limit);

}  // namespace kelpie::api
