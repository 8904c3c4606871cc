// Tuples as stored values.
#pragma once

#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "codec/tuple.h"

namespace kelpie::store {

// The elements of a tuple that was read from the store. data_loss for bytes that are none: what is
// stored was written by this program, so the store is damaged, and nobody's argument is wrong.
inline Result<codec::Tuple> unpack_stored(ByteView bytes) {
  auto unpacked = codec::unpack_tuple(bytes);
  if (!unpacked.ok()) {
    return base::data_loss("stored bytes are no tuple: " + unpacked.error().message);
  }
  return unpacked;
}

}  // namespace kelpie::store
