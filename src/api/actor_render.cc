#include "api/actor_render.h"

#include <string>
#include <utility>

#include "agent/records.h"
#include "codec/tuple.h"

namespace kelpie::api {

namespace json = boost::json;

namespace {

// Of a call's arguments and of an error, as they are shown.
constexpr size_t kShownBytesMax = 1'000;

std::string shown_text(std::string_view text) {
  return agent::legible(text.substr(0, kShownBytesMax));
}

std::string_view name_of(actor::CatchUp catch_up) {
  switch (catch_up) {
    case actor::CatchUp::kAll:
      return "all";
    case actor::CatchUp::kOne:
      return "one";
    case actor::CatchUp::kNone:
      break;
  }
  return "none";
}

template <class T>
json::value or_null(bool there, T value) {
  return there ? json::value(std::move(value)) : json::value();
}

json::object render_live(const ActorRow::Live& live) {
  return {{"waiting", live.waiting},
          {"working", live.working},
          {"idle_millis", live.idle.nanos() / 1'000'000}};
}

json::object render_invocation(const actor::Invocation& what) {
  return {{"method", agent::legible(what.method)},
          {"arguments", shown_text(what.arguments)},
          {"argument_bytes", what.arguments.size()}};
}

}  // namespace

json::object render_name(const actor::ActorRef& actor) {
  return {{"actor", agent::legible(actor.to_string())},
          {"type", agent::legible(actor.type)},
          {"namespace", agent::legible(actor.ns)},
          {"id", agent::legible(actor.id)}};
}

json::object render_row(const ActorRow& row) {
  json::object shown = render_name(row.actor);
  shown["turn"] = or_null(row.turn.has_value(), row.turn.value_or(0));
  shown["paused"] = row.paused;
  if (row.live) {
    for (auto& [name, value] : render_live(*row.live)) {
      shown[name] = value;
    }
  }
  return shown;
}

json::object render_count(const Counted& counted) {
  return {{"count", counted.count}, {"more", counted.more}};
}

json::object render_facts(const actor::ActorRef& actor, const StoredFacts& facts,
                          const std::optional<ActorRow::Live>& live) {
  json::object shown = render_name(actor);
  const actor::Head head = facts.head.value_or(actor::Head());
  shown["turn"] = or_null(facts.head.has_value(), head.turn);
  shown["paused"] = head.paused;
  shown["generation"] = or_null(facts.head.has_value(), base::to_hex(head.generation.get()));
  shown["state_bytes"] = or_null(facts.state_bytes.has_value(), facts.state_bytes.value_or(0));
  shown["data_rows"] = render_count(facts.data);
  shown["inbox"] = render_count(facts.inbox);
  shown["parked"] = render_count(facts.parked);
  shown["reminders"] = render_count(facts.reminders);
  shown["activation"] = or_null(live.has_value(), render_live(live.value_or(ActorRow::Live())));
  return shown;
}

json::object render_owner(const actor::ActorRef& actor, const OwnerFacts& facts) {
  json::object shown = render_name(actor);
  const actor::Head head = facts.head.value_or(actor::Head());
  shown["asked_node"] = facts.here;
  shown["active_here"] = facts.active;
  shown["paused"] = head.paused;
  shown["written_by_generation"] =
      or_null(facts.head.has_value(), base::to_hex(head.generation.get()));
  shown["owner"] = nullptr;
  if (facts.placement) {
    const cluster::Placement& placement = *facts.placement;
    shown["owner"] = json::object{
        {"node", placement.owner.node},
        {"address", placement.address},
        {"state", cluster::node_state_name(placement.state)},
        {"epoch", base::to_hex(placement.owner.epoch.get())},
        {"generation", base::to_hex(placement.owner.generation.get())},
        {"joined_micros",
         or_null(facts.node_joined.has_value(), facts.node_joined.value_or(WallTime()).micros())}};
  }
  shown["why"] = explain_owner(facts);
  return shown;
}

json::object render_message(const Bytes& stamp, const actor::Message& message) {
  json::object shown = render_invocation(message.what);
  shown["stamp"] = base::to_hex(stamp);
  shown["from"] = agent::legible(message.from.to_string());
  shown["sent_micros"] = message.sent.micros();
  return shown;
}

json::object render_parked(const actor::StoredParked& parked) {
  json::object shown = render_message(parked.stamp, parked.parked.message);
  shown["error"] = shown_text(parked.parked.error);
  shown["tries"] = parked.parked.tries;
  shown["parked_micros"] = parked.parked.parked.micros();
  return shown;
}

json::object render_reminder(const actor::Reminder& reminder) {
  json::object shown = render_invocation(reminder.what);
  shown["name"] = agent::legible(reminder.name);
  shown["due_micros"] = reminder.due.micros();
  shown["period_micros"] = reminder.period.micros();
  shown["catch_up"] = name_of(reminder.catch_up);
  shown["tries"] = reminder.tries;
  return shown;
}

Result<Bytes> parse_stamp(std::string_view text) {
  Bytes stamp;
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  bool good = text.size() == 2 * codec::kTupleVersionstampBytes;
  for (size_t i = 0; good && i < text.size(); i += 2) {
    const int high = digit(text[i]);
    const int low = digit(text[i + 1]);
    good = high >= 0 && low >= 0;
    stamp += static_cast<char>(high * 16 + low);
  }
  if (!good) {
    return base::out_of_range(
        "path.stamp: expected the 24 hexadecimal digits of a message, got \"" + std::string(text) +
        "\"");
  }
  return stamp;
}

}  // namespace kelpie::api
