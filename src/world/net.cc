#include "world/net.h"

#include <charconv>
#include <utility>

namespace kelpie::world {

std::string Address::to_string() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<Address> parse_address(std::string_view text) {
  const auto expected = [&] {
    return base::invalid_argument("expected an address like 127.0.0.1:8283 or [::1]:8283, got \"" +
                                  std::string(text) + "\"");
  };
  std::string_view host;
  std::string_view port;
  if (text.starts_with('[')) {
    const size_t end = text.find("]:");
    if (end == std::string_view::npos) {
      return expected();
    }
    host = text.substr(1, end - 1);
    port = text.substr(end + 2);
  } else {
    const size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || text.find(':') != colon) {
      return expected();
    }
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  uint16_t number = 0;
  const auto [end, code] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (host.empty() || port.empty() || code != std::errc() || end != port.data() + port.size()) {
    return expected();
  }
  return Address{std::string(host), number};
}

Task<void> write_all(ByteStream& stream, ByteView bytes) {
  while (!bytes.empty()) {
    const size_t written = co_await stream.write(bytes);
    CHECK(written > 0 && written <= bytes.size());
    bytes.remove_prefix(written);
  }
  co_return kOk;
}

}  // namespace kelpie::world
