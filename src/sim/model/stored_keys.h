// What a key of the store is about, for those who watch a store's batches from outside.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace kelpie::sim {

// By the key table (store/keys.h). kOther: nothing of ownership.
struct StoredPlace {
  enum class Kind : uint8_t { kOther, kEpoch, kOwner, kHead } kind = Kind::kOther;
  std::string name;  // of the node, or `type/namespace/id` of the actor
};

StoredPlace stored_place_of(ByteView key);

}  // namespace kelpie::sim
