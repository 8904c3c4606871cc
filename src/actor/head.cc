#include "actor/head.h"

#include <utility>

#include "codec/tuple.h"
#include "store/stored_tuple.h"

namespace kelpie::actor {
namespace {

// The first format has no fifth element, which says that the actor is paused.
constexpr int64_t kFormat = 1;
constexpr int64_t kFormatWithPause = 2;
constexpr size_t kUsualBytes = 48;

}  // namespace

Bytes Head::encode() const {
  CHECK(nonce.size() == kNonceBytes);
  CHECK(turn > 0);
  Bytes room;
  room.reserve(kUsualBytes);
  codec::TuplePacker packer(std::move(room));
  packer.integer(paused ? kFormatWithPause : kFormat)
      .bytes(generation.get())
      .integer(turn)
      .bytes(nonce);
  if (paused) {
    packer.boolean(true);
  }
  return std::move(packer).take();
}

Result<Head> Head::decode(ByteView bytes) {
  const auto elements = TRY(store::unpack_stored(bytes));
  const bool paused = elements.size() == 5 && elements[0].is_integer() &&
                      elements[0].number == kFormatWithPause && elements[4].is_boolean() &&
                      elements[4].as_boolean();
  const bool well_formed =
      (paused ||
       (elements.size() == 4 && elements[0].is_integer() && elements[0].number == kFormat)) &&
      elements[1].is_bytes() && elements[2].is_integer() && elements[3].is_bytes();
  if (!well_formed) {
    return base::data_loss("an actor's head has an unknown format");
  }
  Head head{cluster::Generation(elements[1].bytes), elements[2].number, elements[3].bytes, paused};
  if (head.turn <= 0 || head.nonce.size() != kNonceBytes) {
    return base::data_loss("an actor's head is out of range");
  }
  return head;
}

}  // namespace kelpie::actor
