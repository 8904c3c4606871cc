// NodeRecord: what a node is in the cluster, as the store has it, and how it may change (S11).
// Beat: a node's heartbeat, in a key of its own.
//
// Whether a node may write is not decided here but by its epoch (fence.h).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "cluster/fence.h"

namespace kelpie::cluster {

// A node that never joined counts as kLeft.
enum class NodeState : uint8_t { kJoining, kActive, kLeaving, kLeft, kFailed };

// As it is stored: `joining`, ...
std::string_view node_state_name(NodeState state);
std::optional<NodeState> node_state_of(std::string_view name);

// The whole table: left, joining, active, leaving, left; from any of the three in the middle to
// failed; from failed to joining. Nothing else, and no state to itself.
bool may_follow(NodeState from, NodeState to);
// The last of the steps; `failed_precondition` names the first that may not follow the one before.
Result<NodeState> walk(NodeState from, std::initializer_list<NodeState> steps);
// Has not left and has not failed: its epoch is one that somebody may hold.
bool is_member(NodeState state);

struct NodeRecord {
  NodeState state = NodeState::kLeft;
  std::string address;  // where other nodes reach it, `host:port`; empty: nowhere
  WallTime joined;      // by the node's own calendar, for people
  bool operator==(const NodeRecord&) const = default;
};

// JSON: format, state, address, joined_micros.
Bytes encode_node_record(const NodeRecord& record);
// `data_loss` for another format or an unknown state.
Result<NodeRecord> decode_node_record(ByteView value);

// A node's life under one epoch shows as a counter that moves. One beat renews all that the node
// owns. What it says is compared for equality only, and never with a clock.
struct Beat {
  Epoch epoch;          // of the one who beats: a beat of another incarnation is none of this one
  int64_t counter = 0;  // moves with each beat
  WallTime sent;        // by the node's own calendar, for people
  bool operator==(const Beat&) const = default;
};

Bytes encode_beat(const Beat& beat);
// `data_loss` for anything that `encode_beat` does not write.
Result<Beat> decode_beat(ByteView value);

}  // namespace kelpie::cluster
