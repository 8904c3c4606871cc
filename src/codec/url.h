// URLs as HTTP needs them (RFC 3986), and query strings as forms write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace kelpie::codec {

// Bytes other than the unreserved ones become %XX.
std::string percent_encode(std::string_view text);

// `invalid_argument` for a `%` without two hexadecimal digits. A `+` stays.
Result<std::string> percent_decode(std::string_view text);

using QueryParameters = std::vector<std::pair<std::string, std::string>>;

// `a=1&b=x+y` in order, repeated keys kept; a `+` is a space, a broken escape stays as it came,
// a key without `=` has the value "".
QueryParameters parse_query(std::string_view query);

struct Url {
  std::string scheme;  // lower case: "http" or "https"
  std::string host;    // a name, IPv4, or IPv6 without brackets
  uint16_t port = 0;   // the scheme's own when the URL has none
  std::string target;  // path and query, starts with '/'; without the fragment

  // What the Host header says: brackets around IPv6, no port when it is the scheme's own.
  [[nodiscard]] std::string authority() const;
  bool operator==(const Url&) const = default;
};

// `invalid_argument` for other schemes, user names in the URL, white space or control bytes.
Result<Url> split_url(std::string_view text);

}  // namespace kelpie::codec
