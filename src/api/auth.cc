#include "api/auth.h"

namespace kelpie::api {

bool equal_in_constant_time(std::string_view given, std::string_view expected) {
  // Compares as many bytes as were given; the difference in length is folded in, not branched on.
  volatile unsigned char difference = given.size() == expected.size() ? 0 : 1;
  for (size_t i = 0; i < given.size(); ++i) {
    const char other = expected.empty() ? '\0' : expected[i % expected.size()];
    difference = static_cast<unsigned char>(difference | (given[i] ^ other));
  }
  return difference == 0;
}

bool authorised(const net::Headers& headers, std::string_view key) {
  if (key.empty()) {
    return true;
  }
  struct Scheme {
    std::string_view header;
    std::string_view prefix;
  };
  for (const Scheme& scheme :
       {Scheme{"authorization", "Bearer "}, Scheme{"x-bare-password", "password "}}) {
    const std::string* value = net::find_header(headers, scheme.header);
    if (value != nullptr && value->starts_with(scheme.prefix) &&
        equal_in_constant_time(std::string_view(*value).substr(scheme.prefix.size()), key)) {
      return true;
    }
  }
  return false;
}

}  // namespace kelpie::api
