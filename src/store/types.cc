#include "store/types.h"

#include <utility>

#include "base/check.h"

namespace kelpie::store {

Versionstamp Versionstamp::make(Version version, uint16_t order) {
  CHECK(version.get() >= 0);
  Versionstamp stamp;
  stamp.bytes.reserve(kBytes);
  const auto number = static_cast<uint64_t>(version.get());
  for (int shift = 56; shift >= 0; shift -= 8) {
    stamp.bytes += static_cast<char>(number >> shift);
  }
  stamp.bytes += static_cast<char>(order >> 8);
  stamp.bytes += static_cast<char>(order & 0xff);
  CHECK(stamp.bytes.size() == kBytes);
  return stamp;
}

Version Versionstamp::version() const {
  CHECK(bytes.size() == kBytes);
  uint64_t number = 0;
  for (size_t i = 0; i < 8; ++i) {
    number = (number << 8) | static_cast<unsigned char>(bytes[i]);
  }
  return Version(static_cast<int64_t>(number));
}

KeyRange KeyRange::single(ByteView key) {
  KeyRange range{Bytes(key), {}};
  range.end.reserve(key.size() + 1);
  range.end.append(key);
  range.end += '\0';
  return range;
}

KeyRange KeyRange::prefix(ByteView prefix) {
  KeyRange range{Bytes(prefix), Bytes(prefix)};
  while (!range.end.empty() && range.end.back() == '\xff') {
    range.end.pop_back();
  }
  CHECK(!range.end.empty());
  range.end.back() = static_cast<char>(static_cast<unsigned char>(range.end.back()) + 1);
  return range;
}

KeySelector KeySelector::last_less_than(Bytes key) {
  return {std::move(key), OrEqual::kExcluded, 0};
}

KeySelector KeySelector::last_less_or_equal(Bytes key) {
  return {std::move(key), OrEqual::kIncluded, 0};
}

KeySelector KeySelector::first_greater_than(Bytes key) {
  return {std::move(key), OrEqual::kIncluded, 1};
}

KeySelector KeySelector::first_greater_or_equal(Bytes key) {
  return {std::move(key), OrEqual::kExcluded, 1};
}

KeySelector KeySelector::plus(int32_t keys) const { return {key, or_equal, offset + keys}; }

}  // namespace kelpie::store
