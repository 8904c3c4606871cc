#include "agent/agent_store.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "agent/memory_tools.h"
#include "codec/tuple.h"
#include "store/chunked.h"
#include "store/keys.h"

namespace kelpie::agent {
namespace {

namespace keys = store::keys;
using store::KeyRange;
using store::KeyValue;
using store::RangeRead;

constexpr size_t kNoLimit = SIZE_MAX;

Bytes encode_place(Place place) {
  return std::move(codec::TuplePacker().integer(place.turn).integer(place.index)).take();
}

Result<Place> decode_place(ByteView bytes) {
  const auto elements = TRY(codec::unpack_tuple(bytes));
  if (elements.size() != 2 || !elements[0].is_integer() || !elements[1].is_integer()) {
    return base::data_loss("a stored message place has an unknown format");
  }
  return Place{elements[0].number, elements[1].number};
}

// The place in the last two elements of an order key.
Result<Place> place_in_key(ByteView key) {
  const auto elements = TRY(codec::unpack_tuple(key));
  const size_t count = elements.size();
  if (count < 2 || !elements[count - 1].is_integer() || !elements[count - 2].is_integer()) {
    return base::data_loss("a message key has an unknown format");
  }
  return Place{elements[count - 2].number, elements[count - 1].number};
}

}  // namespace

Task<std::optional<Config>> AgentStore::config(std::string agent_id) {
  Bytes key = keys::agent_config(agent_id);
  co_return co_await io_.load<Config>(std::move(key), "agent", std::move(agent_id));
}

Task<bool> AgentStore::exists(std::string agent_id) {
  const std::optional<Bytes> row = co_await io_.row(keys::agent_config(agent_id));
  co_return row.has_value();
}

Task<void> AgentStore::put_config(Config config) {
  co_await check_id(config.id, "an agent's id");
  co_await io_.save(keys::agent_config(config.id), config.encode());
  co_return kOk;
}

Task<void> AgentStore::insert_agent(Config config) {
  io_.transaction().set(keys::agent_created(config.created_micros, config.id), Bytes());
  co_await put_config(std::move(config));
  co_return kOk;
}

Task<void> AgentStore::erase_agent(Config config, world::Faults& faults) {
  store::Transaction& transaction = io_.transaction();
  transaction.clear_range(keys::agent(config.id));
  if (faults.mutant("M23")) {
    co_return kOk;
  }
  transaction.clear(keys::agent_created(config.created_micros, config.id));
  transaction.clear(keys::agent_working(config.id));
  co_return kOk;
}

Task<std::vector<std::string>> AgentStore::agent_ids(PageRequest request) {
  const PageWalk walk = walk_of(std::move(request));
  KeyRange range = co_await cut(keys::agents_created(), walk.page,
                                [this](std::string id) { return created_key_of(std::move(id)); });
  std::vector<std::string> ids =
      co_await ids_in(std::move(range), walk.page.order, walk.page.limit);
  if (walk.turned) {
    std::ranges::reverse(ids);
  }
  co_return std::move(ids);
}

Task<std::optional<Bytes>> AgentStore::created_key_of(std::string agent_id) {
  const std::optional<Config> agent = co_await config(std::move(agent_id));
  co_return agent.has_value()
      ? std::optional<Bytes>(keys::agent_created(agent->created_micros, agent->id))
      : std::nullopt;
}

Task<std::vector<std::string>> AgentStore::ids_in(KeyRange range, store::Order order,
                                                  size_t limit) {
  std::vector<KeyValue> found = co_await io_.rows(std::move(range), order, limit);
  std::vector<std::string> ids;
  for (const KeyValue& row : found) {
    ids.push_back(co_await last_string(row.key));
  }
  co_return std::move(ids);
}

Task<std::vector<Block>> AgentStore::blocks(std::string agent_id) {
  std::vector<Block> blocks;
  store::ChunkAssembler values;
  RangeRead read{.range = keys::agent_blocks(agent_id)};
  while (!read.range.empty()) {
    std::vector<KeyValue> page = co_await io_.next_page(read);
    for (KeyValue& row : page) {
      std::optional<KeyValue> whole = co_await values.take(std::move(row));
      if (!whole.has_value()) {
        continue;
      }
      Block block = co_await Block::decode(whole->value);
      if (whole->key != keys::agent_block(agent_id, block.label)) {
        co_return base::data_loss("block \"" + block.label + "\" lies under another label");
      }
      blocks.push_back(std::move(block));
    }
  }
  co_await values.finish();
  std::sort(blocks.begin(), blocks.end(),
            [](const Block& a, const Block& b) { return a.position < b.position; });
  co_return std::move(blocks);
}

Task<std::optional<Block>> AgentStore::block(std::string agent_id, std::string label) {
  Bytes key = keys::agent_block(agent_id, label);
  co_return co_await io_.load<Block>(std::move(key), "block", std::move(label));
}

Task<void> AgentStore::put_block(std::string agent_id, Block block) {
  co_await check_name(block.label, "a block's label");
  co_await io_.save(keys::agent_block(agent_id, block.label), block.encode());
  co_return kOk;
}

Task<void> AgentStore::erase_block(std::string agent_id, std::string label) {
  co_await store::clear_chunked(io_.transaction(), keys::agent_block(agent_id, label));
  co_return kOk;
}

Task<Block> AgentStore::must_have_block(std::string agent_id, std::string label) {
  std::optional<Block> found = co_await block(std::move(agent_id), label);
  if (!found.has_value()) {
    co_return base::not_found("the agent has no block with the label \"" + label + "\"");
  }
  co_return std::move(*found);
}

Task<Block> AgentStore::set_block_value(std::string agent_id, std::string label,
                                        std::string value) {
  Block block = co_await must_have_block(agent_id, std::move(label));
  block.value = std::move(value);
  co_await check_block_limit(block);
  co_await put_block(std::move(agent_id), block);
  co_return std::move(block);
}

Task<Block> AgentStore::append_to_block(std::string agent_id, std::string label, std::string text) {
  const Block block = co_await must_have_block(agent_id, label);
  co_return co_await set_block_value(std::move(agent_id), std::move(label), block.value + text);
}

Result<void> check_block_limit(const Block& block) {
  const int64_t length = characters(block.value);
  if (length > block.limit) {
    return base::out_of_range("the value has " + std::to_string(length) +
                              " characters, the block's limit is " + std::to_string(block.limit));
  }
  return kOk;
}

Task<void> AgentStore::put_message(std::string agent_id, Message message) {
  const Place place = message.place;
  CHECK(place.turn > 0 && place.index >= 0);
  co_await check_id(message.id, "a message's id");
  store::Transaction& transaction = io_.transaction();
  transaction.set(keys::agent_message_order(agent_id, place.turn, place.index), message.id);
  transaction.set(keys::agent_message_at(agent_id, message.id), encode_place(place));
  if (message.created_micros != 0) {
    transaction.set(
        keys::agent_message_time(agent_id, message.created_micros, place.turn, place.index),
        message.id);
  }
  co_await io_.save(keys::agent_message(agent_id, place.turn, place.index), message.encode());
  co_return kOk;
}

// The next index of the last turn, and not a turn of its own: the agent's actor numbers turns, each
// higher than all before, and would write its next one over it.
Task<Message> AgentStore::append_message(std::string agent_id, Message message) {
  co_await io_.must_have_agent(agent_id);
  const std::optional<Place> taken = co_await place_of(agent_id, message.id);
  if (taken.has_value()) {
    co_return base::already_exists("the agent has a message with the id " + message.id);
  }
  const std::vector<KeyValue> last =
      co_await io_.rows(keys::agent_message_orders(agent_id), store::Order::kReverse, 1);
  message.place = Place{1, 0};
  if (!last.empty()) {
    message.place = co_await place_in_key(last.front().key);
    message.place.index += 1;
  }
  co_await put_message(std::move(agent_id), message);
  co_return std::move(message);
}

Task<std::optional<Message>> AgentStore::message(std::string agent_id, std::string message_id) {
  const std::optional<Place> place = co_await place_of(agent_id, message_id);
  if (!place.has_value()) {
    co_return std::optional<Message>();
  }
  auto found = co_await io_.load<Message>(keys::agent_message(agent_id, place->turn, place->index),
                                          "message", message_id);
  if (!found.has_value()) {
    co_return base::data_loss("message " + message_id + " is listed but not stored");
  }
  found->place = *place;
  co_return std::move(found);
}

Task<bool> AgentStore::erase_message(std::string agent_id, std::string message_id) {
  const std::optional<Message> found = co_await message(agent_id, message_id);
  if (!found.has_value()) {
    co_return false;
  }
  const auto [turn, index] = found->place;
  store::Transaction& transaction = io_.transaction();
  transaction.clear(keys::agent_message_order(agent_id, turn, index));
  transaction.clear(keys::agent_message_at(agent_id, message_id));
  transaction.clear(keys::agent_message_time(agent_id, found->created_micros, turn, index));
  co_await store::clear_chunked(transaction, keys::agent_message(agent_id, turn, index));
  co_return true;
}

// By the rows of the order index, which hold ids alone. A counter would cost one read instead of
// one for each thousand messages, but a message may be written over itself, and to know that it is
// not new each write would have to read first.
Task<size_t> AgentStore::count_messages(std::string agent_id) {
  co_return co_await io_.count(keys::agent_message_orders(agent_id));
}

Task<std::optional<Place>> AgentStore::place_of(std::string agent_id, std::string message_id) {
  const std::optional<Bytes> bytes = co_await io_.row(keys::agent_message_at(agent_id, message_id));
  if (!bytes.has_value()) {
    co_return std::optional<Place>();
  }
  co_return std::optional<Place>(co_await decode_place(*bytes));
}

Task<std::optional<Bytes>> AgentStore::order_key_of(std::string agent_id, std::string message_id) {
  const std::optional<Place> place = co_await place_of(agent_id, std::move(message_id));
  co_return place.has_value()
      ? std::optional<Bytes>(keys::agent_message_order(agent_id, place->turn, place->index))
      : std::nullopt;
}

Task<std::optional<Bytes>> AgentStore::time_key_of(std::string agent_id, std::string message_id) {
  const std::optional<Message> found = co_await message(agent_id, std::move(message_id));
  co_return found.has_value()
      ? std::optional<Bytes>(keys::agent_message_time(agent_id, found->created_micros,
                                                      found->place.turn, found->place.index))
      : std::nullopt;
}

// Two range reads for each page: which messages, then all of them with one read from the first to
// the last. Reading bodies backwards would meet chunks before their manifest, and reading bodies
// alone could not count messages by rows, nor miss one that is gone.
Task<std::vector<Message>> AgentStore::read_messages(std::string agent_id, KeyRange range,
                                                     store::Order order, size_t limit) {
  std::vector<Message> messages;
  RangeRead read{.range = std::move(range), .order = order};
  const size_t page_max = read.rows_max;
  while (!read.range.empty() && messages.size() < limit) {
    read.rows_max = std::min(page_max, limit - messages.size());
    std::vector<KeyValue> listed = co_await io_.next_page(read);
    if (order == store::Order::kReverse) {
      std::ranges::reverse(listed);
    }
    std::vector<Message> page = co_await read_bodies(agent_id, std::move(listed));
    if (order == store::Order::kReverse) {
      std::ranges::reverse(page);
    }
    std::ranges::move(page, std::back_inserter(messages));
  }
  co_return std::move(messages);
}

Task<std::vector<Message>> AgentStore::read_bodies(std::string agent_id,
                                                   std::vector<KeyValue> listed) {
  std::vector<Message> messages;
  if (listed.empty()) {
    co_return std::move(messages);
  }
  std::vector<Place> places;
  for (const KeyValue& row : listed) {
    places.push_back(co_await place_in_key(row.key));
  }
  const auto key_of = [&agent_id](Place place) {
    return keys::agent_message(agent_id, place.turn, place.index);
  };
  store::ChunkAssembler values;
  RangeRead read{.range = store::chunked_range(key_of(places.front()), key_of(places.back()))};
  while (!read.range.empty()) {
    std::vector<KeyValue> page = co_await io_.next_page(read);
    for (KeyValue& row : page) {
      std::optional<KeyValue> whole = co_await values.take(std::move(row));
      if (!whole.has_value()) {
        continue;
      }
      const size_t next = messages.size();
      if (next == places.size() || whole->key != key_of(places[next])) {
        co_return base::data_loss("the messages of " + agent_id + " are not those that are listed");
      }
      Result<Message> message = Message::decode(whole->value);
      if (!message.ok()) {
        co_return std::move(message).error().with_context("message " + listed[next].value);
      }
      message->place = places[next];
      messages.push_back(std::move(*message));
    }
  }
  co_await values.finish();
  if (messages.size() < places.size()) {
    co_return base::data_loss("message " + listed[messages.size()].value +
                              " is listed but not stored");
  }
  co_return std::move(messages);
}

Task<std::vector<Message>> AgentStore::messages(std::string agent_id, PageRequest request) {
  const PageWalk walk = walk_of(std::move(request));
  KeyRange range = co_await cut(
      keys::agent_message_orders(agent_id), walk.page,
      [this, &agent_id](std::string id) { return order_key_of(agent_id, std::move(id)); });
  std::vector<Message> messages = co_await read_messages(std::move(agent_id), std::move(range),
                                                         walk.page.order, walk.page.limit);
  if (walk.turned) {
    std::ranges::reverse(messages);
  }
  co_return std::move(messages);
}

Task<std::vector<Message>> AgentStore::messages_since(std::string agent_id, WallTime since,
                                                      PageRequest request) {
  const PageWalk walk = walk_of(std::move(request));
  KeyRange range = keys::agent_message_times(agent_id);
  range.begin = keys::agent_message_time(agent_id, since.micros(), 0, 0);
  range = co_await cut(std::move(range), walk.page, [this, &agent_id](std::string id) {
    return time_key_of(agent_id, std::move(id));
  });
  std::vector<KeyValue> timed =
      co_await io_.rows(std::move(range), walk.page.order, walk.page.limit);
  if (walk.page.order == store::Order::kReverse) {
    std::ranges::reverse(timed);
  }
  std::vector<Message> messages = co_await read_timed(std::move(agent_id), std::move(timed));
  if ((walk.page.order == store::Order::kReverse) != walk.turned) {
    std::ranges::reverse(messages);
  }
  co_return std::move(messages);
}

// Times nearly always grow as places do, and then one range holds the page. Where the time of day
// jumped they do not, and each message is read by itself.
Task<std::vector<Message>> AgentStore::read_timed(std::string agent_id,
                                                  std::vector<KeyValue> timed) {
  std::vector<Message> messages;
  std::vector<Place> places;
  for (const KeyValue& row : timed) {
    places.push_back(co_await place_in_key(row.key));
  }
  if (places.empty()) {
    co_return std::move(messages);
  }
  const Place first = places.front();
  const Place last = places.back();
  if (first < last) {
    KeyRange range{keys::agent_message_order(agent_id, first.turn, first.index),
                   keys::agent_message_order(agent_id, last.turn, last.index) + '\x00'};
    std::vector<KeyValue> listed =
        co_await io_.rows(std::move(range), store::Order::kForward, timed.size() + 1);
    const bool same = std::ranges::equal(listed, timed, {}, &KeyValue::value, &KeyValue::value);
    if (same) {
      co_return co_await read_bodies(std::move(agent_id), std::move(listed));
    }
  }
  for (const KeyValue& row : timed) {
    std::optional<Message> found = co_await message(agent_id, row.value);
    if (!found.has_value()) {
      co_return base::data_loss("message " + row.value + " is listed by time but not stored");
    }
    messages.push_back(std::move(*found));
  }
  co_return std::move(messages);
}

Task<std::vector<Message>> AgentStore::history(std::string agent_id) {
  KeyRange range = keys::agent_message_orders(agent_id);
  co_return co_await read_messages(std::move(agent_id), std::move(range), store::Order::kForward,
                                   kNoLimit);
}

Task<std::vector<Message>> AgentStore::messages_from(std::string agent_id, Place from) {
  KeyRange range = keys::agent_message_orders(agent_id);
  range.begin = keys::agent_message_order(agent_id, from.turn, from.index);
  co_return co_await read_messages(std::move(agent_id), std::move(range), store::Order::kForward,
                                   kNoLimit);
}

Task<std::vector<std::string>> AgentStore::message_ids(std::string agent_id) {
  std::vector<KeyValue> found =
      co_await io_.rows(keys::agent_message_orders(agent_id), store::Order::kForward, kNoLimit);
  std::vector<std::string> ids;
  ids.reserve(found.size());
  for (KeyValue& row : found) {
    ids.push_back(std::move(row.value));
  }
  co_return std::move(ids);
}

Task<std::optional<Run>> AgentStore::run(std::string agent_id, std::string run_id) {
  Bytes key = keys::agent_run(agent_id, run_id);
  co_return co_await io_.load<Run>(std::move(key), "run", std::move(run_id));
}

Task<void> AgentStore::put_run(std::string agent_id, Run run) {
  co_await check_id(run.id, "a run's id");
  co_await io_.save(keys::agent_run(agent_id, run.id), run.encode());
  co_return kOk;
}

Task<std::vector<AgentStore::Queued>> AgentStore::queue(std::string agent_id) {
  std::vector<KeyValue> found =
      co_await io_.rows(keys::agent_queue(agent_id), store::Order::kForward, kNoLimit);
  std::vector<Queued> queue;
  for (KeyValue& row : found) {
    const int64_t turn = co_await last_integer(row.key);
    queue.push_back(Queued{turn, std::move(row.value)});
  }
  co_return std::move(queue);
}

void AgentStore::enqueue(const std::string& agent_id, Queued entry) {
  io_.transaction().set(keys::agent_queue_entry(agent_id, entry.turn), entry.run_id);
  io_.transaction().set(keys::agent_working(agent_id), Bytes());
}

Task<void> AgentStore::dequeue(std::string agent_id, int64_t turn) {
  io_.transaction().clear(keys::agent_queue_entry(agent_id, turn));
  std::vector<Queued> left = co_await queue(agent_id);
  if (left.empty()) {
    io_.transaction().clear(keys::agent_working(agent_id));
  }
  co_return kOk;
}

Task<std::vector<std::string>> AgentStore::working_agents() {
  co_return co_await ids_in(keys::agents_working(), store::Order::kForward, kNoLimit);
}

}  // namespace kelpie::agent
