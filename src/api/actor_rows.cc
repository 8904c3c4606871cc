#include "api/actor_rows.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <memory>
#include <system_error>
#include <tuple>
#include <utility>

#include "actor/activation.h"
#include "actor/head.h"
#include "api/requests.h"
#include "store/keys.h"

namespace kelpie::api {
namespace {

// Read in one transaction: its age is bounded.
constexpr size_t kRowsPerTransaction = 100;

auto name_of(const actor::Activation& activation) {
  return std::tuple<std::string_view, std::string_view, std::string_view>(
      activation.kind().type.name, activation.kind().ns, activation.id());
}

bool by_name(const actor::Activation* a, const actor::Activation* b) {
  return name_of(*a) < name_of(*b);
}

bool fits(const actor::Activation& activation, const ActorQuery& query) {
  if (!query.type.empty() && activation.kind().type.name != query.type) {
    return false;
  }
  if (!query.ns.empty() && activation.kind().ns != query.ns) {
    return false;
  }
  return !query.after ||
         name_of(activation) > std::tuple<std::string_view, std::string_view, std::string_view>(
                                   query.after->type, query.after->ns, query.after->id);
}

store::KeyRange range_of(const ActorQuery& query) {
  store::KeyRange range = query.type.empty() ? store::keys::actors()
                          : query.ns.empty() ? store::keys::actors(query.type)
                                             : store::keys::actors(query.type, query.ns);
  if (query.after) {
    range.begin = std::max(range.begin, store::keys::actor(query.after->name()).end);
  }
  return range;
}

}  // namespace

Result<size_t> parse_actor_limit(const codec::QueryParameters& query) {
  const auto text = query_text(query, "limit");
  if (!text) {
    return kActorRowsDefault;
  }
  size_t limit = 0;
  const char* last = text->data() + text->size();
  const auto [end, code] = std::from_chars(text->data(), last, limit);
  if (code != std::errc() || end != last || limit < 1 || limit > kActorRowsMax) {
    return base::out_of_range("query.limit: expected an integer from 1 to " +
                              std::to_string(kActorRowsMax) + ", got \"" + *text + "\"");
  }
  return limit;
}

Result<ActorQuery> parse_actor_query(const codec::QueryParameters& query) {
  ActorQuery parsed;
  parsed.limit = TRY(parse_actor_limit(query));
  parsed.type = query_text(query, "type").value_or("");
  parsed.ns = query_text(query, "namespace").value_or("");
  if (parsed.type.empty() && !parsed.ns.empty()) {
    return base::out_of_range("query.namespace: expected a query.type beside it");
  }
  if (const auto stored = query_text(query, "stored")) {
    if (*stored != "true" && *stored != "false") {
      return base::out_of_range("query.stored: expected true or false, got \"" + *stored + "\"");
    }
    parsed.stored = *stored == "true";
  }
  if (const auto cursor = query_text(query, "cursor")) {
    parsed.after = TRY(parse_actor_cursor(*cursor));
  }
  return parsed;
}

std::string actor_cursor(const actor::ActorRef& actor) {
  return codec::percent_encode(actor.type) + "/" + codec::percent_encode(actor.ns) + "/" +
         codec::percent_encode(actor.id);
}

Result<actor::ActorRef> parse_actor_cursor(std::string_view cursor) {
  const size_t first = cursor.find('/');
  const size_t second = first == cursor.npos ? cursor.npos : cursor.find('/', first + 1);
  if (second == cursor.npos || cursor.find('/', second + 1) != cursor.npos) {
    return base::out_of_range("query.cursor: expected the `next` of an earlier page, got \"" +
                              std::string(cursor) + "\"");
  }
  actor::ActorRef actor{TRY(codec::percent_decode(cursor.substr(0, first))),
                        TRY(codec::percent_decode(cursor.substr(first + 1, second - first - 1))),
                        TRY(codec::percent_decode(cursor.substr(second + 1)))};
  TRY(actor.check());
  return actor;
}

ActorRow::Live live_of(const actor::Activation& activation, Instant now) {
  const bool working = activation.working();
  return {.waiting = activation.waiting(),
          .working = working,
          .idle = working ? Duration() : now - activation.last_used()};
}

ActorRows resident_rows(actor::Runtime& runtime, const ActorQuery& query) {
  // A heap of the first ones so far, the last of them on top.
  std::vector<actor::Activation*> first;
  actor::Residents& residents = runtime.residents();
  for (actor::Activation* each = residents.first(); each != nullptr;
       each = residents.after(*each)) {
    if (!fits(*each, query)) {
      continue;
    }
    if (first.size() <= query.limit) {
      first.push_back(each);
      std::push_heap(first.begin(), first.end(), by_name);
    } else if (by_name(each, first.front())) {
      std::pop_heap(first.begin(), first.end(), by_name);
      first.back() = each;
      std::push_heap(first.begin(), first.end(), by_name);
    }
  }
  std::sort_heap(first.begin(), first.end(), by_name);
  ActorRows rows;
  const Instant now = runtime.world().loop.now();
  for (const actor::Activation* each : first) {
    rows.push_back({.actor = each->self(),
                    .turn = each->turn() > 0 ? std::optional(each->turn()) : std::nullopt,
                    .paused = each->paused(),
                    .live = live_of(*each, now)});
  }
  return rows;
}

Task<ActorRows> stored_rows(store::Database& database, ActorQuery query) {
  const auto isolation = store::Isolation::kSnapshot;
  store::KeyRange range = range_of(query);
  ActorRows rows;
  std::unique_ptr<store::Transaction> transaction;
  while (rows.size() <= query.limit) {
    if (rows.size() % kRowsPerTransaction == 0) {
      transaction = database.begin();
    }
    const Bytes key = co_await transaction->get_key(
        store::KeySelector::first_greater_or_equal(range.begin), isolation);
    if (!range.contains(key)) {
      break;
    }
    auto name = co_await store::keys::actor_of(key);
    ActorRow row{.actor = {std::move(name.type), std::move(name.ns), std::move(name.id)}};
    const auto head =
        co_await transaction->get(store::keys::actor_head(row.actor.name()), isolation);
    if (head) {
      const actor::Head decoded = co_await actor::Head::decode(*head);
      row.turn = decoded.turn;
      row.paused = decoded.paused;
    }
    range.begin = store::keys::actor(row.actor.name()).end;
    rows.push_back(std::move(row));
  }
  co_return std::move(rows);
}

ActorRows merge_rows(std::vector<ActorRows> pages, size_t limit) {
  ActorRows all;
  for (ActorRows& page : pages) {
    std::ranges::move(page, std::back_inserter(all));
  }
  std::ranges::sort(all, {}, &ActorRow::actor);
  if (all.size() > limit + 1) {
    all.resize(limit + 1);
  }
  return all;
}

}  // namespace kelpie::api
