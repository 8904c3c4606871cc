#include "actor/message.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/hash.h"
#include "base/limits.h"
#include "codec/tuple.h"
#include "store/stored_tuple.h"

namespace kelpie::actor {
namespace {

using codec::TupleElement;
using codec::TuplePacker;

constexpr int64_t kFormat = 1;
constexpr Duration kRetryPauseMin = Duration::millis(100);
constexpr Duration kRetryPauseMax = Duration::minutes(1);

bool strings(const codec::Tuple& elements, size_t from, size_t to) {
  return std::all_of(elements.begin() + static_cast<ptrdiff_t>(from),
                     elements.begin() + static_cast<ptrdiff_t>(to),
                     [](const TupleElement& element) { return element.is_string(); });
}

bool has_format(const codec::Tuple& elements, size_t size) {
  return elements.size() == size && elements[0].is_integer() && elements[0].number == kFormat;
}

}  // namespace

Bytes Message::encode() const {
  return std::move(TuplePacker()
                       .integer(kFormat)
                       .string(from.type)
                       .string(from.ns)
                       .string(from.id)
                       .string(what.method)
                       .bytes(what.arguments)
                       .integer(sent.nanos()))
      .take();
}

Result<Message> Message::decode(ByteView bytes) {
  auto elements = TRY(store::unpack_stored(bytes));
  if (!has_format(elements, 7) || !strings(elements, 1, 5) || !elements[5].is_bytes() ||
      !elements[6].is_integer()) {
    return base::data_loss("a message in an inbox has an unknown format");
  }
  return Message{{elements[1].bytes, elements[2].bytes, elements[3].bytes},
                 {elements[4].bytes, elements[5].bytes},
                 WallTime::from_nanos(elements[6].number)};
}

Bytes ParkedMessage::encode() const {
  return std::move(TuplePacker()
                       .integer(kFormat)
                       .bytes(message.encode())
                       .string(error)
                       .integer(tries)
                       .integer(parked.nanos()))
      .take();
}

Result<ParkedMessage> ParkedMessage::decode(ByteView bytes) {
  auto elements = TRY(store::unpack_stored(bytes));
  if (!has_format(elements, 5) || !elements[1].is_bytes() || !elements[2].is_string() ||
      !elements[3].is_integer() || !elements[4].is_integer()) {
    return base::data_loss("a parked message has an unknown format");
  }
  return ParkedMessage{TRY(Message::decode(elements[1].bytes)), elements[2].bytes,
                       elements[3].number, WallTime::from_nanos(elements[4].number)};
}

Bytes MessageTries::encode() const {
  return std::move(TuplePacker().integer(kFormat).versionstamp(stamp).integer(tries)).take();
}

Result<MessageTries> MessageTries::decode(ByteView bytes) {
  auto elements = TRY(store::unpack_stored(bytes));
  if (!has_format(elements, 3) || !elements[1].is_versionstamp() || !elements[2].is_integer()) {
    return base::data_loss("the tries of a message have an unknown format");
  }
  return MessageTries{elements[1].bytes, elements[2].number};
}

Duration retry_pause(int64_t tries) {
  CHECK(tries > 0);
  Duration pause = kRetryPauseMin;
  for (int64_t i = 1; i < tries && pause < kRetryPauseMax; ++i) {
    pause = pause * 4;
  }
  return std::min(pause, kRetryPauseMax);
}

int64_t due_shard_of(const ActorRef& actor) {
  const uint64_t hash = base::hash64(actor.id, base::hash64(actor.ns, base::hash64(actor.type)));
  return static_cast<int64_t>(hash % static_cast<uint64_t>(base::kDueShards));
}

}  // namespace kelpie::actor
