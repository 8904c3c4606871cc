#include "actor/once.h"

#include <utility>

#include "actor/turn.h"
#include "base/hash.h"
#include "base/limits.h"
#include "codec/tuple.h"
#include "store/chunked.h"
#include "store/keys.h"
#include "store/stored_tuple.h"
#include "world/faults.h"

namespace kelpie::actor {
namespace {

constexpr int64_t kFormat = 1;

}  // namespace

Bytes OnceRecord::encode() const {
  return std::move(codec::TuplePacker()
                       .integer(kFormat)
                       .integer(sequence)
                       .identifier(fingerprint)
                       .integer(when.nanos())
                       .bytes(reply))
      .take();
}

Result<OnceRecord> OnceRecord::decode(ByteView bytes) {
  using Kind = codec::TupleElement::Kind;
  auto elements = TRY(store::unpack_stored(bytes));
  const bool well_formed = elements.size() == 5 && elements[0].is_integer() &&
                           elements[0].number == kFormat && elements[1].is_integer() &&
                           elements[2].kind == Kind::kIdentifier && elements[3].is_integer() &&
                           elements[4].is_bytes();
  if (!well_formed) {
    return base::data_loss("the record of a call's key has an unknown format");
  }
  return OnceRecord{elements[1].number, elements[2].bits, WallTime::from_nanos(elements[3].number),
                    std::move(elements[4].bytes)};
}

uint64_t fingerprint_of(const Invocation& what) {
  return base::hash64(what.arguments, base::hash64(what.method));
}

OnceVerdict judge_once(const std::optional<OnceRecord>& record, const Once& once,
                       uint64_t fingerprint) {
  // A record that is there counts, whatever the clock says: only a sweep forgets.
  if (!record || once.sequence > record->sequence) {
    return OnceVerdict::kNew;
  }
  if (once.sequence < record->sequence) {
    return OnceVerdict::kOvertaken;
  }
  return record->fingerprint == fingerprint ? OnceVerdict::kRepetition : OnceVerdict::kOtherCall;
}

Result<void> check_once(const Once& once) {
  if (once.key.empty() || once.key.size() > base::kOnceKeyBytesMax) {
    return base::invalid_argument("an idempotency key has 1 to " +
                                  std::to_string(base::kOnceKeyBytesMax) + " bytes, got " +
                                  std::to_string(once.key.size()));
  }
  if (once.sequence < 0) {
    return base::invalid_argument("a call's number is not negative, got " +
                                  std::to_string(once.sequence));
  }
  return kOk;
}

const OnceRecord* SessionCache::find(const std::string& key) const {
  const auto found = records_.find(key);
  return found == records_.end() ? nullptr : &found->second;
}

void SessionCache::keep(const std::string& key, OnceRecord record) {
  if (records_.size() >= kRecordsMax && !records_.contains(key)) {
    records_.clear();
  }
  records_[key] = std::move(record);
}

Task<std::optional<Bytes>> find_once(Turn& turn, Once once, uint64_t fingerprint) {
  if (turn.world().faults.mutant("M11")) {
    co_return std::optional<Bytes>();
  }
  std::optional<OnceRecord> record;
  if (const OnceRecord* known = turn.sessions().find(once.key)) {
    record = *known;
  } else {
    store::Transaction* transaction = co_await turn.reading();
    const Bytes key = store::keys::actor_once(turn.self().name(), once.key);
    if (auto stored = co_await store::get_chunked(*transaction, key)) {
      record = co_await OnceRecord::decode(*stored);
    }
  }
  switch (judge_once(record, once, fingerprint)) {
    case OnceVerdict::kNew:
      co_return std::optional<Bytes>();
    case OnceVerdict::kRepetition:
      co_return std::optional<Bytes>(std::move(record->reply));
    case OnceVerdict::kOtherCall:
      co_return base::invalid_argument("the idempotency key `" + once.key +
                                       "` was used for another call to " + turn.self().to_string());
    case OnceVerdict::kOvertaken:
      co_return base::failed_precondition("call " + std::to_string(once.sequence) + " of `" +
                                          once.key + "` comes after its caller has gone on to " +
                                          std::to_string(record->sequence));
  }
  co_return base::internal("a call's key had no verdict");
}

Task<void> record_once(Turn& turn, Once once, uint64_t fingerprint, Bytes reply) {
  if (reply.size() > base::kActorArgumentBytesMax) {
    co_return base::invalid_argument("the reply to a call with an idempotency key has at most " +
                                     std::to_string(base::kActorArgumentBytesMax) + " bytes, got " +
                                     std::to_string(reply.size()));
  }
  OnceRecord record{once.sequence, fingerprint, turn.now(), std::move(reply)};
  const Bytes key = store::keys::actor_once(turn.self().name(), once.key);
  co_await store::set_chunked(turn.transaction(), key, record.encode());
  if (once.sequence > 0) {
    turn.after_commit(
        [&sessions = turn.sessions(), key = std::move(once.key),
         record = std::move(record)]() mutable { sessions.keep(key, std::move(record)); });
  }
  co_return kOk;
}

Task<std::optional<Bytes>> sweep_once(Turn& turn, Bytes from, size_t rows_max) {
  store::Transaction* transaction = co_await turn.reading();
  store::KeyRange range = store::keys::actor_onces(turn.self().name());
  if (!from.empty()) {
    range.begin = std::move(from);
  }
  const store::RangePage page = co_await transaction->get_range(
      {.range = range, .rows_max = rows_max, .isolation = store::Isolation::kSnapshot});
  for (const store::KeyValue& row : page.rows) {
    // A row of a chunk is passed over; it goes with its manifest.
    const auto stored = co_await store::get_chunked(*transaction, row.key).result();
    if (!stored.ok() || !stored->has_value()) {
      continue;
    }
    const auto record = OnceRecord::decode(**stored);
    if (record.ok() && record->when + base::kOnceKeptFor < turn.now()) {
      co_await store::clear_chunked(*transaction, row.key);
    }
  }
  co_return page.more ? std::optional<Bytes>(page.next.begin) : std::nullopt;
}

}  // namespace kelpie::actor
