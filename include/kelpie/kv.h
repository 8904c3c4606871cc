// An actor's own keys: for data that is too much to be state, or of which a turn needs a little.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/bytes.h"
#include "kelpie/convert.h"

namespace kelpie::actor {
class Turn;
struct ActorRef;
}  // namespace kelpie::actor
namespace kelpie::store {
class Transaction;
}
namespace kelpie {

// Which keys, in the order of their bytes. What is empty does not bound.
struct KvQuery {
  std::string prefix;
  std::string begin;     // the first key that counts
  std::string end;       // the first that does not any more
  std::string after;     // only keys behind this one: where the last page ended
  size_t limit = 1'000;  // entries; a page also ends after about kKvPageBytes of values
};
inline constexpr size_t kKvPageBytes = 1'000'000;

struct KvEntry {
  std::string key;
  Bytes value;
  bool operator==(const KvEntry&) const = default;
};
struct KvPage {
  std::vector<KvEntry> entries;
  // There may be more: go on with `KvQuery::after`. Nothing: that was all.
  std::optional<std::string> next;
};
struct KvKeys {
  std::vector<std::string> keys;
  std::optional<std::string> next;
};

// Reads see the actor's keys as its last turn left them, and this turn's own writes. Errors of
// reads: `invalid_argument` for a key that is empty or longer than kActorDataKeyBytesMax, and the
// store's; a failed read is never an absent key.
class KvReader {
 public:
  KvReader(const KvReader&) = delete;
  KvReader& operator=(const KvReader&) = delete;

  Task<std::optional<Bytes>> get(std::string key);
  Task<bool> exists(std::string key);
  Task<KvPage> list(KvQuery query);
  Task<KvKeys> list_keys(KvQuery query);
  // The same with a value of any type that convert.h knows, as JSON.
  template <class T>
  Task<std::optional<T>> get_as(std::string key) {
    const std::optional<Bytes> bytes = co_await get(std::move(key));
    if (!bytes) {
      co_return std::optional<T>();
    }
    co_return std::optional<T>(co_await detail::decode_value<T>(*bytes));
  }

 protected:
  KvReader(actor::Turn* turn, store::Transaction* transaction, const actor::ActorRef& self)
      : turn_(turn), transaction_(transaction), self_(self) {}
  ~KvReader() = default;

 private:
  friend class ActivationContext;
  Task<store::Transaction*> reading();
  Task<KvPage> read_page(KvQuery query);

 protected:
  actor::Turn* turn_;  // null: an activation reads
  store::Transaction* transaction_;
  const actor::ActorRef& self_;
};

// Within a turn. What is written is committed with the turn, or not at all.
class Kv final : public KvReader {
 public:
  // At most 9,000,000 bytes of value; a turn writes less than 10 MB in all.
  Task<void> set(std::string key, Bytes value);
  // Also if there is none.
  Task<void> remove(std::string key);
  template <class T>
  Task<void> set_as(std::string key, T value) {
    co_return co_await set(std::move(key), co_await to_json(value).write()).result();
  }

 private:
  friend class Context;
  Kv(actor::Turn& turn, const actor::ActorRef& self, bool& wrote)
      : KvReader(&turn, nullptr, self), wrote_(wrote) {}
  bool& wrote_;
};

}  // namespace kelpie
