// Ids as the wire knows them: `<prefix>-<uuid4>`.
#pragma once

#include <string>
#include <string_view>

#include "world/rng.h"

namespace kelpie::agent {

std::string new_id(world::Rng& rng, std::string_view prefix);
// `<prefix>-` and 36 characters of a UUID.
bool is_id(std::string_view text, std::string_view prefix);
// The id that a client sees for part `index` of a message: the message's UUID with its last seven
// bits replaced by the index (0..127); the same in the stream and in later lists.
std::string part_otid(std::string_view message_id, size_t index);

}  // namespace kelpie::agent
