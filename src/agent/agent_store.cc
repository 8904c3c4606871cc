#include "agent/agent_store.h"

#include <algorithm>
#include <utility>

#include "codec/tuple.h"
#include "store/chunked.h"
#include "store/keys.h"

namespace kelpie::agent {
namespace {

namespace keys = store::keys;
using store::KeyRange;
using store::KeyValue;
using store::RangePage;
using store::RangeRead;

// Reads a range page by page to its end; no more than `limit` rows.
Task<std::vector<KeyValue>> read_rows(store::Transaction& transaction, KeyRange range,
                                      store::Order order, size_t limit) {
  std::vector<KeyValue> rows;
  while (!range.empty() && rows.size() < limit) {
    RangeRead read;
    read.range = range;
    read.order = order;
    read.rows_max = std::min(read.rows_max, limit - rows.size());
    RangePage page = co_await transaction.get_range(std::move(read));
    std::move(page.rows.begin(), page.rows.end(), std::back_inserter(rows));
    if (!page.more) {
      break;
    }
    range = std::move(page.next);
  }
  co_return std::move(rows);
}

constexpr size_t kNoLimit = SIZE_MAX;
// Of keys::agent_block, as a tuple.
constexpr size_t kLabelElement = 5;

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

// Narrows `range` to what comes after and before the cursors in the list's order.
void narrow(KeyRange& range, const std::optional<Bytes>& after, const std::optional<Bytes>& before,
            store::Order order) {
  const bool forward = order == store::Order::kForward;
  const std::optional<Bytes>& low = forward ? after : before;
  const std::optional<Bytes>& high = forward ? before : after;
  if (low.has_value()) {
    range.begin = std::max(range.begin, *low + '\x00');
  }
  if (high.has_value()) {
    range.end = std::min(range.end, *high);
  }
}

Task<std::optional<Bytes>> read_value(store::Transaction& transaction, Bytes key) {
  co_return co_await store::get_chunked(transaction, std::move(key));
}

}  // namespace

PageWalk walk_of(PageRequest page) {
  PageWalk walk{std::move(page), false};
  if (walk.page.before.has_value() && !walk.page.after.has_value()) {
    walk.turned = true;
    walk.page.after = std::exchange(walk.page.before, std::nullopt);
    walk.page.order =
        walk.page.order == store::Order::kForward ? store::Order::kReverse : store::Order::kForward;
  }
  return walk;
}

Task<std::optional<Config>> AgentStore::config(std::string agent_id) {
  auto bytes = co_await read_value(transaction_, keys::agent_config(agent_id));
  if (!bytes.has_value()) {
    co_return std::optional<Config>();
  }
  co_return std::optional<Config>(co_await Config::decode(*bytes));
}

Task<void> AgentStore::put_config(Config config) {
  co_await store::set_chunked(transaction_, keys::agent_config(config.id), config.encode());
  co_return kOk;
}

Task<void> AgentStore::insert_agent(Config config) {
  transaction_.set(keys::agent_created(config.created_micros, config.id), Bytes());
  co_await put_config(std::move(config));
  co_return kOk;
}

Task<void> AgentStore::erase_agent(Config config) {
  transaction_.clear_range(keys::agent(config.id));
  transaction_.clear(keys::agent_created(config.created_micros, config.id));
  transaction_.clear(keys::agent_working(config.id));
  co_return kOk;
}

Task<std::vector<std::string>> AgentStore::agent_ids(PageRequest page) {
  std::optional<Bytes> cursor_keys[2];
  const std::optional<std::string>* cursors[2] = {&page.after, &page.before};
  for (int i = 0; i < 2; ++i) {
    if (!cursors[i]->has_value()) {
      continue;
    }
    std::optional<Config> agent = co_await config(**cursors[i]);
    if (!agent.has_value()) {
      co_return std::vector<std::string>();
    }
    cursor_keys[i] = keys::agent_created(agent->created_micros, agent->id);
  }
  KeyRange range = keys::agents_created();
  narrow(range, cursor_keys[0], cursor_keys[1], page.order);
  std::vector<KeyValue> rows =
      co_await read_rows(transaction_, std::move(range), page.order, page.limit);
  std::vector<std::string> ids;
  for (const KeyValue& row : rows) {
    const auto elements = co_await codec::unpack_tuple(row.key);
    if (elements.empty() || !elements.back().is_string()) {
      co_return base::data_loss("an agent index key has an unknown format");
    }
    ids.emplace_back(elements.back().bytes);
  }
  co_return std::move(ids);
}

Task<std::vector<Block>> AgentStore::blocks(std::string agent_id) {
  // Labels are read first, then each value, which may be chunked under its key.
  std::vector<KeyValue> rows = co_await read_rows(transaction_, keys::agent_blocks(agent_id),
                                                  store::Order::kForward, kNoLimit);
  std::vector<Block> blocks;
  std::string last;
  for (const KeyValue& row : rows) {
    const auto elements = co_await codec::unpack_tuple(row.key);
    if (elements.size() <= kLabelElement || !elements[kLabelElement].is_string()) {
      co_return base::data_loss("a block key has an unknown format");
    }
    const std::string label = elements[kLabelElement].bytes;
    if (!blocks.empty() && label == last) {
      continue;  // a further chunk of the block just read
    }
    last = label;
    auto found = co_await block(agent_id, label);
    CHECK(found.has_value());
    blocks.push_back(std::move(*found));
  }
  std::sort(blocks.begin(), blocks.end(),
            [](const Block& a, const Block& b) { return a.position < b.position; });
  co_return std::move(blocks);
}

Task<std::optional<Block>> AgentStore::block(std::string agent_id, std::string label) {
  auto bytes = co_await read_value(transaction_, keys::agent_block(agent_id, label));
  if (!bytes.has_value()) {
    co_return std::optional<Block>();
  }
  co_return std::optional<Block>(co_await Block::decode(*bytes));
}

Task<void> AgentStore::put_block(std::string agent_id, Block block) {
  co_await store::set_chunked(transaction_, keys::agent_block(agent_id, block.label),
                              block.encode());
  co_return kOk;
}

Task<void> AgentStore::erase_block(std::string agent_id, std::string label) {
  co_await store::clear_chunked(transaction_, keys::agent_block(agent_id, label));
  co_return kOk;
}

Task<void> AgentStore::put_message(std::string agent_id, Message message) {
  const Place place = message.place;
  CHECK(place.turn > 0 && place.index >= 0);
  transaction_.set(keys::agent_message_order(agent_id, place.turn, place.index), message.id);
  transaction_.set(keys::agent_message_at(agent_id, message.id), encode_place(place));
  co_await store::set_chunked(transaction_, keys::agent_message(agent_id, place.turn, place.index),
                              message.encode());
  co_return kOk;
}

Task<std::optional<Place>> AgentStore::place_of(std::string agent_id, std::string message_id) {
  auto bytes = co_await transaction_.get(keys::agent_message_at(agent_id, message_id));
  if (!bytes.has_value()) {
    co_return std::optional<Place>();
  }
  co_return std::optional<Place>(co_await decode_place(*bytes));
}

Task<std::vector<Message>> AgentStore::read_messages(std::string agent_id, KeyRange range,
                                                     store::Order order, size_t limit) {
  std::vector<KeyValue> rows = co_await read_rows(transaction_, std::move(range), order, limit);
  std::vector<Message> messages;
  for (const KeyValue& row : rows) {
    const Place place = co_await place_in_key(row.key);
    auto bytes =
        co_await read_value(transaction_, keys::agent_message(agent_id, place.turn, place.index));
    if (!bytes.has_value()) {
      co_return base::data_loss("message " + row.value + " is listed but not stored");
    }
    Message message = co_await Message::decode(*bytes);
    message.place = place;
    messages.push_back(std::move(message));
  }
  co_return std::move(messages);
}

Task<std::vector<Message>> AgentStore::messages(std::string agent_id, PageRequest request) {
  const PageWalk walk = walk_of(std::move(request));
  const PageRequest& page = walk.page;
  std::optional<Bytes> cursor_keys[2];
  const std::optional<std::string>* cursors[2] = {&page.after, &page.before};
  for (int i = 0; i < 2; ++i) {
    if (!cursors[i]->has_value()) {
      continue;
    }
    std::optional<Place> place = co_await place_of(agent_id, **cursors[i]);
    if (!place.has_value()) {
      co_return std::vector<Message>();
    }
    cursor_keys[i] = keys::agent_message_order(agent_id, place->turn, place->index);
  }
  KeyRange range = keys::agent_message_orders(agent_id);
  narrow(range, cursor_keys[0], cursor_keys[1], page.order);
  std::vector<Message> messages =
      co_await read_messages(std::move(agent_id), std::move(range), page.order, page.limit);
  if (walk.turned) {
    std::ranges::reverse(messages);
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
  std::vector<KeyValue> rows = co_await read_rows(
      transaction_, keys::agent_message_orders(agent_id), store::Order::kForward, kNoLimit);
  std::vector<std::string> ids;
  ids.reserve(rows.size());
  for (KeyValue& row : rows) {
    ids.push_back(std::move(row.value));
  }
  co_return std::move(ids);
}

Task<std::optional<Run>> AgentStore::run(std::string agent_id, std::string run_id) {
  auto bytes = co_await read_value(transaction_, keys::agent_run(agent_id, run_id));
  if (!bytes.has_value()) {
    co_return std::optional<Run>();
  }
  co_return std::optional<Run>(co_await Run::decode(*bytes));
}

Task<void> AgentStore::put_run(std::string agent_id, Run run) {
  co_await store::set_chunked(transaction_, keys::agent_run(agent_id, run.id), run.encode());
  co_return kOk;
}

Task<std::vector<AgentStore::Queued>> AgentStore::queue(std::string agent_id) {
  std::vector<KeyValue> rows = co_await read_rows(transaction_, keys::agent_queue(agent_id),
                                                  store::Order::kForward, kNoLimit);
  std::vector<Queued> queue;
  for (KeyValue& row : rows) {
    const auto elements = co_await codec::unpack_tuple(row.key);
    if (elements.empty() || !elements.back().is_integer()) {
      co_return base::data_loss("a queue key has an unknown format");
    }
    queue.push_back(Queued{elements.back().number, std::move(row.value)});
  }
  co_return std::move(queue);
}

void AgentStore::enqueue(const std::string& agent_id, Queued entry) {
  transaction_.set(keys::agent_queue_entry(agent_id, entry.turn), entry.run_id);
  transaction_.set(keys::agent_working(agent_id), Bytes());
}

Task<void> AgentStore::dequeue(std::string agent_id, int64_t turn) {
  transaction_.clear(keys::agent_queue_entry(agent_id, turn));
  std::vector<Queued> left = co_await queue(agent_id);
  if (left.empty()) {
    transaction_.clear(keys::agent_working(agent_id));
  }
  co_return kOk;
}

Task<std::vector<std::string>> AgentStore::working_agents() {
  std::vector<KeyValue> rows =
      co_await read_rows(transaction_, keys::agents_working(), store::Order::kForward, kNoLimit);
  std::vector<std::string> ids;
  for (const KeyValue& row : rows) {
    const auto elements = co_await codec::unpack_tuple(row.key);
    if (elements.empty() || !elements.back().is_string()) {
      co_return base::data_loss("a work index key has an unknown format");
    }
    ids.emplace_back(elements.back().bytes);
  }
  co_return std::move(ids);
}

}  // namespace kelpie::agent
