#include "cluster/node_record.h"

#include <array>
#include <boost/json/object.hpp>
#include <utility>

#include "codec/json.h"
#include "codec/tuple.h"
#include "store/stored_tuple.h"

namespace kelpie::cluster {
namespace {

namespace json = boost::json;

constexpr int64_t kFormat = 1;
constexpr std::array<std::string_view, 5> kNames = {"joining", "active", "leaving", "left",
                                                    "failed"};

Error unreadable(std::string_view what) {
  return base::data_loss("a node's record has " + std::string(what));
}

}  // namespace

std::string_view node_state_name(NodeState state) { return kNames[static_cast<size_t>(state)]; }

std::optional<NodeState> node_state_of(std::string_view name) {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) {
      return static_cast<NodeState>(i);
    }
  }
  return std::nullopt;
}

bool is_member(NodeState state) {
  return state == NodeState::kJoining || state == NodeState::kActive ||
         state == NodeState::kLeaving;
}

bool may_follow(NodeState from, NodeState to) {
  switch (to) {
    case NodeState::kJoining:
      return from == NodeState::kLeft || from == NodeState::kFailed;
    case NodeState::kActive:
      return from == NodeState::kJoining;
    case NodeState::kLeaving:
      return from == NodeState::kActive;
    case NodeState::kLeft:
      return from == NodeState::kLeaving;
    case NodeState::kFailed:
      return is_member(from);
  }
  return false;
}

Result<NodeState> walk(NodeState from, std::initializer_list<NodeState> steps) {
  for (const NodeState to : steps) {
    if (!may_follow(from, to)) {
      return base::failed_precondition("a node that is " + std::string(node_state_name(from)) +
                                       " cannot become " + std::string(node_state_name(to)));
    }
    from = to;
  }
  return from;
}

Bytes encode_node_record(const NodeRecord& record) {
  json::object object;
  object["format"] = kFormat;
  object["state"] = node_state_name(record.state);
  object["address"] = record.address;
  object["joined_micros"] = record.joined.micros();
  return codec::write_json(object);
}

Result<NodeRecord> decode_node_record(ByteView value) {
  const auto parsed = codec::parse_json(value);
  if (!parsed.ok() || !parsed->is_object()) {
    return unreadable("no JSON object");
  }
  const json::object& object = parsed->as_object();
  const json::value* format = object.if_contains("format");
  if (format == nullptr || !format->is_int64() || format->as_int64() != kFormat) {
    return unreadable("an unknown format");
  }
  const json::value* name = object.if_contains("state");
  const auto state = name != nullptr && name->is_string() ? node_state_of(name->as_string())
                                                          : std::optional<NodeState>();
  if (!state) {
    return unreadable("an unknown state");
  }
  NodeRecord record{.state = *state, .address = {}, .joined = {}};
  // The records of older versions have the state alone.
  const json::value* address = object.if_contains("address");
  if (address != nullptr && address->is_string()) {
    record.address = address->as_string();
  }
  const json::value* joined = object.if_contains("joined_micros");
  if (joined != nullptr && joined->is_int64()) {
    record.joined = WallTime() + Duration::micros(joined->as_int64());
  }
  return record;
}

Bytes encode_beat(const Beat& beat) {
  return std::move(codec::TuplePacker()
                       .integer(kFormat)
                       .bytes(beat.epoch.get())
                       .integer(beat.counter)
                       .integer(beat.sent.micros()))
      .take();
}

Result<Beat> decode_beat(ByteView value) {
  auto elements = TRY(store::unpack_stored(value));
  const bool well_formed = elements.size() == 4 && elements[0].is_integer() &&
                           elements[0].number == kFormat && elements[1].is_bytes() &&
                           elements[2].is_integer() && elements[3].is_integer();
  if (!well_formed) {
    return base::data_loss("a heartbeat has an unknown format");
  }
  return Beat{Epoch(std::move(elements[1].bytes)), elements[2].number,
              WallTime() + Duration::micros(elements[3].number)};
}

}  // namespace kelpie::cluster
