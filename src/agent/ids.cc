#include "agent/ids.h"

#include "base/check.h"

namespace kelpie::agent {
namespace {

constexpr size_t kUuidBytes = 36;

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

int hex_value(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

}  // namespace

std::string new_id(world::Rng& rng, std::string_view prefix) {
  return std::string(prefix) + "-" + rng.uuid();
}

bool is_id(std::string_view text, std::string_view prefix) {
  if (text.size() != prefix.size() + 1 + kUuidBytes || !text.starts_with(prefix) ||
      text[prefix.size()] != '-') {
    return false;
  }
  const std::string_view uuid = text.substr(prefix.size() + 1);
  for (size_t i = 0; i < uuid.size(); ++i) {
    const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    if (hyphen ? uuid[i] != '-' : !is_hex(uuid[i])) {
      return false;
    }
  }
  return true;
}

std::string part_otid(std::string_view message_id, size_t index) {
  CHECK(message_id.size() > kUuidBytes);
  constexpr size_t kPartsMax = 128;
  constexpr char kDigits[] = "0123456789abcdef";
  std::string uuid(message_id.substr(message_id.size() - kUuidBytes));
  const size_t part = index % kPartsMax;
  const size_t high_bit = static_cast<size_t>(hex_value(uuid[kUuidBytes - 2])) & 8U;
  uuid[kUuidBytes - 2] = kDigits[high_bit | (part >> 4)];
  uuid[kUuidBytes - 1] = kDigits[part & 15U];
  return uuid;
}

}  // namespace kelpie::agent
