#include "kelpie/kv.h"

#include <algorithm>
#include <utility>

#include "actor/turn.h"
#include "base/limits.h"
#include "codec/tuple.h"
#include "store/chunked.h"
#include "store/database.h"
#include "store/keys.h"

namespace kelpie {
namespace {

constexpr size_t kRowsAtOnce = 1'000;
constexpr size_t kLimitMax = 10'000;

Result<void> check_key(const std::string& key) {
  if (key.empty() || key.size() > base::kActorDataKeyBytesMax) {
    return base::invalid_argument("a key has 1 to " + std::to_string(base::kActorDataKeyBytesMax) +
                                  " bytes, got " + std::to_string(key.size()));
  }
  return kOk;
}

// Where the query's keys lie, with what their values are made of.
store::KeyRange range_of(const actor::ActorRef& self, const KvQuery& query) {
  const store::keys::ActorName name = self.name();
  store::KeyRange range = store::keys::actor_data(name);
  if (!query.prefix.empty()) {
    // A key without the byte that ends it begins every longer one.
    Bytes begin = store::keys::actor_data(name, query.prefix);
    begin.pop_back();
    const store::KeyRange below = store::KeyRange::prefix(begin);
    range = {std::max(range.begin, below.begin), std::min(range.end, below.end)};
  }
  if (!query.begin.empty()) {
    range.begin = std::max(range.begin, store::keys::actor_data(name, query.begin));
  }
  if (!query.after.empty()) {
    // Behind the key and its chunks, before the next key that begins with it.
    range.begin = std::max(range.begin, store::keys::actor_data(name, query.after) + '\xff');
  }
  if (!query.end.empty()) {
    range.end = std::min(range.end, store::keys::actor_data(name, query.end));
  }
  return range;
}

Result<void> check_query(const KvQuery& query) {
  if (query.limit == 0 || query.limit > kLimitMax) {
    return base::invalid_argument("a page has 1 to " + std::to_string(kLimitMax) +
                                  " entries, got " + std::to_string(query.limit));
  }
  return kOk;
}

// The actor's own key; nothing for a chunk of a value.
Result<std::optional<std::string>> key_of(ByteView row_key) {
  auto elements = TRY(codec::unpack_tuple(row_key));
  if (elements.empty()) {
    return base::data_loss("a key of an actor has an unknown format");
  }
  if (!elements.back().is_bytes()) {
    return std::optional<std::string>();
  }
  return std::optional<std::string>(std::move(elements.back().bytes));
}

}  // namespace

Task<store::Transaction*> KvReader::reading() {
  if (turn_ != nullptr) {
    co_return co_await turn_->reading();
  }
  co_return transaction_;
}

Task<std::optional<Bytes>> KvReader::get(std::string key) {
  co_await check_key(key);
  store::Transaction* transaction = co_await reading();
  co_return co_await store::get_chunked(*transaction, store::keys::actor_data(self_.name(), key));
}

Task<bool> KvReader::exists(std::string key) {
  co_await check_key(key);
  store::Transaction* transaction = co_await reading();
  co_return (co_await transaction->get(store::keys::actor_data(self_.name(), key))).has_value();
}

Task<KvPage> KvReader::list(KvQuery query) {
  co_await check_query(query);
  KvPage page;
  store::RangeRead read{.range = range_of(self_, query), .rows_max = kRowsAtOnce};
  if (read.range.empty()) {
    co_return page;
  }
  store::Transaction* transaction = co_await reading();
  store::ChunkAssembler assembler;
  size_t bytes = 0;
  for (bool more = true; more;) {
    store::RangePage rows = co_await transaction->get_range(read);
    for (store::KeyValue& row : rows.rows) {
      if (page.entries.size() == query.limit || bytes >= kKvPageBytes) {
        page.next = page.entries.back().key;
        co_return page;
      }
      std::optional<store::KeyValue> whole = co_await assembler.take(std::move(row));
      if (whole) {
        const std::optional<std::string> key = co_await key_of(whole->key);
        if (!key) {
          co_return base::data_loss("a chunk is stored that belongs to no value");
        }
        bytes += key->size() + whole->value.size();
        page.entries.push_back({*key, std::move(whole->value)});
      }
    }
    more = rows.more;
    read.range = rows.next;
  }
  co_await assembler.finish();
  co_return page;
}

Task<KvKeys> KvReader::list_keys(KvQuery query) {
  co_await check_query(query);
  KvKeys page;
  store::RangeRead read{.range = range_of(self_, query), .rows_max = kRowsAtOnce};
  if (read.range.empty()) {
    co_return page;
  }
  store::Transaction* transaction = co_await reading();
  for (bool more = true; more;) {
    store::RangePage rows = co_await transaction->get_range(read);
    for (const store::KeyValue& row : rows.rows) {
      std::optional<std::string> key = co_await key_of(row.key);
      if (!key) {
        continue;
      }
      if (page.keys.size() == query.limit) {
        page.next = page.keys.back();
        co_return page;
      }
      page.keys.push_back(std::move(*key));
    }
    more = rows.more;
    read.range = rows.next;
  }
  co_return page;
}

Task<void> Kv::set(std::string key, Bytes value) {
  co_await check_key(key);
  wrote_ = true;
  co_return co_await store::set_chunked(
      turn_->transaction(), store::keys::actor_data(self_.name(), key), std::move(value))
      .result();
}

Task<void> Kv::remove(std::string key) {
  co_await check_key(key);
  wrote_ = true;
  co_return co_await store::clear_chunked(turn_->transaction(),
                                          store::keys::actor_data(self_.name(), key))
      .result();
}

}  // namespace kelpie
