#include "actor/inbox.h"

#include <utility>

#include "actor/due_queue.h"
#include "actor/method_call.h"
#include "actor/runtime.h"
#include "base/limits.h"
#include "codec/tuple.h"
#include "store/keys.h"
#include "store/range_stream.h"
#include "store/stored_tuple.h"
#include "world/faults.h"

namespace kelpie::actor {
namespace {

// The versionstamp at the end of a key of an inbox, or of a parked message.
Result<Bytes> stamp_of(ByteView key) {
  auto elements = TRY(store::unpack_stored(key));
  if (elements.empty() || !elements.back().is_versionstamp()) {
    return base::data_loss("a key of an inbox has an unknown format");
  }
  return std::move(elements.back().bytes);
}

void put_message(Turn& turn, const ActorRef& to, const Message& message) {
  codec::VersionstampedKey key = store::keys::actor_inbox_message(to.name(), turn.next_message());
  turn.transaction().set_versionstamped_key(std::move(key.key), key.offset, message.encode());
}

// Under time zero: what is in an inbox is due at once, whatever anybody's clock says.
void mark_due(Turn& turn, const ActorRef& to) {
  turn.transaction().set(store::keys::due(due_shard_of(to), 0, to.name(), ""), "");
  note_due(turn, due_shard_of(to), 0);
}

Task<std::optional<store::KeyValue>> first_message(store::Transaction& transaction, ActorRef self,
                                                   store::Isolation isolation) {
  store::RangePage page = co_await transaction.get_range(
      {.range = store::keys::actor_inbox(self.name()), .rows_max = 1, .isolation = isolation});
  if (page.rows.empty()) {
    co_return std::optional<store::KeyValue>();
  }
  co_return std::optional<store::KeyValue>(std::move(page.rows.front()));
}

}  // namespace

void park_message(Turn& turn, const ParkedMessage& parked) {
  // A stamp of its own: two may be parked by one commit.
  codec::VersionstampedKey key =
      store::keys::actor_parked_message(turn.self().name(), turn.next_message());
  turn.transaction().set_versionstamped_key(std::move(key.key), key.offset, parked.encode());
}

Result<void> send(Turn& turn, const ActorRef& to, Invocation what) {
  TRY(to.check());
  const auto type = turn.runtime().types().find(to.type);
  if (type == turn.runtime().types().end()) {
    return base::invalid_argument("no actor type is named " + to.type);
  }
  TRY(check_invocation(type->second, what, CallOptions()));
  const Message message{turn.self(), std::move(what), turn.now()};
  if (message.encode().size() > base::kActorMessageBytesMax) {
    return base::invalid_argument(
        "a message has at most " + std::to_string(base::kActorMessageBytesMax) +
        " bytes with its names, got " + std::to_string(message.encode().size()));
  }
  if (turn.messages() >= base::kMessagesPerTurnMax) {
    return base::invalid_argument("a turn sends at most " +
                                  std::to_string(base::kMessagesPerTurnMax) + " messages");
  }
  put_message(turn, to, message);
  if (turn.world().faults.mutant("M36")) {
    note_due(turn, due_shard_of(to), 0);
  } else {
    mark_due(turn, to);
  }
  return kOk;
}

Task<void> take_message(Actor& actor, Turn& turn, std::shared_ptr<Delivery> done) {
  done->empty = false;
  done->message.clear();
  done->failed.reset();
  store::Transaction* transaction = co_await turn.reading();
  // Only this actor takes from its inbox, so what it sees first stays the first.
  auto row = co_await first_message(*transaction, turn.self(), store::Isolation::kSnapshot);
  if (!row) {
    // The mark goes only if no message comes before this commit.
    row = co_await first_message(*transaction, turn.self(), store::Isolation::kSerializable);
  }
  if (!row) {
    done->empty = true;
    transaction->clear(store::keys::due(due_shard_of(turn.self()), 0, turn.self().name(), ""));
    turn.tidy_only();
    co_return kOk;
  }
  const Message message = co_await Message::decode(row->value);
  done->message = row->key;
  turn.set_method(message.what.method);
  turn.set_cause(row->key);
  auto answered = co_await static_cast<MethodActor&>(actor)
                      .invoke(turn, std::make_shared<const Invocation>(message.what))
                      .result();
  if (!answered.ok()) {
    done->failed = answered.error();
    co_return std::move(answered).error();
  }
  turn.commit_anyway();
  if (turn.world().faults.mutant("M7")) {
    done->cleared_later = row->key;
    co_return kOk;
  }
  transaction->clear(std::move(row->key));
  co_return kOk;
}

Task<void> note_failure(Actor&, Turn& turn, std::shared_ptr<Delivery> done) {
  store::Transaction* transaction = co_await turn.reading();
  const auto row = co_await first_message(*transaction, turn.self(), store::Isolation::kSnapshot);
  if (!row || row->key != done->message) {
    // An operator was here.
    turn.read_only();
    co_return kOk;
  }
  const Bytes stamp = co_await stamp_of(row->key);
  const Bytes tries_key = store::keys::actor_inbox_tries(turn.self().name());
  MessageTries tries{stamp, 0};
  if (const auto stored = co_await transaction->get(tries_key)) {
    const MessageTries before = co_await MessageTries::decode(*stored);
    tries = before.stamp == stamp ? before : tries;
  }
  ++tries.tries;
  done->parked = tries.tries >= base::kMessageTriesMax || done->failed->code == Code::kNotFound ||
                 done->failed->code == Code::kInvalidArgument;
  if (!done->parked) {
    transaction->set(tries_key, tries.encode());
    done->pause = retry_pause(tries.tries);
    co_return kOk;
  }
  turn.world().faults.reached("actor.inbox.parked");
  park_message(turn, {co_await Message::decode(row->value), done->failed->to_string(), tries.tries,
                      turn.now()});
  transaction->clear(row->key);
  transaction->clear(tries_key);
  co_return kOk;
}

Task<std::vector<StoredMessage>> list_inbox(store::Transaction& transaction, ActorRef actor,
                                            size_t rows_max) {
  store::RangeStream rows(transaction, {.range = store::keys::actor_inbox(actor.name())});
  std::vector<StoredMessage> messages;
  while (messages.size() < rows_max) {
    const std::optional<store::KeyValue> row = co_await rows.next();
    if (!row) {
      break;
    }
    messages.push_back({co_await stamp_of(row->key), co_await Message::decode(row->value)});
  }
  co_return messages;
}

Task<std::vector<StoredParked>> list_parked(store::Transaction& transaction, ActorRef actor,
                                            size_t rows_max) {
  store::RangeStream rows(transaction, {.range = store::keys::actor_parked(actor.name())});
  std::vector<StoredParked> parked;
  while (parked.size() < rows_max) {
    const std::optional<store::KeyValue> row = co_await rows.next();
    if (!row) {
      break;
    }
    parked.push_back({co_await stamp_of(row->key), co_await ParkedMessage::decode(row->value)});
  }
  co_return parked;
}

Task<void> retry_parked(Turn& turn, Bytes stamp) {
  store::Transaction* transaction = co_await turn.reading();
  const Bytes key = store::keys::actor_parked(turn.self().name(), stamp);
  const auto stored = co_await transaction->get(key);
  if (!stored) {
    co_return base::not_found("no such message is parked");
  }
  const ParkedMessage parked = co_await ParkedMessage::decode(*stored);
  transaction->clear(key);
  put_message(turn, turn.self(), parked.message);
  mark_due(turn, turn.self());
  co_return kOk;
}

Task<void> drop_parked(Turn& turn, Bytes stamp) {
  store::Transaction* transaction = co_await turn.reading();
  const Bytes key = store::keys::actor_parked(turn.self().name(), stamp);
  if (!(co_await transaction->get(key)).has_value()) {
    co_return base::not_found("no such message is parked");
  }
  transaction->clear(key);
  co_return kOk;
}

}  // namespace kelpie::actor
