// What operators are shown of actors, as JSON. Pure. Names and texts of others are made legible.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string_view>

#include "actor/inbox.h"
#include "actor/ref.h"
#include "actor/reminder.h"
#include "api/actor_facts.h"
#include "api/actor_rows.h"
#include "base/result.h"

namespace kelpie::api {

// The name whole, and by its parts.
boost::json::object render_name(const actor::ActorRef& actor);
boost::json::object render_row(const ActorRow& row);
boost::json::object render_count(const Counted& counted);
boost::json::object render_facts(const actor::ActorRef& actor, const StoredFacts& facts,
                                 const std::optional<ActorRow::Live>& live);
boost::json::object render_owner(const actor::ActorRef& actor, const OwnerFacts& facts);
boost::json::object render_message(const Bytes& stamp, const actor::Message& message);
boost::json::object render_parked(const actor::StoredParked& parked);
boost::json::object render_reminder(const actor::Reminder& reminder);

// A message's name in its inbox, as `render_message` writes it; `out_of_range` for anything else.
Result<Bytes> parse_stamp(std::string_view text);

}  // namespace kelpie::api
