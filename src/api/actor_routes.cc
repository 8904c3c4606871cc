#include "api/actor_routes.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <optional>
#include <utility>

#include "actor/head.h"
#include "actor/inbox.h"
#include "actor/reminder.h"
#include "api/actor_facts.h"
#include "api/actor_render.h"
#include "api/respond.h"
#include "store/keys.h"

namespace kelpie::api {
namespace {

namespace json = boost::json;

// An operator hears in this time that a turn could not be run.
constexpr Duration kOperatorDeadline = Duration::seconds(30);
struct PauseOutcome {
  bool changed = false;
};

Task<void> pause_turn(actor::Turn& turn, bool paused, std::shared_ptr<PauseOutcome> outcome) {
  store::Transaction* transaction = co_await turn.reading();
  const store::keys::ActorName name = turn.self().name();
  const auto head = co_await transaction->get(store::keys::actor_head(name));
  bool is_paused = false;
  if (head) {
    is_paused = (co_await actor::Head::decode(*head)).paused;
  } else {
    // Others may have sent it a message. What nobody has heard of stays so.
    const store::KeyRange all = store::keys::actor(name);
    const Bytes first = co_await transaction->get_key(
        store::KeySelector::first_greater_or_equal(all.begin), store::Isolation::kSnapshot);
    if (!all.contains(first)) {
      co_return base::not_found("nothing is stored of an actor " + turn.self().to_string());
    }
  }
  outcome->changed = is_paused != paused;
  if (outcome->changed) {
    turn.pause_actor(paused);
  } else {
    turn.read_only();
  }
  co_return kOk;
}

}  // namespace

ActorRoutes::ActorRoutes(World& world, store::Database& database, actor::Runtime& runtime,
                         std::function<bool(std::string_view id)> lives_here)
    : world_(world), database_(database), runtime_(runtime), lives_here_(std::move(lives_here)) {}

Result<actor::ActorRef> ActorRoutes::actor_of(const Call& call) const {
  CHECK(call.parameters.size() >= 3);
  actor::ActorRef actor{call.parameters[0], call.parameters[1], call.parameters[2]};
  TRY(actor.check());
  // Whoever brings it to another loop would give it two activations.
  if (!lives_here_(actor.id)) {
    return base::internal("a request about " + actor.to_string() +
                          " came to a loop that it does not live on");
  }
  return actor;
}

Task<ActorRows> ActorRoutes::resident(ActorQuery query) {
  co_return resident_rows(runtime_, query);
}

Task<net::Response> ActorRoutes::list(Call call) {
  const ActorQuery query = co_await parse_actor_query(call.query);
  ActorRows rows;
  if (query.stored) {
    rows = co_await stored_rows(database_, query);
  } else {
    std::vector<ActorRows> pages;
    pages.push_back(resident_rows(runtime_, query));
    for (const Peer& other : others_) {
      pages.push_back(co_await async::run_on<ActorRows>(
          world_.loop, other.place,
          [&routes = other.routes, query]() { return routes.resident(query); }));
    }
    rows = merge_rows(std::move(pages), query.limit);
  }
  const bool more = rows.size() > query.limit;
  rows.resize(std::min(rows.size(), query.limit));
  json::array actors;
  for (const ActorRow& row : rows) {
    actors.push_back(render_row(row));
  }
  co_return json_response(
      200,
      json::object{{"actors", std::move(actors)},
                   {"next", more ? json::value(actor_cursor(rows.back().actor)) : json::value()}});
}

Task<net::Response> ActorRoutes::show(Call call) {
  const actor::ActorRef actor = co_await actor_of(call);
  const auto stored = co_await read_stored_facts(database_, actor);
  const auto activation = runtime_.residents().find(actor);
  if (!stored && !activation) {
    co_return base::not_found("no actor " + actor.to_string() + " is stored or in memory");
  }
  std::optional<ActorRow::Live> live;
  if (activation) {
    live = live_of(*activation, world_.loop.now());
  }
  co_return json_response(200, render_facts(actor, stored.value_or(StoredFacts()), live));
}

Task<net::Response> ActorRoutes::explain(Call call) {
  const actor::ActorRef actor = co_await actor_of(call);
  OwnerFacts facts = co_await read_owner_facts(database_, runtime_.ownership(), actor);
  auto transaction = database_.begin();
  const auto head =
      co_await transaction->get(store::keys::actor_head(actor.name()), store::Isolation::kSnapshot);
  if (head) {
    facts.head = co_await actor::Head::decode(*head);
  }
  facts.active = runtime_.residents().find(actor) != nullptr;
  co_return json_response(200, render_owner(actor, facts));
}

Task<void> ActorRoutes::operate(actor::ActorRef actor, actor::TurnBody body) {
  const actor::CallOptions options{.deadline = world_.loop.now() + kOperatorDeadline,
                                   .origin = actor::CallOrigin::kOperator};
  static_cast<void>(
      co_await runtime_.run(std::move(actor), std::move(body), options, actor::Fencing::kAtOnce));
  co_return kOk;
}

Task<net::Response> ActorRoutes::set_paused(Call call, bool paused) {
  const actor::ActorRef actor = co_await actor_of(call);
  const auto outcome = std::make_shared<PauseOutcome>();
  co_await operate(actor, [paused, outcome](actor::Actor&, actor::Turn& turn) {
    return pause_turn(turn, paused, outcome);
  });
  json::object shown = render_name(actor);
  shown["paused"] = paused;
  shown["changed"] = outcome->changed;
  co_return json_response(200, shown);
}

Task<net::Response> ActorRoutes::deactivate(Call call) {
  const actor::ActorRef actor = co_await actor_of(call);
  json::object shown = render_name(actor);
  shown["was_active"] = co_await runtime_.deactivate(actor);
  co_return json_response(200, shown);
}

Task<net::Response> ActorRoutes::inbox(Call call) {
  const actor::ActorRef actor = co_await actor_of(call);
  const size_t limit = co_await parse_actor_limit(call.query);
  auto transaction = database_.begin();
  json::array messages;
  for (const auto& each : co_await actor::list_inbox(*transaction, actor, limit)) {
    messages.push_back(render_message(each.stamp, each.message));
  }
  json::array parked;
  for (const auto& each : co_await actor::list_parked(*transaction, actor, limit)) {
    parked.push_back(render_parked(each));
  }
  json::object shown = render_name(actor);
  shown["inbox"] =
      render_count(co_await count_keys(*transaction, store::keys::actor_inbox(actor.name())));
  shown["parked"] =
      render_count(co_await count_keys(*transaction, store::keys::actor_parked(actor.name())));
  shown["messages"] = std::move(messages);
  shown["parked_messages"] = std::move(parked);
  co_return json_response(200, shown);
}

Task<net::Response> ActorRoutes::retry(Call call) {
  const actor::ActorRef actor = co_await actor_of(call);
  const Bytes stamp = co_await parse_stamp(call.parameters.at(3));
  co_await operate(actor, [stamp](actor::Actor&, actor::Turn& turn) {
    return actor::retry_parked(turn, stamp);
  });
  json::object shown = render_name(actor);
  shown["retried"] = base::to_hex(stamp);
  co_return json_response(200, shown);
}

Task<net::Response> ActorRoutes::drop(Call call) {
  const actor::ActorRef actor = co_await actor_of(call);
  const Bytes stamp = co_await parse_stamp(call.parameters.at(3));
  co_await operate(
      actor, [stamp](actor::Actor&, actor::Turn& turn) { return actor::drop_parked(turn, stamp); });
  json::object shown = render_name(actor);
  shown["dropped"] = base::to_hex(stamp);
  co_return json_response(200, shown);
}

Task<net::Response> ActorRoutes::reminders(Call call) {
  const actor::ActorRef actor = co_await actor_of(call);
  const size_t limit = co_await parse_actor_limit(call.query);
  auto transaction = database_.begin();
  json::array reminders;
  for (const auto& each : co_await actor::list_reminders(*transaction, actor, limit)) {
    reminders.push_back(render_reminder(each));
  }
  json::object shown = render_name(actor);
  shown["count"] =
      render_count(co_await count_keys(*transaction, store::keys::actor_reminders(actor.name())));
  shown["reminders"] = std::move(reminders);
  co_return json_response(200, shown);
}

}  // namespace kelpie::api
