// RecordIo: how the stores of the agent domain read and write records through one transaction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/loop.h"
#include "async/task.h"
#include "store/chunked.h"
#include "store/database.h"

namespace kelpie::agent {

// Ids and names are parts of keys, and of the keys of indexes beside others.
inline constexpr size_t kRecordIdBytesMax = 256;
inline constexpr size_t kRecordNameBytesMax = 1'000;

// invalid_argument, with the length and the limit, for what is empty or longer than
// kRecordIdBytesMax; `what` is named in the message.
Result<void> check_id(std::string_view id, std::string_view what);
// The same for kRecordNameBytesMax; a name may be empty.
Result<void> check_name(std::string_view name, std::string_view what);

// The last element of an index key. data_loss if it is of another type.
Result<std::string> last_string(ByteView key);
Result<int64_t> last_integer(ByteView key);

// A value: copies speak of the same transaction, and live no longer than it. One Loop. Every read
// fails rather than finding nothing when the store cannot answer.
class RecordIo {
 public:
  // For turns: what is read is checked again by the commit. Reads do not give the loop away.
  RecordIo(store::Transaction& transaction)  // NOLINT: a transaction is all that it takes
      : RecordIo(transaction, store::Isolation::kSerializable, nullptr) {}
  // For views, from which nothing is committed: one snapshot is consistent by itself, so nothing is
  // kept for a commit; between the pages of a long read `loop` runs what is ready.
  static RecordIo for_view(store::Transaction& transaction, Loop& loop) {
    return {transaction, store::Isolation::kSnapshot, &loop};
  }

  [[nodiscard]] store::Transaction& transaction() const { return transaction_; }

  // A chunked value.
  Task<std::optional<Bytes>> value(Bytes key);
  // A chunked record; an error in it names the record as `kind id`.
  template <class T>
  Task<std::optional<T>> load(Bytes key, std::string_view kind, std::string id) {
    auto bytes = co_await value(std::move(key)).result();
    if (!bytes.ok()) {
      co_return std::move(bytes).error().with_context(std::string(kind) + " " + id);
    }
    if (!bytes->has_value()) {
      co_return std::optional<T>();
    }
    Result<T> record = T::decode(**bytes);
    if (!record.ok()) {
      co_return std::move(record).error().with_context(std::string(kind) + " " + id);
    }
    co_return std::optional<T>(std::move(*record));
  }
  Task<void> save(Bytes key, Bytes record);
  // The one row of this key.
  Task<std::optional<Bytes>> row(Bytes key);

  // A page of `read`, which goes on to what is left; an empty range says that nothing is.
  Task<std::vector<store::KeyValue>> next_page(store::RangeRead& read);
  // A whole range, or its first `limit` rows.
  Task<std::vector<store::KeyValue>> rows(store::KeyRange range, store::Order order, size_t limit);
  // How many rows a range has; none is kept.
  Task<size_t> count(store::KeyRange range);

  // not_found unless the agent is there. What is written under an agent's prefix by a transaction
  // that has not looked may land after the agent was deleted, and then nothing ever clears it.
  Task<void> must_have_agent(std::string agent_id);

 private:
  RecordIo(store::Transaction& transaction, store::Isolation isolation, Loop* loop)
      : transaction_(transaction), isolation_(isolation), loop_(loop) {}

  store::Transaction& transaction_;
  store::Isolation isolation_;
  Loop* loop_;  // nullptr: reads go on at once
};

}  // namespace kelpie::agent
