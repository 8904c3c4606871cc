#include "actor/head.h"

#include <utility>

#include "codec/tuple.h"

namespace kelpie::actor {
namespace {

constexpr int64_t kFormat = 1;
constexpr size_t kUsualBytes = 48;

}  // namespace

Bytes Head::encode() const {
  CHECK(nonce.size() == kNonceBytes);
  CHECK(turn > 0);
  Bytes room;
  room.reserve(kUsualBytes);
  return std::move(codec::TuplePacker(std::move(room))
                       .integer(kFormat)
                       .bytes(generation.get())
                       .integer(turn)
                       .bytes(nonce))
      .take();
}

Result<Head> Head::decode(ByteView bytes) {
  const auto elements = TRY(codec::unpack_tuple(bytes));
  const bool well_formed = elements.size() == 4 && elements[0].is_integer() &&
                           elements[0].number == kFormat && elements[1].is_bytes() &&
                           elements[2].is_integer() && elements[3].is_bytes();
  if (!well_formed) {
    return base::data_loss("an actor's head has an unknown format");
  }
  Head head{cluster::Generation(elements[1].bytes), elements[2].number, elements[3].bytes};
  if (head.turn <= 0 || head.nonce.size() != kNonceBytes) {
    return base::data_loss("an actor's head is out of range");
  }
  return head;
}

}  // namespace kelpie::actor
