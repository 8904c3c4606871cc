#include "cluster/membership.h"

#include <map>
#include <utility>

#include "async/sleep.h"
#include "store/keys.h"
#include "store/range_stream.h"

namespace kelpie::cluster {
namespace {

constexpr int kAttemptsMax = 10;
constexpr Duration kRetryPause = Duration::millis(1);

void write_epoch(store::Transaction& transaction, const std::string& node) {
  transaction.set_versionstamped_value(store::keys::epoch(node),
                                       Bytes(store::Versionstamp::kBytes, '\0'), 0);
}

// Whether it wrote anything: not if the epoch is another, or the node is no member.
Task<bool> write_death(store::Transaction& transaction, std::string node, Epoch expected) {
  const auto isolation = store::Isolation::kSerializable;
  const std::optional<Epoch> epoch = co_await read_epoch(transaction, node, isolation);
  std::optional<NodeRecord> record = co_await read_node_record(transaction, node, isolation);
  if (epoch != expected || !record || !is_member(record->state)) {
    co_return false;
  }
  record->state = co_await walk(record->state, {NodeState::kFailed});
  transaction.set(store::keys::node(node), encode_node_record(*record));
  write_epoch(transaction, node);
  co_return true;
}

}  // namespace

Task<std::optional<NodeRecord>> read_node_record(store::Transaction& transaction, std::string node,
                                                 store::Isolation isolation) {
  std::optional<Bytes> value = co_await transaction.get(store::keys::node(node), isolation);
  if (!value.has_value()) {
    co_return std::optional<NodeRecord>();
  }
  co_return std::optional<NodeRecord>(co_await decode_node_record(*value));
}

Task<std::optional<Epoch>> read_epoch(store::Transaction& transaction, std::string node,
                                      store::Isolation isolation) {
  std::optional<Bytes> value = co_await transaction.get(store::keys::epoch(node), isolation);
  if (!value.has_value()) {
    co_return std::optional<Epoch>();
  }
  co_return std::optional<Epoch>(Epoch(std::move(*value)));
}

Task<std::vector<NodeSeen>> read_nodes(store::Transaction& transaction) {
  using Kind = store::keys::MemberPlace::Kind;
  std::map<std::string, NodeSeen> nodes;
  std::map<std::string, Beat> beats;
  std::map<std::string, Epoch> epochs;
  store::RangeStream rows(
      transaction, {.range = store::keys::membership(), .isolation = store::Isolation::kSnapshot});
  while (std::optional<store::KeyValue> row = co_await rows.next()) {
    store::keys::MemberPlace place = store::keys::member_place_of(row->key);
    // What this version cannot read is another's, of which it says nothing.
    if (place.kind == Kind::kEpoch) {
      epochs.emplace(std::move(place.node), Epoch(std::move(row->value)));
    } else if (place.kind == Kind::kBeat) {
      if (auto beat = decode_beat(row->value); beat.ok()) {
        beats.emplace(std::move(place.node), std::move(*beat));
      }
    } else if (place.kind == Kind::kNode) {
      if (auto record = decode_node_record(row->value); record.ok()) {
        nodes[place.node].record = std::move(*record);
      }
    }
  }
  std::vector<NodeSeen> seen;
  for (auto& [name, node] : nodes) {
    node.name = name;
    node.epoch = epochs[name];
    const auto beat = beats.find(name);
    if (beat != beats.end()) {
      node.beat = std::move(beat->second);
    }
    seen.push_back(std::move(node));
  }
  co_return std::move(seen);
}

Task<void> write_join(store::Transaction& transaction, std::string node, std::string address,
                      WallTime now) {
  std::optional<NodeRecord> before =
      co_await read_node_record(transaction, node, store::Isolation::kSerializable);
  NodeState state = before ? before->state : NodeState::kLeft;
  if (is_member(state)) {
    state = co_await walk(state, {NodeState::kFailed});
  }
  state = co_await walk(state, {NodeState::kJoining, NodeState::kActive});
  const NodeRecord record{.state = state, .address = std::move(address), .joined = now};
  transaction.set(store::keys::node(node), encode_node_record(record));
  write_epoch(transaction, node);
  co_return kOk;
}

Task<void> write_fence_off(store::Transaction& transaction, std::string node) {
  std::optional<NodeRecord> record =
      co_await read_node_record(transaction, node, store::Isolation::kSerializable);
  if (record && is_member(record->state)) {
    record->state = co_await walk(record->state, {NodeState::kFailed});
    transaction.set(store::keys::node(node), encode_node_record(*record));
  }
  write_epoch(transaction, node);
  co_return kOk;
}

Task<bool> declare_dead(World& world, store::Database& database, std::string node, Epoch expected) {
  for (int attempt = 1;; ++attempt) {
    auto transaction = database.begin();
    auto fell = co_await write_death(*transaction, node, expected).result();
    Result<void> done = kOk;
    if (!fell.ok()) {
      done = std::move(fell).error();
    } else if (!*fell) {
      co_return false;
    } else {
      auto committed = co_await transaction->commit().result();
      if (committed.ok()) {
        co_return true;
      }
      done = std::move(committed).error();
    }
    // An undecided one is looked at again: if it happened, the epoch is another. If it lands later,
    // its reads refuse it once anybody has changed the epoch or the record.
    const Code code = done.error().code;
    const bool again = code == Code::kAborted || code == Code::kUnknown;
    if (!again || attempt == kAttemptsMax) {
      co_return std::move(done).error().with_context("declaring node " + node + " dead");
    }
    co_await async::sleep_for(world.loop, kRetryPause * attempt);
  }
}

}  // namespace kelpie::cluster
