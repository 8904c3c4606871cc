// Head: the one key that every commit of an actor writes. Its nonce says which commit was last, so
// that an undecided commit can be settled (architecture, section 7).
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "cluster/fence.h"
#include "store/exactly_once.h"

namespace kelpie::actor {

using store::kNonceBytes;

struct Head {
  cluster::Generation generation;
  int64_t turn = 0;     // of the last committed turn
  Bytes nonce;          // kNonceBytes, fresh for each commit
  bool paused = false;  // by an operator

  [[nodiscard]] Bytes encode() const;
  // `data_loss` for anything that `encode` does not write.
  static Result<Head> decode(ByteView bytes);
};

}  // namespace kelpie::actor
