#include "agent/agent_store.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "async/sleep.h"
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

Task<std::optional<Bytes>> AgentStore::value(Bytes key) {
  co_return co_await store::get_chunked(transaction_, std::move(key), isolation_);
}

Task<std::vector<KeyValue>> AgentStore::next_page(RangeRead& read) {
  read.isolation = isolation_;
  RangePage page = co_await transaction_.get_range(read);
  read.range = page.more ? std::move(page.next) : KeyRange();
  if (page.more && loop_ != nullptr) {
    co_await async::yield(*loop_);
  }
  co_return std::move(page.rows);
}

Task<std::vector<KeyValue>> AgentStore::rows(KeyRange range, store::Order order, size_t limit) {
  std::vector<KeyValue> all;
  RangeRead read{.range = std::move(range), .order = order};
  const size_t page_max = read.rows_max;
  while (!read.range.empty() && all.size() < limit) {
    read.rows_max = std::min(page_max, limit - all.size());
    std::vector<KeyValue> page = co_await next_page(read);
    std::ranges::move(page, std::back_inserter(all));
  }
  co_return std::move(all);
}

Task<std::optional<Config>> AgentStore::config(std::string agent_id) {
  auto bytes = co_await value(keys::agent_config(agent_id));
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
  std::vector<KeyValue> found = co_await rows(std::move(range), page.order, page.limit);
  std::vector<std::string> ids;
  for (const KeyValue& row : found) {
    const auto elements = co_await codec::unpack_tuple(row.key);
    if (elements.empty() || !elements.back().is_string()) {
      co_return base::data_loss("an agent index key has an unknown format");
    }
    ids.emplace_back(elements.back().bytes);
  }
  co_return std::move(ids);
}

Task<std::vector<Block>> AgentStore::blocks(std::string agent_id) {
  std::vector<Block> blocks;
  store::ChunkAssembler values;
  RangeRead read{.range = keys::agent_blocks(agent_id)};
  while (!read.range.empty()) {
    std::vector<KeyValue> page = co_await next_page(read);
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
  auto bytes = co_await value(keys::agent_block(agent_id, label));
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
  auto bytes = co_await transaction_.get(keys::agent_message_at(agent_id, message_id), isolation_);
  if (!bytes.has_value()) {
    co_return std::optional<Place>();
  }
  co_return std::optional<Place>(co_await decode_place(*bytes));
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
    std::vector<KeyValue> listed = co_await next_page(read);
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
    std::vector<KeyValue> page = co_await next_page(read);
    for (KeyValue& row : page) {
      std::optional<KeyValue> whole = co_await values.take(std::move(row));
      if (!whole.has_value()) {
        continue;
      }
      const size_t next = messages.size();
      if (next == places.size() || whole->key != key_of(places[next])) {
        co_return base::data_loss("the messages of " + agent_id + " are not those that are listed");
      }
      Message message = co_await Message::decode(whole->value);
      message.place = places[next];
      messages.push_back(std::move(message));
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
  std::vector<KeyValue> found =
      co_await rows(keys::agent_message_orders(agent_id), store::Order::kForward, kNoLimit);
  std::vector<std::string> ids;
  ids.reserve(found.size());
  for (KeyValue& row : found) {
    ids.push_back(std::move(row.value));
  }
  co_return std::move(ids);
}

Task<std::optional<Run>> AgentStore::run(std::string agent_id, std::string run_id) {
  auto bytes = co_await value(keys::agent_run(agent_id, run_id));
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
  std::vector<KeyValue> found =
      co_await rows(keys::agent_queue(agent_id), store::Order::kForward, kNoLimit);
  std::vector<Queued> queue;
  for (KeyValue& row : found) {
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
  std::vector<KeyValue> found =
      co_await rows(keys::agents_working(), store::Order::kForward, kNoLimit);
  std::vector<std::string> ids;
  for (const KeyValue& row : found) {
    const auto elements = co_await codec::unpack_tuple(row.key);
    if (elements.empty() || !elements.back().is_string()) {
      co_return base::data_loss("a work index key has an unknown format");
    }
    ids.emplace_back(elements.back().bytes);
  }
  co_return std::move(ids);
}

}  // namespace kelpie::agent
